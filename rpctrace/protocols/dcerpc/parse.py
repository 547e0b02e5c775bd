"""Octets -> PDU: C706 12.6.4 and [MS-RPCE] 2.2.2, one function a body.

Promises: `parse_pdu` of at least a header returns a value for any octets, cut or hostile; what could not be read is
None or (), and `Pdu.problem` has the numbers. Only a header that is not there raises.

Nearly every PDU of a capture is a request or response that stands whole: `_ordinary` reads those, each part with one
unpacking, and leaves every other PDU to the reader that knows cuts. Both give the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from struct import Struct
from typing import TypeVar

from rpctrace.encoding.ndr import GUID_LENGTH_OCTETS, guid, guid_text
from rpctrace.encoding.reader import CutReader, Layout, Octets, Reader
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.dcerpc.pdu import (
    HEADER_LENGTH_OCTETS,
    SEC_TRAILER_LENGTH_OCTETS,
    Bare,
    Bind,
    BindAck,
    BindNak,
    Body,
    Fault,
    Header,
    Pdu,
    PduType,
    PfcFlags,
    PresentationContext,
    PresentationResult,
    Request,
    Response,
    SecTrailer,
    SyntaxId,
)

_new = tuple.__new__  # of a named tuple: half the cost of its own constructor

Item = TypeVar("Item")
# Only stub data is padded; the pad length of a bind, alter_context or auth3 is ignored, as servers do.
_PADDED = frozenset((PduType.REQUEST, PduType.RESPONSE))

# Layouts by byte order: big endian, little endian.
_HEADER = (Struct(">4B4sHHI"), Struct("<4B4sHHI"))
_REQUEST = (Struct(">IHH"), Struct("<IHH"))  # C706 12.6.4.9 up to the object UUID
_RESPONSE = (Struct(">IHB"), Struct("<IHB"))  # C706 12.6.4.10
_SEC_TRAILER = (Struct(">4BI"), Struct("<4BI"))  # [MS-RPCE] 2.2.2.11
_FAULT = Layout("IHBBI")  # [MS-RPCE] 2.2.2.8
_BIND, _BIND_ACK = Layout("HHIB3x"), Layout("HHIH")  # C706 12.6.4.3, 12.6.4.4, up to what varies in length
_COUNT, _CONTEXT, _RESULT = Layout("B3x"), Layout("HBx"), Layout("HH")  # p_result_list_t, p_cont_elem_t, p_result_t
_SYNTAX_OCTETS = GUID_LENGTH_OCTETS + 4
_STUB_AT = HEADER_LENGTH_OCTETS + 8  # of a response, and of a request without an object UUID
_NOTHING = memoryview(b"")
# [MS-RPCE] 2.2.2.9: the signature that announces extended error information in a bind_nak, as it stands on the wire.
EXTENDED_ERROR_SIGNATURE = bytes.fromhex("20037490d0fad31182d7009027b130ab")
_TYPES: dict[int, PduType] = {int(member): member for member in PduType}
# What every PDU is compared with, as names of the module: ten times as cheap as a look-up in an Enum class.
_REQUEST_TYPE, _RESPONSE_TYPE, _OBJECT_UUID = PduType.REQUEST, PduType.RESPONSE, PfcFlags.OBJECT_UUID.value


class _FlagsTable(dict[int, PfcFlags]):
    """An octet -> its flags: looked up, because to make them costs ten times as much. Grows to 256 entries."""

    def __missing__(self, octet: int) -> PfcFlags:
        flags = self[octet] = PfcFlags(octet)
        return flags


_FLAGS = _FlagsTable()


def parse_header(octets: Octets, offset: int = 0) -> Header:
    """The common header at `offset`. Raises `Truncated` under 16 octets; judges nothing (see `is_plausible`)."""
    if len(octets) - offset < HEADER_LENGTH_OCTETS:
        raise Truncated("dcerpc.header", offset, HEADER_LENGTH_OCTETS, max(0, len(octets) - offset))
    # drep decides the byte order of the integers behind it (C706 14.1).
    layout = _HEADER[1 if octets[offset + 4] & 0x10 else 0]
    version, minor, pdu_type, flags, drep, length, auth_length, call_id = layout.unpack_from(octets, offset)
    known = _TYPES.get(pdu_type)
    if known is None:
        known = PduType(pdu_type)
    return _new(Header, (version, minor, known, _FLAGS[flags], drep, length, auth_length, call_id))


_CONNECTION_ORIENTED = frozenset(
    (
        PduType.REQUEST,
        PduType.RESPONSE,
        PduType.FAULT,
        PduType.BIND,
        PduType.BIND_ACK,
        PduType.BIND_NAK,
        PduType.ALTER_CONTEXT,
        PduType.ALTER_CONTEXT_RESP,
        PduType.AUTH3,
        PduType.SHUTDOWN,
        PduType.CO_CANCEL,
        PduType.ORPHANED,
    )
)


def is_plausible(header: Header, *, lenient: bool = False) -> bool:
    """Whether a header is that of a connection-oriented PDU, well enough to recognise the protocol on any port.

    `lenient`, for the first octets of a stream: a wrong version or auth_length is what a server refuses, and refusals
    are what is looked for.
    """
    drep = header.data_representation
    return (
        (lenient or (header.version == 5 and header.version_minor in (0, 1)))
        and header.pdu_type in _CONNECTION_ORIENTED
        and drep[0] in (0x00, 0x01, 0x10, 0x11)
        and drep[1] <= 3
        and drep[2] == drep[3] == 0
        and header.fragment_length >= HEADER_LENGTH_OCTETS
        and (
            lenient
            or header.auth_length == 0
            or header.auth_length + SEC_TRAILER_LENGTH_OCTETS + HEADER_LENGTH_OCTETS <= header.fragment_length
        )
    )


def is_of_version_5(header: Header) -> bool:
    """Whether a header behind a recognised PDU is another one, be its type unknown."""
    return header.version == 5 and header.version_minor in (0, 1) and header.fragment_length >= HEADER_LENGTH_OCTETS


def parse_pdu(octets: Octets, header: Header | None = None) -> Pdu:
    """One PDU from its first octet; `octets` may end before fragment_length (a cut capture), never counts past it.

    `header` is for who has read it already. Raises `Truncated` when there is no whole header.
    """
    if header is None:
        header = parse_header(octets)
    view = octets if isinstance(octets, memoryview) else memoryview(octets)
    if len(view) > header.fragment_length:
        view = view[: header.fragment_length]
    return _ordinary(view, header) or _any(view, header)


def _ordinary(view: memoryview, header: Header) -> Pdu | None:
    """A request or response of which every part is there; None for any other PDU, which may be a damaged one."""
    _version, _minor, pdu_type, flags, data_representation, length, auth_length, _call_id = header
    if len(view) != length or (pdu_type is not _REQUEST_TYPE and pdu_type is not _RESPONSE_TYPE):
        return None
    order = 1 if data_representation[0] & 0x10 else 0
    end, trailer = length, None
    if auth_length:
        at = length - auth_length - SEC_TRAILER_LENGTH_OCTETS
        if at < _STUB_AT:
            return None
        auth_type, auth_level, pad_length, _reserved, auth_context_id = _SEC_TRAILER[order].unpack_from(view, at)
        token = view[at + SEC_TRAILER_LENGTH_OCTETS :]
        trailer = _new(SecTrailer, (auth_type, auth_level, pad_length, auth_context_id, token, auth_length))
        end = at - pad_length
    if end < _STUB_AT:
        return None
    body: Body
    if pdu_type is _RESPONSE_TYPE:
        body = _new(Response, (*_RESPONSE[order].unpack_from(view, HEADER_LENGTH_OCTETS), view[_STUB_AT:end]))
    else:
        object_uuid, stub_at = None, _STUB_AT
        if flags._value_ & _OBJECT_UUID:
            stub_at += GUID_LENGTH_OCTETS
            if end < stub_at:
                return None
            object_uuid = guid_text(bytes(view[_STUB_AT:stub_at]), little_endian=order == 1)
        alloc_hint, context_id, opnum = _REQUEST[order].unpack_from(view, HEADER_LENGTH_OCTETS)
        body = _new(Request, (alloc_hint, context_id, opnum, object_uuid, view[stub_at:end]))
    return _new(Pdu, (header, body, trailer, True, None))


def _any(view: memoryview, header: Header) -> Pdu:
    """Any PDU, as far as it goes."""
    problem: ParseError | None = None
    trailer: SecTrailer | None = None
    body_end = len(view)
    if header.auth_length:
        try:
            trailer = _sec_trailer(view, header)
            body_end = min(body_end, header.fragment_length - header.auth_length - SEC_TRAILER_LENGTH_OCTETS)
        except ParseError as error:
            problem = error
        if trailer is not None and header.pdu_type in _PADDED:
            body_end -= trailer.pad_length_octets
    reader = CutReader(view[:body_end], _layer(header.pdu_type), little_endian=header.little_endian)
    reader.skip(HEADER_LENGTH_OCTETS)
    body = _BODIES.get(header.pdu_type, _bare)(reader, header)
    return Pdu(header, body, trailer, len(view) == header.fragment_length, problem or reader.problem)


@cache  # by the values of one octet
def _layer(pdu_type: PduType) -> str:
    return f"dcerpc.{pdu_type.name.lower()}"


def _sec_trailer(view: memoryview, header: Header) -> SecTrailer | None:
    """[MS-RPCE] 2.2.2.11: it stands auth_length + 8 octets before the end of the fragment; alignment tells nothing."""
    at = header.fragment_length - header.auth_length - SEC_TRAILER_LENGTH_OCTETS
    if at < HEADER_LENGTH_OCTETS:
        raise Malformed("dcerpc.sec_trailer", 10, f"auth_length {header.auth_length} over the fragment")
    if at + SEC_TRAILER_LENGTH_OCTETS > len(view):
        return None  # behind the cut: the PDU says so already
    layout = _SEC_TRAILER[header.little_endian]
    auth_type, auth_level, pad_length, _reserved, context_id = layout.unpack_from(view, at)
    pad_length = pad_length if pad_length <= at - HEADER_LENGTH_OCTETS else 0
    token = view[at + SEC_TRAILER_LENGTH_OCTETS :]
    return SecTrailer(auth_type, auth_level, pad_length, context_id, token, header.auth_length)


def _request(reader: CutReader, header: Header) -> Body:
    # C706 12.6.4.9
    alloc_hint, context_id, opnum = reader.u32(), reader.u16(), reader.u16()
    object_uuid = reader.read(guid) if header.flags._value_ & _OBJECT_UUID else None
    return Request(alloc_hint, context_id, opnum, object_uuid, reader.rest())


def _response(reader: CutReader, _header: Header) -> Body:
    # C706 12.6.4.10
    alloc_hint, context_id, cancel_count = reader.u32(), reader.u16(), reader.u8()
    reader.skip(1)
    return Response(alloc_hint, context_id, cancel_count, reader.rest())


def _fault(reader: CutReader, _header: Header) -> Body:
    # [MS-RPCE] 2.2.2.8: C706 12.6.4.7 with bit 0 of the reserved octet, and the extended error behind the first 32.
    alloc_hint, context_id, cancel_count, reserved, status = reader.integers(_FAULT)
    has_extended_error = bool((reserved or 0) & 1)
    if not has_extended_error:
        return Fault(alloc_hint, context_id, cancel_count, False, status, _NOTHING)
    reader.skip(4)
    return Fault(alloc_hint, context_id, cancel_count, True, status, reader.rest())


def _bind(reader: CutReader, _header: Header) -> Body:
    # C706 12.6.4.3, 12.6.4.1
    max_xmit, max_recv, group, count = reader.integers(_BIND)
    contexts = tuple(_repeat(reader, count or 0, _presentation_context))
    return Bind(max_xmit, max_recv, group, contexts)


def _bind_ack(reader: CutReader, _header: Header) -> Body:
    # C706 12.6.4.4, 12.6.4.2
    max_xmit, max_recv, group, address_length = reader.integers(_BIND_ACK)
    address = reader.take(address_length or 0)
    reader.align(4)
    (count,) = reader.integers(_COUNT)
    results = tuple(_repeat(reader, count or 0, _presentation_result))
    return BindAck(max_xmit, max_recv, group, None if address is None else bytes(address).rstrip(b"\0"), results)


def _repeat(reader: CutReader, count: int, read: Callable[[Reader], Item]) -> Iterator[Item]:
    """Up to `count` items, as many as are there."""
    for _ in range(count):
        item = reader.read(read)
        if item is None:
            return
        yield item


def _presentation_context(reader: Reader) -> PresentationContext:
    context_id, count = reader.integers(_CONTEXT)
    return PresentationContext(context_id, _syntax(reader), tuple([_syntax(reader) for _ in range(count)]))


def _presentation_result(reader: Reader) -> PresentationResult:
    result, reason = reader.integers(_RESULT)
    return PresentationResult(result, reason, _syntax(reader))


def _syntax(reader: Reader) -> SyntaxId:
    # C706 12.6.3.1 p_syntax_id_t
    if reader.remaining < _SYNTAX_OCTETS:
        guid(reader), reader.u32()  # the error tells which of them is cut
    return _syntax_of(bytes(reader.take(_SYNTAX_OCTETS)), reader.little_endian)


@lru_cache(maxsize=4096)  # the binds of a capture offer the same few over and over
def _syntax_of(octets: bytes, little_endian: bool) -> SyntaxId:
    # if_version holds the major version in its low half
    version = int.from_bytes(octets[GUID_LENGTH_OCTETS:], "little" if little_endian else "big")
    uuid = guid_text(octets[:GUID_LENGTH_OCTETS], little_endian=little_endian)
    return SyntaxId(uuid, version & 0xFFFF, version >> 16)


def _bind_nak(reader: CutReader, _header: Header) -> Body:
    # C706 12.6.4.5. [MS-RPCE] 2.2.2.9 adds the signature; implementations pad differently before it, so it is sought.
    reason = reader.u16()
    count = reader.u8() or 0
    versions = tuple(_repeat(reader, count, lambda r: (r.u8(), r.u8())))
    tail = reader.rest()
    found = bytes(tail[: len(EXTENDED_ERROR_SIGNATURE) + 8]).find(EXTENDED_ERROR_SIGNATURE)
    extended_error = tail[found + len(EXTENDED_ERROR_SIGNATURE) :] if found >= 0 else _NOTHING
    return BindNak(reason, versions, extended_error)


def _bare(reader: CutReader, _header: Header) -> Body:
    return Bare(reader.rest())


_BODIES: dict[int, Callable[[CutReader, Header], Body]] = {
    PduType.REQUEST: _request,
    PduType.RESPONSE: _response,
    PduType.FAULT: _fault,
    PduType.BIND: _bind,
    PduType.BIND_ACK: _bind_ack,
    PduType.BIND_NAK: _bind_nak,
    PduType.ALTER_CONTEXT: _bind,
    PduType.ALTER_CONTEXT_RESP: _bind_ack,
}
