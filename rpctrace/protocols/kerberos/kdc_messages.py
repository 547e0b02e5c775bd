"""Messages to and from a KDC (RFC 4120 5.4): octets -> the clear fields of AS-REQ, AS-REP, TGS-REQ, TGS-REP.

As in `messages`: no cipher is kept, a cut or damaged message gives what could be read, and `ParseError` is raised only
where the kind cannot be told. Messages of which nothing in clear matters (KRB-SAFE, KRB-PRIV, KRB-CRED) are a kind.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntFlag
from functools import partial

from rpctrace.encoding import der
from rpctrace.encoding.der import Element, Fields
from rpctrace.encoding.partial import Partial
from rpctrace.encoding.reader import Octets
from rpctrace.errors import Malformed
from rpctrace.protocols.kerberos.elements import (
    EncryptedData,
    MessageType,
    PrincipalName,
    Readers,
    Ticket,
    read_encrypted,
    read_message,
    read_principal_name,
    read_ticket,
    ticket_of,
    time_ns,
)
from rpctrace.protocols.kerberos.messages import READERS, UNTAGGED, KerberosMessage
from rpctrace.protocols.kerberos.preauth import (
    IN_REPLY,
    IN_REQUEST,
    NO_PREAUTHENTICATION,
    PreAuthentication,
    read_padata,
)
from rpctrace.record import record


# RFC 4120 5.4.1, RFC 6806 3, RFC 8062 3, [MS-SFU] 2.2.3
class KdcOptions(IntFlag):
    FORWARDABLE = 0x40000000
    FORWARDED = 0x20000000
    PROXIABLE = 0x10000000
    PROXY = 0x08000000
    ALLOW_POSTDATE = 0x04000000
    POSTDATED = 0x02000000
    RENEWABLE = 0x00800000
    OPT_HARDWARE_AUTH = 0x00100000
    CNAME_IN_ADDL_TKT = 0x00020000
    CANONICALIZE = 0x00010000
    REQUEST_ANONYMOUS = 0x00008000
    DISABLE_TRANSITED_CHECK = 0x00000020
    RENEWABLE_OK = 0x00000010
    ENC_TKT_IN_SKEY = 0x00000008
    RENEW = 0x00000002
    VALIDATE = 0x00000001


# Unnamed bits are dropped: IntFlag remembers each new combination, so hostile octets could fill memory. The named ones
# make 65 536 combinations at most.
_KDC_OPTIONS = sum(KdcOptions)


# RFC 4120 5.4.1
@record
class KdcReq(Partial):
    """AS-REQ or TGS-REQ. Times are `timestamp_ns`; `etypes` in the order in which the client prefers them.

    `additional_tickets` are those of other parties: with ENC_TKT_IN_SKEY the first is the ticket-granting ticket in
    whose session key the new one is to be encrypted (user-to-user). () for a list that is cut.
    """

    message_type: MessageType
    pvno: int | None
    preauthentication: PreAuthentication
    options: KdcOptions | None
    cname: PrincipalName | None
    realm: str | None
    sname: PrincipalName | None
    from_ns: int | None
    till_ns: int | None
    rtime_ns: int | None
    nonce: int | None
    etypes: tuple[int, ...]
    has_authorization_data: bool
    additional_tickets: tuple[Ticket, ...]


# RFC 4120 5.4.2
@record
class KdcRep(Partial):
    """AS-REP or TGS-REP: for whom, the ticket, and how the part for the client is encrypted."""

    message_type: MessageType
    pvno: int | None
    preauthentication: PreAuthentication
    crealm: str | None
    cname: PrincipalName | None
    ticket: Ticket | None
    enc_part: EncryptedData


# RFC 4120 5.6.1, 5.7.1, 5.8.1
@record
class SealedMessage(Partial):
    """KRB-SAFE, KRB-PRIV or KRB-CRED, as a kind alone."""

    message_type: MessageType


AnyMessage = KdcReq | KdcRep | KerberosMessage | SealedMessage


def parse_any_message(octets: Octets) -> AnyMessage:
    """One message of any kind -> value. Raises `ParseError` where the kind cannot be told."""
    return read_message(octets, _ALL_READERS, UNTAGGED)


def _kdc_req(fields: Fields, message_type: MessageType) -> KdcReq:
    pvno, preauthentication = fields.integer(1), _padata(fields, 3, request=True)
    body = fields.nested(4)
    if body is None:
        return KdcReq(
            message_type, pvno, preauthentication, None, None, None, None, None, None, None, None, (), False, (),
            problem=fields.problems.error,
        )  # fmt: skip
    options = body.value(0, der.bit_string_32, der.BIT_STRING)
    cname, realm = read_principal_name(body, 1, optional=True), body.text(2)
    sname = read_principal_name(body, 3, optional=True)
    from_ns, till_ns = body.value(4, time_ns, optional=True), body.value(5, time_ns)
    rtime_ns, nonce = body.value(6, time_ns, optional=True), body.integer(7)
    etypes = body.repeated_items(8, der.integer)
    tickets = body.items(11, partial(_additional_ticket, body), optional=True)
    return KdcReq(
        message_type,
        pvno,
        preauthentication,
        None if options is None else KdcOptions(options & _KDC_OPTIONS),
        cname,
        realm,
        sname,
        from_ns,
        till_ns,
        rtime_ns,
        None if nonce is None else nonce & 0xFFFFFFFF,  # UInt32, also seen written as a negative number
        etypes,
        10 in body,
        tickets,
        problem=fields.problems.error,
    )


def _additional_ticket(body: Fields, element: Element) -> Ticket:
    if element.tag != der.application_tag(1):
        raise Malformed(element.layer, element.offset, f"tag 0x{element.tag:02x} where a ticket belongs")
    return ticket_of(element, body.problems)


def _kdc_rep(fields: Fields, message_type: MessageType) -> KdcRep:
    pvno, preauthentication = fields.integer(0), _padata(fields, 2, request=False)
    crealm, cname = fields.text(3), read_principal_name(fields, 4)
    ticket, enc_part = read_ticket(fields, 5), read_encrypted(fields, 6)
    return KdcRep(
        message_type, pvno, preauthentication, crealm, cname, ticket, enc_part, problem=fields.problems.error
    )


def _padata(fields: Fields, number: int, *, request: bool) -> PreAuthentication:
    sequence = fields.element(number, der.SEQUENCE, optional=True)
    if sequence is None:
        return NO_PREAUTHENTICATION
    return read_padata(sequence, IN_REQUEST if request else IN_REPLY, fields.problems)


def _sealed(fields: Fields, message_type: MessageType) -> SealedMessage:
    return SealedMessage(message_type, problem=fields.problems.error)


def _row(
    name: str, read: Callable[[Fields, MessageType], AnyMessage], message_type: MessageType
) -> tuple[str, Callable[[Fields], AnyMessage]]:
    return name, lambda fields: read(fields, message_type)


_ALL_READERS: Readers[AnyMessage] = {
    **READERS,
    MessageType.AS_REQ: _row("AS-REQ", _kdc_req, MessageType.AS_REQ),
    MessageType.AS_REP: _row("AS-REP", _kdc_rep, MessageType.AS_REP),
    MessageType.TGS_REQ: _row("TGS-REQ", _kdc_req, MessageType.TGS_REQ),
    MessageType.TGS_REP: _row("TGS-REP", _kdc_rep, MessageType.TGS_REP),
    MessageType.SAFE: _row("KRB-SAFE", _sealed, MessageType.SAFE),
    MessageType.PRIV: _row("KRB-PRIV", _sealed, MessageType.PRIV),
    MessageType.CRED: _row("KRB-CRED", _sealed, MessageType.CRED),
}
