"""Octets of a UDP datagram -> connectionless DCE/RPC PDU: [C706] 12.5 with the extensions of [MS-RPCE] 2.2.3.

A datagram holds one PDU: a header of 80 octets, `len` octets of body, and behind them the authentication verifier, of
which only the datagram's own length tells the end. Promises: `parse_datagram` of at least a header returns a value for
any octets, cut or hostile; what could not be read is None or (), and `Datagram.problem` has the numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntFlag
from struct import Struct

from rpctrace.encoding.ndr import guid_text
from rpctrace.encoding.reader import CutReader, Layout, Octets, Reader
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dcerpc.pdu import PduType, SyntaxId
from rpctrace.protocols.dcerpc.recognition import DATAGRAM_HEADER_OCTETS, begins_datagram

NIL_UUID = "00000000-0000-0000-0000-000000000000"
PRIVACY = 6  # [MS-RPCE] 2.2.1.1.8: the stub is encrypted


class Flags1(IntFlag):
    """[C706] 12.5.2.3, the first set of flags. The outer bits are the implementations' own."""

    LAST_FRAGMENT = 0x02
    FRAGMENT = 0x04
    NO_FACK = 0x08
    MAYBE = 0x10
    IDEMPOTENT = 0x20
    BROADCAST = 0x40


class Flags2(IntFlag):
    """[C706] 12.5.2.4, the second set, and [MS-RPCE] 2.2.3.3."""

    CANCEL_PENDING = 0x02
    UNRELATED = 0x04


class DatagramHeader(NamedTuple):
    """[C706] 12.5.2 in the order of the specification; `serial` is put together from its two octets, and UUIDs are
    lower-case text. `length_octets` is that of the body. Versions of the interface are in `interface`."""

    version: int
    pdu_type: PduType
    flags_1: int
    flags_2: int
    data_representation: bytes
    object_uuid: str
    interface: SyntaxId
    activity: str
    server_boot: int
    sequence: int
    opnum: int
    interface_hint: int
    activity_hint: int
    length_octets: int
    fragment: int
    auth_protocol: int
    serial: int

    @property
    def little_endian(self) -> bool:
        return self.data_representation[0] & 0x10 != 0


class Stub(NamedTuple):
    """Request and response; with an authentication verifier the padding to 8 octets is part of it."""

    octets: memoryview


class Refusal(NamedTuple):
    """Fault and reject ([C706] 12.5.3.5, 12.5.3.9)."""

    status: int | None


class FragmentAck(NamedTuple):
    """Fack, and nocall where it has a body ([C706] 12.5.3.4). `selective`: bit masks of the fragments received behind
    the one that the header's fragment number acknowledges."""

    version: int | None
    window_size: int | None
    max_tsdu: int | None
    max_fragment_octets: int | None
    serial: int | None
    selective: tuple[int, ...]


class Cancel(NamedTuple):
    """[C706] 12.5.3.2 cl_cancel and 12.5.3.3 cancel_ack; `accepting` None in a cl_cancel."""

    version: int | None
    cancel_id: int | None
    accepting: bool | None


Body = Stub | Refusal | FragmentAck | Cancel | None


class Verifier(NamedTuple):
    """[MS-RPCE] 2.2.3.4 sec_trailer_cl. `key_vers_num` names the security context within the activity. `token` begins
    behind the two octets of padding that all levels but privacy have; there, the padding depends on the security
    provider and is still at its front."""

    auth_level: int
    key_vers_num: int
    token: memoryview


class Datagram(NamedTuple):
    """One PDU. `complete`: the whole body was captured."""

    header: DatagramHeader
    body: Body
    verifier: Verifier | None
    complete: bool
    problem: ParseError | None


_HEADER = (Struct(">4B3sB16s16s16sIHHIHHHHHBB"), Struct("<4B3sB16s16s16sIHHIHHHHHBB"))
_INTERFACE_VERSION = (Struct(">I"), Struct("<I"))
_LENGTH_AT, _ACTIVITY_AT, _INTERFACE_VERSION_AT = 74, 40, 60
_LENGTH = (Struct(">H"), Struct("<H"))
_FACK, _CANCEL = Layout("BxHIIHH"), Layout("II")
_NIL = bytes(16)
_TYPES: dict[int, PduType] = {int(member): member for member in PduType}


def is_datagram(octets: Octets, length_octets: int | None = None) -> bool:
    """Whether a UDP payload is a connectionless PDU, on any port. `length_octets` is its length on the wire, where the
    capture cut it; a cut within the header tells nothing, and is none."""
    if len(octets) < DATAGRAM_HEADER_OCTETS or not begins_datagram(octets):
        return False
    body: int = _LENGTH[1 if octets[4] & 0x10 else 0].unpack_from(octets, _LENGTH_AT)[0]
    wire = len(octets) if length_octets is None else length_octets
    return DATAGRAM_HEADER_OCTETS + body <= wire and octets[_ACTIVITY_AT : _ACTIVITY_AT + 16] != _NIL


def parse_datagram_header(octets: Octets) -> DatagramHeader:
    """[C706] 12.5.2. Raises `Truncated` under 80 octets; judges nothing (see `is_datagram`)."""
    if len(octets) < DATAGRAM_HEADER_OCTETS:
        raise Truncated("dcerpc.datagram", 0, DATAGRAM_HEADER_OCTETS, len(octets))
    order = 1 if octets[4] & 0x10 else 0
    (
        version, pdu_type, flags_1, flags_2, drep, serial_high, object_uuid, interface, activity, server_boot, _low,
        _high, sequence, opnum, interface_hint, activity_hint, length, fragment, auth_protocol, serial_low,
    ) = _HEADER[order].unpack_from(octets)  # fmt: skip
    # if_vers holds the major version in its low half, in either byte order
    interface_version: int = _INTERFACE_VERSION[order].unpack_from(octets, _INTERFACE_VERSION_AT)[0]
    little_endian = order == 1
    return DatagramHeader(
        version,
        _TYPES.get(pdu_type) or PduType(pdu_type),
        flags_1,
        flags_2,
        drep,
        guid_text(object_uuid, little_endian=little_endian),
        SyntaxId(
            guid_text(interface, little_endian=little_endian), interface_version & 0xFFFF, interface_version >> 16
        ),
        guid_text(activity, little_endian=little_endian),
        server_boot,
        sequence,
        opnum,
        interface_hint,
        activity_hint,
        length,
        fragment,
        auth_protocol,
        serial_high << 8 | serial_low,
    )


def parse_datagram(octets: Octets, length_octets: int | None = None) -> Datagram:
    """A UDP payload -> PDU; `length_octets` is its length on the wire, where the capture cut it.

    Raises `Truncated` when there is no whole header.
    """
    header = parse_datagram_header(octets)
    view = octets if isinstance(octets, memoryview) else memoryview(octets)
    end = DATAGRAM_HEADER_OCTETS + header.length_octets
    layer = f"dcerpc.datagram.{header.pdu_type.name.lower()}"
    reader = CutReader(view[:end], layer, little_endian=header.little_endian)
    reader.skip(DATAGRAM_HEADER_OCTETS)
    read = _BODIES.get(header.pdu_type)
    body = None if read is None else read(reader, header)
    problem: ParseError | None = reader.problem
    if end > (len(view) if length_octets is None else length_octets):
        problem = Malformed(layer, _LENGTH_AT, f"len {header.length_octets} past the end of the datagram")
    verifier = _verifier(view[end:]) if header.auth_protocol else None
    return Datagram(header, body, verifier, len(view) >= end, problem)


def _verifier(octets: memoryview) -> Verifier | None:
    """None where there is none: tokens of level connect need none, and a cut one says nothing."""
    if len(octets) < 2:
        return None
    padding = 0 if octets[0] == PRIVACY else 2
    return Verifier(octets[0], octets[1], octets[2 + padding :])


def _stub(reader: CutReader, _header: DatagramHeader) -> Body:
    return Stub(reader.rest())


def _refusal(reader: CutReader, _header: DatagramHeader) -> Body:
    return Refusal(reader.u32())


def _fack(reader: CutReader, header: DatagramHeader) -> Body:
    if not header.length_octets:
        return None
    version, window_size, max_tsdu, max_fragment, serial, count = reader.integers(_FACK)
    selective = []
    for _ in range(count or 0):
        mask = reader.read(Reader.u32)
        if mask is None:
            break
        selective.append(mask)
    return FragmentAck(version, window_size, max_tsdu, max_fragment, serial, tuple(selective))


def _cancel(reader: CutReader, _header: DatagramHeader) -> Body:
    version, cancel_id = reader.integers(_CANCEL)
    return Cancel(version, cancel_id, None)


def _cancel_ack(reader: CutReader, header: DatagramHeader) -> Body:
    if not header.length_octets:
        return None
    version, cancel_id = reader.integers(_CANCEL)
    accepting = reader.u8()
    return Cancel(version, cancel_id, None if accepting is None else accepting != 0)


_BODIES: dict[int, Callable[[CutReader, DatagramHeader], Body]] = {
    PduType.REQUEST: _stub,
    PduType.RESPONSE: _stub,
    PduType.FAULT: _refusal,
    PduType.REJECT: _refusal,
    PduType.FACK: _fack,
    PduType.NOCALL: _fack,
    PduType.CL_CANCEL: _cancel,
    PduType.CANCEL_ACK: _cancel_ack,
}
