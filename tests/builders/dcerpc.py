"""Values -> connection-oriented DCE/RPC PDUs of every type (C706 12.6.4, [MS-RPCE] 2.2.2, [MS-RPCH] 2.2.3).

Either byte order. Lengths are computed; everything else, also what no sane peer would send, is as the caller says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import pack
from typing import NamedTuple
from uuid import UUID


class PduType(IntEnum):
    """C706 12.6.4.1 PTYPE; auth3 of [MS-RPCE] 2.2.2.1, rts of [MS-RPCH] 2.2.3.2."""

    REQUEST = 0
    RESPONSE = 2
    FAULT = 3
    BIND = 11
    BIND_ACK = 12
    BIND_NAK = 13
    ALTER_CONTEXT = 14
    ALTER_CONTEXT_RESP = 15
    AUTH3 = 16
    SHUTDOWN = 17
    CO_CANCEL = 18
    ORPHANED = 19
    RTS = 20


class Pfc(IntFlag):
    """C706 12.6.3.1 pfc_flags, [MS-RPCE] 2.2.2.3."""

    FIRST = 0x01
    LAST = 0x02
    PENDING_CANCEL = 0x04
    SUPPORT_HEADER_SIGN = 0x04
    CONC_MPX = 0x10
    DID_NOT_EXECUTE = 0x20
    MAYBE = 0x40
    OBJECT_UUID = 0x80


WHOLE = Pfc.FIRST | Pfc.LAST
# C706 13.1.2, [MS-RPCE] 2.2.1.1.7 and 2.2.1.1.8
SPNEGO, NTLM, SCHANNEL, KERBEROS, NETLOGON, DEFAULT = 9, 10, 14, 16, 68, 255
CONNECT, CALL, PACKET, INTEGRITY, PRIVACY = 2, 3, 4, 5, 6
# [MS-RPCE] 2.2.2.4 p_result, C706 12.6.3.1 p_provider_reason
ACCEPTANCE, USER_REJECTION, PROVIDER_REJECTION, NEGOTIATE_ACK = range(4)
ABSTRACT_SYNTAX_NOT_SUPPORTED, TRANSFER_SYNTAXES_NOT_SUPPORTED = 1, 2
EXTENDED_ERROR_SIGNATURE = "90740320-fad0-11d3-82d7-009027b130ab"  # [MS-RPCE] 2.2.2.9
DEFAULT_MAX_FRAGMENT_OCTETS = 5840


class Representation(NamedTuple):
    """C706 14.2.5 data representation, and the version of the header around it."""

    little_endian: bool = True
    character: int = 0
    floating_point: int = 0
    version: int = 5
    version_minor: int = 0

    @property
    def order(self) -> str:
        """The byte order, as `struct` spells it."""
        return "<" if self.little_endian else ">"

    def uuid(self, text: str) -> bytes:
        value = UUID(text)
        return value.bytes_le if self.little_endian else value.bytes


LITTLE_ENDIAN, BIG_ENDIAN = Representation(), Representation(little_endian=False)


class SyntaxId(NamedTuple):
    """C706 12.6.3.1 p_syntax_id_t."""

    uuid: str
    version: int = 0
    version_minor: int = 0

    def encode(self, form: Representation) -> bytes:
        return form.uuid(self.uuid) + pack(form.order + "HH", self.version, self.version_minor)


NDR = SyntaxId("8a885d04-1ceb-11c9-9fe8-08002b104860", 2)
NDR64 = SyntaxId("71710533-beba-4937-8319-b5dbef9ccc36", 1)
NO_SYNTAX = SyntaxId("00000000-0000-0000-0000-000000000000")
ICLASSFACTORY = SyntaxId("00000001-0000-0000-c000-000000000046")
ISYSTEMACTIVATOR = SyntaxId("000001a0-0000-0000-c000-000000000046")
IOBJECTEXPORTER = SyntaxId("99fcfec4-5260-101b-bbcb-00aa0021347a")
EPMAPPER = SyntaxId("e1af8308-5d1f-11c9-91a4-08002b14a0fa", 3)
LSARPC = SyntaxId("12345778-1234-abcd-ef00-0123456789ab")
NETLOGON_INTERFACE = SyntaxId("12345678-1234-abcd-ef00-01234567cffb", 1)


def bind_time_features(features: int = 3) -> SyntaxId:
    """[MS-RPCE] 3.3.1.5.3: the transfer syntax that negotiates features (1 multiplexing, 2 keep on orphan)."""
    return SyntaxId(f"6cb71c2c-9812-4540-{features:02x}00-000000000000", 1)


class Context(NamedTuple):
    """C706 12.6.3.1 p_cont_elem_t."""

    context_id: int
    abstract_syntax: SyntaxId
    transfer_syntaxes: tuple[SyntaxId, ...] = (NDR,)


class Result(NamedTuple):
    """C706 12.6.3.1 p_result_t; `reason` carries the accepted features when the result is NEGOTIATE_ACK."""

    result: int = ACCEPTANCE
    reason: int = 0
    transfer_syntax: SyntaxId = NDR


REJECTED_SYNTAX = Result(PROVIDER_REJECTION, ABSTRACT_SYNTAX_NOT_SUPPORTED, NO_SYNTAX)
REJECTED_TRANSFER = Result(PROVIDER_REJECTION, TRANSFER_SYNTAXES_NOT_SUPPORTED, NO_SYNTAX)
FEATURES_ACCEPTED = Result(NEGOTIATE_ACK, 3, NO_SYNTAX)


class Security(NamedTuple):
    """[MS-RPCE] 2.2.2.11 sec_trailer and the token behind it. The body is padded to `alignment` octets, counted in
    auth_pad_length; `pad_length` overrides what is written there (not the padding itself)."""

    auth_type: int
    level: int
    token: bytes
    context_id: int = 0
    alignment: int = 4
    pad_length: int | None = None
    reserved: int = 0

    def encode(self, form: Representation, body_octets: int) -> bytes:
        padding = -body_octets % self.alignment
        said = padding if self.pad_length is None else self.pad_length
        trailer = pack(form.order + "BBBBI", self.auth_type, self.level, said, self.reserved, self.context_id)
        return bytes(padding) + trailer + self.token


@dataclass(frozen=True, slots=True)
class Head:
    """What every PDU header holds besides type and lengths (C706 12.6.3.1 common fields)."""

    call_id: int = 2
    flags: Pfc = WHOLE
    security: Security | None = None
    form: Representation = LITTLE_ENDIAN


HEAD = Head()


def pdu(kind: int, body: bytes, head: Head = HEAD) -> bytes:
    """The common header, the body, and the security trailer where there is one. `kind` may be any octet."""
    form, security = head.form, head.security
    tail = b"" if security is None else security.encode(form, len(body))
    drep = bytes([form.little_endian << 4 | form.character, form.floating_point, 0, 0])
    fragment_octets = 16 + len(body) + len(tail)
    token_octets = 0 if security is None else len(security.token)
    return (
        bytes([form.version, form.version_minor, kind, head.flags]) + drep
        + pack(form.order + "HHI", fragment_octets, token_octets, head.call_id) + body + tail
    )  # fmt: skip


def _context_list(contexts: Sequence[Context], form: Representation) -> bytes:
    # C706 12.6.3.1 p_cont_list_t
    listed = pack("B3x", len(contexts))
    for item in contexts:
        listed += pack(form.order + "HBx", item.context_id, len(item.transfer_syntaxes))
        listed += item.abstract_syntax.encode(form)
        listed += b"".join(syntax.encode(form) for syntax in item.transfer_syntaxes)
    return listed


def bind(
    contexts: Sequence[Context],
    head: Head = HEAD,
    *,
    kind: PduType = PduType.BIND,
    max_xmit: int = DEFAULT_MAX_FRAGMENT_OCTETS,
    max_recv: int = DEFAULT_MAX_FRAGMENT_OCTETS,
    association_group: int = 0,
) -> bytes:
    """C706 12.6.4.3 bind."""
    sizes = pack(head.form.order + "HHI", max_xmit, max_recv, association_group)
    return pdu(kind, sizes + _context_list(contexts, head.form), head)


def alter_context(contexts: Sequence[Context], head: Head = HEAD, *, association_group: int = 0) -> bytes:
    """C706 12.6.4.1 alter_context: laid out like a bind."""
    return bind(contexts, head, kind=PduType.ALTER_CONTEXT, association_group=association_group)


def bind_ack(
    results: Sequence[Result],
    head: Head = HEAD,
    *,
    kind: PduType = PduType.BIND_ACK,
    max_xmit: int = DEFAULT_MAX_FRAGMENT_OCTETS,
    max_recv: int = DEFAULT_MAX_FRAGMENT_OCTETS,
    association_group: int = 0x5448,
    secondary_address: str = "",
) -> bytes:
    """C706 12.6.4.4 bind_ack; the secondary address gets its NUL, and none at all when empty."""
    form = head.form
    address = secondary_address.encode() + b"\0" if secondary_address else b""
    body = pack(form.order + "HHIH", max_xmit, max_recv, association_group, len(address)) + address
    body += bytes(-len(body) % 4) + pack("B3x", len(results))
    for item in results:
        body += pack(form.order + "HH", item.result, item.reason) + item.transfer_syntax.encode(form)
    return pdu(kind, body, head)


def alter_context_resp(results: Sequence[Result], head: Head = HEAD, *, association_group: int = 0x5448) -> bytes:
    """C706 12.6.4.2 alter_context_resp: laid out like a bind_ack."""
    return bind_ack(results, head, kind=PduType.ALTER_CONTEXT_RESP, association_group=association_group)


def bind_nak(
    reason: int,
    head: Head = HEAD,
    *,
    versions: Sequence[tuple[int, int]] = ((5, 0),),
    extended_error: bytes = b"",
    signature_offset: int = 24,
) -> bytes:
    """C706 12.6.4.5 bind_nak; with `extended_error` [MS-RPCE] 2.2.2.9: signature (at 24, aligned, or 21) and record."""
    body = pack(head.form.order + "HB", reason, len(versions)) + bytes(number for pair in versions for number in pair)
    if extended_error:
        body += bytes(max(0, signature_offset - 16 - len(body)))
        body += head.form.uuid(EXTENDED_ERROR_SIGNATURE) + extended_error
    else:
        body += bytes(-len(body) % 4)
    return pdu(PduType.BIND_NAK, body, head)


def auth3(head: Head, pad: bytes = bytes(4)) -> bytes:
    """[MS-RPCE] 2.2.2.5 rpc_auth_3: four octets that say nothing, then the security trailer."""
    return pdu(PduType.AUTH3, pad, head)


def request(
    stub: bytes,
    head: Head = HEAD,
    *,
    opnum: int = 0,
    context_id: int = 0,
    object_uuid: str | None = None,
    alloc_hint: int | None = None,
) -> bytes:
    """C706 12.6.4.9 request; `object_uuid` sets PFC_OBJECT_UUID."""
    form = head.form
    hint = len(stub) if alloc_hint is None else alloc_hint
    body = pack(form.order + "IHH", hint, context_id, opnum)
    if object_uuid is not None:
        body += form.uuid(object_uuid)
        head = Head(head.call_id, head.flags | Pfc.OBJECT_UUID, head.security, form)
    return pdu(PduType.REQUEST, body + stub, head)


def response(
    stub: bytes, head: Head = HEAD, *, context_id: int = 0, cancel_count: int = 0, alloc_hint: int | None = None
) -> bytes:
    """C706 12.6.4.10 response."""
    hint = len(stub) if alloc_hint is None else alloc_hint
    return pdu(PduType.RESPONSE, pack(head.form.order + "IHBx", hint, context_id, cancel_count) + stub, head)


def fault(
    status: int,
    head: Head = HEAD,
    *,
    context_id: int = 0,
    cancel_count: int = 0,
    extended_error: bytes = b"",
    alloc_hint: int | None = None,
    stub: bytes = b"",
) -> bytes:
    """C706 12.6.4.7 fault, [MS-RPCE] 2.2.2.8: bit 0 of the octet behind cancel_count announces the extended error."""
    hint = 0x20 + len(extended_error) if alloc_hint is None else alloc_hint
    body = pack(head.form.order + "IHBBI4x", hint, context_id, cancel_count, bool(extended_error), status & 0xFFFF_FFFF)
    return pdu(PduType.FAULT, body + extended_error + stub, head)


def co_cancel(head: Head = HEAD) -> bytes:
    """C706 12.6.4.6 cancel: a header."""
    return pdu(PduType.CO_CANCEL, b"", head)


def orphaned(head: Head = HEAD) -> bytes:
    """C706 12.6.4.8 orphaned: a header."""
    return pdu(PduType.ORPHANED, b"", head)


def shutdown(head: Head = HEAD) -> bytes:
    """C706 12.6.4.11 shutdown: a header."""
    return pdu(PduType.SHUTDOWN, b"", head)


def rts(commands: Sequence[bytes], flags: int = 0, head: Head | None = None) -> bytes:
    """[MS-RPCH] 2.2.3.6: flags, the number of commands, the commands; call id 0."""
    body = pack("<HH", flags, len(commands)) + b"".join(commands)
    return pdu(PduType.RTS, body, head or Head(call_id=0))


def _fragment_flags(index: int, count: int) -> Pfc:
    return Pfc((index == 0) * Pfc.FIRST | (index == count - 1) * Pfc.LAST)


def _pieces(stub: bytes, size: int) -> list[bytes]:
    return [stub[at : at + size] for at in range(0, len(stub), size)] or [b""]


def request_fragments(
    stub: bytes, size_octets: int, head: Head = HEAD, *, opnum: int = 0, context_id: int = 0
) -> list[bytes]:
    """A request in fragments of at most `size_octets` of stub (C706 12.6.3.4), each with its own security trailer."""
    pieces = _pieces(stub, size_octets)
    fragments = []
    for index, piece in enumerate(pieces):
        flags = _fragment_flags(index, len(pieces)) | head.flags & ~WHOLE
        part = Head(head.call_id, flags, head.security, head.form)
        hint = len(stub) - index * size_octets
        fragments.append(request(piece, part, opnum=opnum, context_id=context_id, alloc_hint=hint))
    return fragments


def response_fragments(stub: bytes, size_octets: int, head: Head = HEAD, *, context_id: int = 0) -> list[bytes]:
    """A response cut in fragments, as `request_fragments`."""
    pieces = _pieces(stub, size_octets)
    fragments = []
    for index, piece in enumerate(pieces):
        flags = _fragment_flags(index, len(pieces)) | head.flags & ~WHOLE
        part = Head(head.call_id, flags, head.security, head.form)
        hint = len(stub) - index * size_octets
        fragments.append(response(piece, part, context_id=context_id, alloc_hint=hint))
    return fragments
