"""Protocol towers -> endpoints (C706 Appendix L, protocol identifiers of Appendix I and [MS-RPCE] 2.2.1.2)."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from rpctrace.encoding.ndr import GUID_LENGTH_OCTETS, guid_text
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.encoding.text import decode_text
from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dcerpc.pdu import SyntaxId

LAYER = "epm.tower"
MAXIMUM_FLOORS = 16  # five to seven are in use

# C706 Appendix I and [MS-RPCE] 2.2.1.2: what the floors are called by
_UUID = 0x0D
_CONNECTIONLESS, _CONNECTION_ORIENTED, _LOCAL = 0x0A, 0x0B, 0x0C
_TCP, _UDP, _IP, _PIPE, _LOCAL_ENDPOINT, _NETBIOS, _HTTP = 0x07, 0x08, 0x09, 0x0F, 0x10, 0x11, 0x1F
_RPC_PROTOCOLS = frozenset((_CONNECTIONLESS, _CONNECTION_ORIENTED, _LOCAL))
PROTOCOL_SEQUENCES: dict[tuple[int, int], str] = {
    (_CONNECTION_ORIENTED, _TCP): "ncacn_ip_tcp",
    (_CONNECTIONLESS, _UDP): "ncadg_ip_udp",
    (_CONNECTION_ORIENTED, _PIPE): "ncacn_np",
    (_CONNECTION_ORIENTED, _HTTP): "ncacn_http",
    (_LOCAL, _LOCAL_ENDPOINT): "ncalrpc",
}


class Endpoint(NamedTuple):
    """One tower. `port` is 0 where a client only asks; `address` is text as it stands, 0.0.0.0 included.

    Parts that the tower does not have, or that did not read, are None."""

    interface: SyntaxId | None
    transfer_syntax: SyntaxId | None
    protocol: str | None
    address: str | None
    port: int | None
    pipe: str | None
    object_uuid: str | None = None
    annotation: str | None = None


class _Floor(NamedTuple):
    protocol: int
    left: bytes
    right: bytes
    offset: int


def parse_tower(octets: Octets) -> Endpoint:
    """A protocol_tower_t's octet string -> value. Raises `Truncated` or `Malformed`; always little endian."""
    floors = _floors(Reader(octets, LAYER))
    names = [floor for floor in floors if floor.protocol == _UUID]
    rpc = next((floor.protocol for floor in floors if floor.protocol in _RPC_PROTOCOLS), None)
    protocol, port, pipe, address = None, None, None, None
    for floor in floors:
        # No RPC protocol is a transport of another, so a pair is found at the transport's floor only.
        protocol = protocol or (PROTOCOL_SEQUENCES.get((rpc, floor.protocol)) if rpc is not None else None)
        if floor.protocol in (_TCP, _UDP, _HTTP):
            port = int.from_bytes(_sized(floor, 2), "big")
        elif floor.protocol in (_PIPE, _LOCAL_ENDPOINT):
            pipe = _text(floor.right)
        elif floor.protocol in _ADDRESSES:
            address = _ADDRESSES[floor.protocol](floor)
    syntaxes = [_syntax(floor) for floor in names[:2]]
    return Endpoint(
        syntaxes[0] if syntaxes else None,
        syntaxes[1] if len(syntaxes) > 1 else None,
        protocol,
        address,
        port,
        pipe,
    )


def _floors(reader: Reader) -> list[_Floor]:
    count = reader.u16()
    if count > MAXIMUM_FLOORS:
        raise Malformed(LAYER, 0, f"{count} floors, {MAXIMUM_FLOORS} allowed")
    floors = []
    for _ in range(count):
        offset = reader.offset
        left = bytes(reader.take(reader.u16()))
        right = bytes(reader.take(reader.u16()))
        if not left:
            raise Malformed(LAYER, offset, "floor without a protocol identifier")
        floors.append(_Floor(left[0], left[1:], right, offset))
    return floors


def _sized(floor: _Floor, octets: int) -> bytes:
    if len(floor.right) != octets:
        raise Malformed(LAYER, floor.offset, f"{len(floor.right)} octets at protocol 0x{floor.protocol:02x}")
    return floor.right


def _syntax(floor: _Floor) -> SyntaxId:
    """Floors 1 and 2: UUID and major version on the left, minor version on the right."""
    if len(floor.left) != GUID_LENGTH_OCTETS + 2:
        raise Malformed(LAYER, floor.offset, f"{len(floor.left)} octets of a UUID and version")
    uuid = guid_text(floor.left[:GUID_LENGTH_OCTETS], little_endian=True)
    major = int.from_bytes(floor.left[GUID_LENGTH_OCTETS:], "little")
    return SyntaxId(uuid, major, int.from_bytes(_sized(floor, 2), "little"))


def _text(octets: bytes) -> str:
    return decode_text(octets.rstrip(b"\0"))


_ADDRESSES: dict[int, Callable[[_Floor], str]] = {
    _IP: lambda floor: str(IPv4Address(_sized(floor, 4))),
    _NETBIOS: lambda floor: _text(floor.right),
}
