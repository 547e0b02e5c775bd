"""Kerberos messages of an authentication (AP-REQ, AP-REP, KRB-ERROR, TGT-REQ, TGT-REP): octets -> their clear fields.

Of encrypted parts only type, key version and length are kept, never the cipher. A cut or damaged message gives what
could be read: other fields are None, a name of which a part is missing has no components (half a name must not pass
for a whole one), `complete` is False and `problem` holds the first reason. `ParseError` only where not even the kind
of message could be told. Octets behind the message do no harm.
"""

from __future__ import annotations

from rpctrace.encoding import der
from rpctrace.encoding.der import Element, Fields
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.errors import ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.kerberos.elements import (
    LAYER,
    ApOptions,
    ApReq,
    MessageType,
    NameType,
    PrincipalName,
    Readers,
    Ticket,
    read_ap_req,
    read_encrypted,
    read_message,
    read_principal_name,
    read_ticket,
    time_ns,
)
from rpctrace.protocols.kerberos.preauth import IN_REPLY, NO_PREAUTHENTICATION, PaType, PreAuthentication, read_padata
from rpctrace.record import record

__all__ = [
    "ApOptions",
    "ApRep",
    "ApReq",
    "ErrorDataType",
    "KerberosMessage",
    "KrbError",
    "MessageType",
    "NameType",
    "PrincipalName",
    "TgtRep",
    "TgtReq",
    "Ticket",
    "parse_message",
]

_NS_PER_MICROSECOND = 1_000
_MICROSECONDS_PER_SECOND = 1_000_000
_EXT_ERROR_LENGTH_OCTETS = 12


# [MS-KILE] 2.2.2
class ErrorDataType(OpenEnum):
    SKEW_RECOVERY = 2
    EXTENDED = 3


# RFC 4120 5.5.2
@record
class ApRep(Partial):
    """AP-REP: the server took the ticket; in DCE style also the client's third leg."""

    etype: int | None
    cipher_length_octets: int | None

    @property
    def message_type(self) -> MessageType:
        return MessageType.AP_REP


# RFC 4120 5.9.1
@record
class KrbError(Partial):
    """KRB-ERROR. `ctime_ns` and `stime_ns` hold the microseconds of `cusec` and `susec` too, where those are plausible.

    `error_data_type`, `ntstatus` ([MS-KILE] 2.2.1, 2.2.2) and `pa_data_types` (METHOD-DATA) are what e-data holds;
    `preauthentication` is METHOD-DATA read: what the KDC would take, with encryption types and salts.
    """

    ctime_ns: int | None
    cusec: int | None
    stime_ns: int | None
    susec: int | None
    error_code: int | None
    crealm: str | None
    cname: PrincipalName | None
    realm: str | None
    sname: PrincipalName | None
    e_text: str | None
    error_data_type: ErrorDataType | None
    ntstatus: int | None
    pa_data_types: tuple[int, ...]
    preauthentication: PreAuthentication = NO_PREAUTHENTICATION

    @property
    def message_type(self) -> MessageType:
        return MessageType.ERROR


# draft-swift-win2k-krb-user2user-03 3.1
@record
class TgtReq(Partial):
    """KERB-TGT-REQUEST: asks a peer without a key of its own for its TGT. Name and realm may be left out."""

    server_name: PrincipalName | None
    realm: str | None

    @property
    def message_type(self) -> MessageType:
        return MessageType.TGT_REQ


# draft-swift-win2k-krb-user2user-03 3.2
@record
class TgtRep(Partial):
    """KERB-TGT-REPLY: the peer's ticket-granting ticket; presents nothing to anybody."""

    ticket: Ticket | None

    @property
    def message_type(self) -> MessageType:
        return MessageType.TGT_REP


KerberosMessage = ApReq | ApRep | KrbError | TgtReq | TgtRep


def parse_message(octets: Octets) -> KerberosMessage:
    """One message -> value, told apart by its application tag, or untagged (the user-to-user draft) by msg-type."""
    return read_message(octets, READERS, UNTAGGED)


def _ap_rep(fields: Fields) -> ApRep:
    encrypted = read_encrypted(fields, 2)
    return ApRep(encrypted.etype, encrypted.cipher_length_octets, problem=fields.problems.error)


def _krb_error(fields: Fields) -> KrbError:
    ctime, cusec = fields.value(2, time_ns, optional=True), fields.integer(3, optional=True)
    stime, susec = fields.value(4, time_ns), fields.integer(5)
    error_code = fields.integer(6)
    crealm, cname = fields.text(7, optional=True), read_principal_name(fields, 8, optional=True)
    realm, sname = fields.text(9), read_principal_name(fields, 10)
    e_text = fields.text(11, optional=True)
    data = fields.value(12, _error_data, der.OCTET_STRING, optional=True) or _NO_ERROR_DATA
    return KrbError(
        _with_microseconds(ctime, cusec),
        cusec,
        _with_microseconds(stime, susec),
        susec,
        error_code,
        crealm,
        cname,
        realm,
        sname,
        e_text,
        *data,
        problem=fields.problems.error,
    )


def _tgt_req(fields: Fields) -> TgtReq:
    server_name, realm = read_principal_name(fields, 2, optional=True), fields.text(3, optional=True)
    return TgtReq(server_name, realm, problem=fields.problems.error)


def _tgt_rep(fields: Fields) -> TgtRep:
    ticket = read_ticket(fields, 2)
    return TgtRep(ticket, problem=fields.problems.error)


def _with_microseconds(whole_ns: int | None, microseconds: int | None) -> int | None:
    if whole_ns is None or microseconds is None or not 0 <= microseconds < _MICROSECONDS_PER_SECOND:
        return whole_ns
    return whole_ns + microseconds * _NS_PER_MICROSECOND


class _ErrorData(NamedTuple):
    data_type: ErrorDataType | None
    ntstatus: int | None
    pa_data_types: tuple[int, ...]
    preauthentication: PreAuthentication = NO_PREAUTHENTICATION


_NO_ERROR_DATA = _ErrorData(None, None, ())


def _error_data(element: Element) -> _ErrorData:
    """e-data -> KERB-ERROR-DATA ([MS-KILE] 2.2.2) or METHOD-DATA (RFC 4120 5.9.1); free-form octets say nothing."""
    octets = der.whole(element)
    try:
        sequence = der.expect(octets, der.SEQUENCE, element.layer, 0, element.value_offset)
        if bytes(sequence.value[:1]) != bytes((der.SEQUENCE,)):
            number, value = _typed_data(sequence)
            status = _ext_error(value) if number == ErrorDataType.EXTENDED else None
            return _ErrorData(None if number is None else ErrorDataType(number), status, ())
        data = der.items(sequence, _typed_data)
    except ParseError:
        return _NO_ERROR_DATA
    # A KDC's KERB-EXT-ERROR is seen as PA-DATA of type 3 too, which is also the type of a salt.
    statuses = [_ext_error(value, salt=True) for number, value in data if number == ErrorDataType.EXTENDED]
    known = [status for status in statuses if status is not None]
    types = tuple(number for number, _ in data if number is not None)
    return _ErrorData(
        None, known[0] if known else None, types, read_padata(sequence, _NO_SALT if known else IN_REPLY, FirstProblem())
    )


# RFC 4120 5.2.7 PA-DATA and [MS-KILE] 2.2.2 KERB-ERROR-DATA have one shape: [1] a number, [2] octets.
def _typed_data(sequence: Element) -> tuple[int | None, memoryview | None]:
    fields = Fields(sequence, FirstProblem())
    return fields.integer(1), fields.octets(2, optional=True)


# [MS-KILE] 2.2.1
def _ext_error(value: memoryview | None, *, salt: bool = False) -> int | None:
    """KERB-EXT-ERROR -> NTSTATUS; where the octets may be a salt, only with the reserved zero that no salt holds."""
    if value is None or len(value) != _EXT_ERROR_LENGTH_OCTETS:
        return None
    reader = Reader(value, LAYER)
    status, reserved = reader.u32(), reader.u32()
    return None if salt and reserved else status


_NO_SALT = {number: reader for number, reader in IN_REPLY.items() if number != PaType.PW_SALT}
UNTAGGED = frozenset({MessageType.TGT_REQ, MessageType.TGT_REP})
READERS: Readers[KerberosMessage] = {
    MessageType.AP_REQ: ("AP-REQ", read_ap_req),
    MessageType.AP_REP: ("AP-REP", _ap_rep),
    MessageType.TGT_REQ: ("TGT-REQ", _tgt_req),
    MessageType.TGT_REP: ("TGT-REP", _tgt_rep),
    MessageType.ERROR: ("KRB-ERROR", _krb_error),
}
