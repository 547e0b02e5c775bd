"""What most Kerberos messages are made of: names, tickets, encrypted parts, times, flags, and the AP-REQ that also
travels inside other messages (RFC 4120 5.2, 5.3, 5.5.1).

Each reader takes the `Fields` of the structure around it and gives None, or less, where a part is cut or damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import IntFlag
from functools import lru_cache
from typing import TypeVar

from rpctrace.encoding import der
from rpctrace.encoding.der import Element, Fields
from rpctrace.encoding.digests import blake2b
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets
from rpctrace.encoding.times import kerberos_time_to_ns
from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple
from rpctrace.record import record

LAYER = "kerberos"
FINGERPRINT_OCTETS = 8
_Message = TypeVar("_Message")
Readers = Mapping[int, tuple[str, Callable[[Fields], _Message]]]


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


_AP_OPTIONS = (ApOptions.USE_SESSION_KEY | ApOptions.MUTUAL_REQUIRED).value


# RFC 4120 5.2.2
@record
class PrincipalName:
    """A name as its components, in wire order; () where one of them could not be read."""

    name_type: NameType | None
    components: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.components)


# RFC 4120 5.3
@record
class Ticket:
    """The clear part of a ticket: the realm that issued it, the service it is for, and how its cipher was made.

    `cipher_length_octets` is the length declared. `fingerprint` is a digest of the cipher, by which the same ticket is
    known in every message that carries it; None where the cipher is not whole.
    """

    realm: str | None
    sname: PrincipalName | None
    etype: int | None
    kvno: int | None
    cipher_length_octets: int | None
    fingerprint: str | None = None


# RFC 4120 5.5.1
@record
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


# RFC 4120 5.2.9
class EncryptedData(NamedTuple):
    """How an encrypted part was made; its cipher is not kept."""

    etype: int | None
    kvno: int | None
    cipher_length_octets: int | None


def read_ap_req(fields: Fields) -> ApReq:
    options = fields.value(2, der.bit_string_32, der.BIT_STRING)
    ticket = read_ticket(fields, 3)
    authenticator = read_encrypted(fields, 4)
    return ApReq(
        None if options is None else ApOptions(options & _AP_OPTIONS),
        ticket,
        authenticator.etype,
        authenticator.cipher_length_octets,
        problem=fields.problems.error,
    )


# RFC 4120 5.2.2
def read_principal_name(parent: Fields, number: int, *, optional: bool = False) -> PrincipalName | None:
    octets = parent.short(number)
    known = None if octets is None else _name_of(octets)
    if known is not None:
        return known
    fields = parent.nested(number, optional=optional)
    return None if fields is None else _principal_name(fields)


def _principal_name(fields: Fields) -> PrincipalName:
    name_type = fields.integer(0)
    return PrincipalName(None if name_type is None else NameType(name_type), fields.items(1, der.text))


@lru_cache(maxsize=2048)  # a capture repeats the names of its realms, services and clients
def _name_of(octets: bytes) -> PrincipalName | None:
    """The name in a field; None where anything is wrong, which whoever knows the offsets finds out again."""
    problems = FirstProblem()
    name = _principal_name(Fields.inside(der.whole_element(octets, LAYER), problems))
    return name if problems.error is None else None


# RFC 4120 5.3
def read_ticket(parent: Fields, number: int) -> Ticket | None:
    wrapper = parent.element(number, der.application_tag(1))
    return None if wrapper is None else ticket_of(wrapper, parent.problems)


def ticket_of(wrapper: Element, problems: FirstProblem) -> Ticket:
    """The ticket in `[APPLICATION 1]`."""
    fields = Fields.inside(wrapper, problems)
    realm, sname = fields.text(1), read_principal_name(fields, 2)
    encrypted = fields.nested(3)
    if encrypted is None:
        return Ticket(realm, sname, None, None, None)
    cipher = encrypted.element(2, der.OCTET_STRING)
    whole = cipher is not None and cipher.complete
    return Ticket(realm, sname, *encrypted_of(encrypted), fingerprint(cipher.value) if cipher and whole else None)


def fingerprint(cipher: memoryview) -> str:
    """RFC 7693 BLAKE2b of eight octets, in hexadecimal."""
    return blake2b(cipher, digest_size=FINGERPRINT_OCTETS).hexdigest()


# RFC 4120 5.2.9
def read_encrypted(parent: Fields, number: int, *, optional: bool = False) -> EncryptedData:
    fields = parent.nested(number, optional=optional)
    return EncryptedData(None, None, None) if fields is None else encrypted_of(fields)


def encrypted_of(fields: Fields) -> EncryptedData:
    etype, kvno = fields.integer(0), fields.integer(1, optional=True)
    cipher = fields.element(2, der.OCTET_STRING)
    if cipher is not None and not cipher.complete:
        fields.problems.attempt(der.whole, cipher)
    # A read-only domain controller's key version has its highest bit set and is seen written as a negative number.
    kvno = None if kvno is None else kvno & 0xFFFFFFFF
    return EncryptedData(etype, kvno, None if cipher is None else cipher.length)


# RFC 4120 5.2.3
def time_ns(element: Element) -> int:
    return kerberos_time_to_ns(bytes(der.whole(element)))


def read_message(octets: Octets, readers: Readers[_Message], untagged: Collection[int] = ()) -> _Message:
    """One message through the reader of its kind, told apart by its application tag, or, of the kinds in `untagged`,
    by msg-type. `ParseError` only where the kind cannot be told or has no reader."""
    outer = der.read_element(octets, LAYER)
    if outer.tag != der.SEQUENCE:
        der.explicit(outer)
    kind = _kind(outer, untagged)
    if kind not in readers:
        raise Malformed(LAYER, 0, f"no message type that is read: {kind}")
    name, read = readers[kind]
    outer = outer.under(f"{LAYER}.{name}")
    problems = FirstProblem()
    if not outer.complete:
        problems.attempt(der.whole, outer)
    fields = Fields(outer, problems) if outer.tag == der.SEQUENCE else Fields.inside(outer, problems)
    said = fields.integer(2 if kind in _TYPE_IN_FIELD_2 else 1)
    if said is not None and said != kind:
        problems.note(Malformed(outer.layer, 0, f"msg-type {said} in application tag {kind}"))
    return read(fields)


def _kind(outer: Element, untagged: Collection[int]) -> int:
    if outer.tag & 0xE0 == der.application_tag(0):
        return outer.tag & 0x1F
    if outer.tag != der.SEQUENCE:
        raise Malformed(LAYER, 0, f"tag 0x{outer.tag:02x} opens no message")
    problems = FirstProblem()
    kind = Fields(outer, problems).integer(1)
    if kind is None:
        raise problems.error or Malformed(LAYER, 0, "no msg-type")
    if kind not in untagged:
        raise Malformed(LAYER, 0, f"msg-type {kind} without its application tag")
    return kind


# RFC 4120 5.4.1: KDC-REQ counts its fields from 1
_TYPE_IN_FIELD_2 = frozenset({MessageType.AS_REQ, MessageType.TGS_REQ})
