"""Kerberos messages of an authentication (AP-REQ, AP-REP, KRB-ERROR, TGT-REQ, TGT-REP): octets -> their clear fields.

Of encrypted parts only type, key version and length are kept, never the cipher. A cut or damaged message gives what
could be read: other fields are None, a name of which a part is missing has no components (half a name must not pass
for a whole one), `complete` is False and `problem` holds the first reason. `ParseError` only where not even the kind
of message could be told. Octets behind the message do no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag
from typing import NamedTuple

from rpctrace.encoding import der
from rpctrace.encoding.der import Element, Fields
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.encoding.times import kerberos_time_to_ns
from rpctrace.errors import Malformed, ParseError

_LAYER = "kerberos"
_NS_PER_MICROSECOND = 1_000
_MICROSECONDS_PER_SECOND = 1_000_000
_EXT_ERROR_LENGTH_OCTETS = 12


# RFC 4120 7.5.7; 16 and 17: draft-swift-win2k-krb-user2user-03
class MessageType(OpenEnum):
    AS_REQ = 10
    AS_REP = 11
    TGS_REQ = 12
    TGS_REP = 13
    AP_REQ = 14
    AP_REP = 15
    TGT_REQ = 16
    TGT_REP = 17
    SAFE = 20
    PRIV = 21
    CRED = 22
    ERROR = 30


# RFC 4120 6.2, RFC 6806 5 (ENTERPRISE), [MS-KILE] 2.2.9 (MS_PRINCIPAL and below)
class NameType(OpenEnum):
    UNKNOWN = 0
    PRINCIPAL = 1
    SRV_INST = 2
    SRV_HST = 3
    SRV_XHST = 4
    UID = 5
    X500_PRINCIPAL = 6
    SMTP_NAME = 7
    ENTERPRISE = 10
    WELLKNOWN = 11
    MS_PRINCIPAL = -128
    MS_PRINCIPAL_AND_ID = -129
    ENT_PRINCIPAL_AND_ID = -130


# RFC 4120 5.5.1. Unnamed bits are dropped: IntFlag remembers each new combination, so hostile octets could fill memory.
class ApOptions(IntFlag):
    USE_SESSION_KEY = 0x40000000
    MUTUAL_REQUIRED = 0x20000000


# [MS-KILE] 2.2.2
class ErrorDataType(OpenEnum):
    SKEW_RECOVERY = 2
    EXTENDED = 3


# RFC 4120 5.2.2
@dataclass(frozen=True, slots=True)
class PrincipalName:
    """A name as its components, in wire order; () where one of them could not be read."""

    name_type: NameType | None
    components: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.components)


# RFC 4120 5.3
@dataclass(frozen=True, slots=True)
class Ticket:
    """The clear part of a ticket: the realm that issued it, the service it is for, and how its cipher was made.

    `cipher_length_octets` is the length declared.
    """

    realm: str | None
    sname: PrincipalName | None
    etype: int | None
    kvno: int | None
    cipher_length_octets: int | None


# RFC 4120 5.5.1
@dataclass(frozen=True, slots=True)
class ApReq(Partial):
    """AP-REQ: the ticket that a client presents. USE_SESSION_KEY says that it is a user-to-user ticket."""

    options: ApOptions | None
    ticket: Ticket | None
    authenticator_etype: int | None
    authenticator_length_octets: int | None

    @property
    def message_type(self) -> MessageType:
        return MessageType.AP_REQ

    @property
    def user_to_user(self) -> bool | None:
        return None if self.options is None else ApOptions.USE_SESSION_KEY in self.options


# RFC 4120 5.5.2
@dataclass(frozen=True, slots=True)
class ApRep(Partial):
    """AP-REP: the server took the ticket; in DCE style also the client's third leg."""

    etype: int | None
    cipher_length_octets: int | None

    @property
    def message_type(self) -> MessageType:
        return MessageType.AP_REP


# RFC 4120 5.9.1
@dataclass(frozen=True, slots=True)
class KrbError(Partial):
    """KRB-ERROR. `ctime_ns` and `stime_ns` hold the microseconds of `cusec` and `susec` too, where those are plausible.

    `error_data_type`, `ntstatus` ([MS-KILE] 2.2.1, 2.2.2) and `pa_data_types` (METHOD-DATA) are what e-data holds.
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

    @property
    def message_type(self) -> MessageType:
        return MessageType.ERROR


# draft-swift-win2k-krb-user2user-03 3.1
@dataclass(frozen=True, slots=True)
class TgtReq(Partial):
    """KERB-TGT-REQUEST: asks a peer without a key of its own for its TGT. Name and realm may be left out."""

    server_name: PrincipalName | None
    realm: str | None

    @property
    def message_type(self) -> MessageType:
        return MessageType.TGT_REQ


# draft-swift-win2k-krb-user2user-03 3.2
@dataclass(frozen=True, slots=True)
class TgtRep(Partial):
    """KERB-TGT-REPLY: the peer's ticket-granting ticket; presents nothing to anybody."""

    ticket: Ticket | None

    @property
    def message_type(self) -> MessageType:
        return MessageType.TGT_REP


KerberosMessage = ApReq | ApRep | KrbError | TgtReq | TgtRep


def parse_message(octets: Octets) -> KerberosMessage:
    """One message -> value, told apart by its application tag, or untagged (the user-to-user draft) by msg-type."""
    outer = der.read_element(octets, _LAYER)
    if outer.tag != der.SEQUENCE:
        outer = der.open_explicit(octets, _LAYER)
    kind = _kind(outer)
    if kind not in _READERS:
        raise Malformed(_LAYER, 0, f"no message type that is read: {kind}")
    name, read = _READERS[kind]
    outer = outer._replace(layer=f"{_LAYER}.{name}")
    problems = FirstProblem()
    problems.attempt(der.whole, outer)
    fields = Fields(outer, problems) if outer.tag == der.SEQUENCE else Fields.inside(outer, problems)
    said = fields.integer(1)
    if said is not None and said != kind:
        problems.note(Malformed(outer.layer, 0, f"msg-type {said} in application tag {kind}"))
    return read(fields)


def _kind(outer: Element) -> int:
    if outer.tag & 0xE0 == der.application_tag(0):
        return outer.tag & 0x1F
    if outer.tag != der.SEQUENCE:
        raise Malformed(_LAYER, 0, f"tag 0x{outer.tag:02x} opens no message")
    problems = FirstProblem()
    kind = Fields(outer, problems).integer(1)
    if kind is None:
        raise problems.error or Malformed(_LAYER, 0, "no msg-type")
    if kind not in _UNTAGGED:
        raise Malformed(_LAYER, 0, f"msg-type {kind} without its application tag")
    return kind


def _ap_req(fields: Fields) -> ApReq:
    options = fields.value(2, der.bit_string_32, der.BIT_STRING)
    ticket = _ticket(fields, 3)
    authenticator = _encrypted(fields, 4)
    return ApReq(
        None if options is None else ApOptions(options & _AP_OPTIONS),
        ticket,
        authenticator.etype,
        authenticator.cipher_length_octets,
        problem=fields.problems.error,
    )


def _ap_rep(fields: Fields) -> ApRep:
    encrypted = _encrypted(fields, 2)
    return ApRep(encrypted.etype, encrypted.cipher_length_octets, problem=fields.problems.error)


def _krb_error(fields: Fields) -> KrbError:
    ctime, cusec = fields.value(2, _time_ns, optional=True), fields.integer(3, optional=True)
    stime, susec = fields.value(4, _time_ns), fields.integer(5)
    error_code = fields.integer(6)
    crealm, cname = fields.text(7, optional=True), _principal_name(fields, 8, optional=True)
    realm, sname = fields.text(9), _principal_name(fields, 10)
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
    server_name, realm = _principal_name(fields, 2, optional=True), fields.text(3, optional=True)
    return TgtReq(server_name, realm, problem=fields.problems.error)


def _tgt_rep(fields: Fields) -> TgtRep:
    ticket = _ticket(fields, 2)
    return TgtRep(ticket, problem=fields.problems.error)


# RFC 4120 5.2.2
def _principal_name(parent: Fields, number: int, *, optional: bool = False) -> PrincipalName | None:
    fields = parent.nested(number, optional=optional)
    if fields is None:
        return None
    name_type = fields.integer(0)
    return PrincipalName(None if name_type is None else NameType(name_type), fields.items(1, der.text))


# RFC 4120 5.3
def _ticket(parent: Fields, number: int) -> Ticket | None:
    wrapper = parent.element(number, der.application_tag(1))
    if wrapper is None:
        return None
    fields = Fields.inside(wrapper, parent.problems)
    realm, sname = fields.text(1), _principal_name(fields, 2)
    return Ticket(realm, sname, *_encrypted(fields, 3))


# RFC 4120 5.2.9
class _EncryptedData(NamedTuple):
    etype: int | None
    kvno: int | None
    cipher_length_octets: int | None


def _encrypted(parent: Fields, number: int) -> _EncryptedData:
    fields = parent.nested(number)
    if fields is None:
        return _EncryptedData(None, None, None)
    etype, kvno = fields.integer(0), fields.integer(1, optional=True)
    cipher = fields.element(2, der.OCTET_STRING)
    if cipher is not None:
        fields.problems.attempt(der.whole, cipher)
    # A read-only domain controller's key version has its highest bit set and is seen written as a negative number.
    kvno = None if kvno is None else kvno & 0xFFFFFFFF
    return _EncryptedData(etype, kvno, None if cipher is None else cipher.length)


# RFC 4120 5.2.3
def _time_ns(element: Element) -> int:
    return kerberos_time_to_ns(bytes(der.whole(element)))


def _with_microseconds(time_ns: int | None, microseconds: int | None) -> int | None:
    if time_ns is None or microseconds is None or not 0 <= microseconds < _MICROSECONDS_PER_SECOND:
        return time_ns
    return time_ns + microseconds * _NS_PER_MICROSECOND


class _ErrorData(NamedTuple):
    data_type: ErrorDataType | None
    ntstatus: int | None
    pa_data_types: tuple[int, ...]


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
    return _ErrorData(None, known[0] if known else None, tuple(number for number, _ in data if number is not None))


# RFC 4120 5.2.7 PA-DATA and [MS-KILE] 2.2.2 KERB-ERROR-DATA have one shape: [1] a number, [2] octets.
def _typed_data(sequence: Element) -> tuple[int | None, memoryview | None]:
    fields = Fields(sequence, FirstProblem())
    return fields.integer(1), fields.octets(2, optional=True)


# [MS-KILE] 2.2.1
def _ext_error(value: memoryview | None, *, salt: bool = False) -> int | None:
    """KERB-EXT-ERROR -> NTSTATUS; where the octets may be a salt, only with the reserved zero that no salt holds."""
    if value is None or len(value) != _EXT_ERROR_LENGTH_OCTETS:
        return None
    reader = Reader(value, _LAYER)
    status, reserved = reader.u32(), reader.u32()
    return None if salt and reserved else status


_AP_OPTIONS = (ApOptions.USE_SESSION_KEY | ApOptions.MUTUAL_REQUIRED).value
_UNTAGGED = frozenset({MessageType.TGT_REQ, MessageType.TGT_REP})
_READERS: dict[int, tuple[str, Callable[[Fields], KerberosMessage]]] = {
    MessageType.AP_REQ: ("AP-REQ", _ap_req),
    MessageType.AP_REP: ("AP-REP", _ap_rep),
    MessageType.TGT_REQ: ("TGT-REQ", _tgt_req),
    MessageType.TGT_REP: ("TGT-REP", _tgt_rep),
    MessageType.ERROR: ("KRB-ERROR", _krb_error),
}
