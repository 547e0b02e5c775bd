"""Endpoints -> stubs of the endpoint mapper (C706 Appendix L and O)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from struct import pack
from uuid import UUID

from builders.dcerpc import NDR, SyntaxId
from builders.ndr import Ndr

HANDLE = bytes(range(20))
NO_HANDLE = bytes(20)
CONNECTION_ORIENTED, CONNECTIONLESS, LOCAL = 0x0B, 0x0A, 0x0C
TCP, UDP, IP, PIPE, LOCAL_ENDPOINT, NETBIOS, HTTP = 0x07, 0x08, 0x09, 0x0F, 0x10, 0x11, 0x1F


def floor(protocol: int, left: bytes, right: bytes) -> bytes:
    return pack("<HB", 1 + len(left), protocol) + left + pack("<H", len(right)) + right


def syntax_floor(syntax: SyntaxId) -> bytes:
    return floor(0x0D, UUID(syntax.uuid).bytes_le + pack("<H", syntax.version), pack("<H", syntax.version_minor))


def tower(interface: SyntaxId, *floors: bytes, rpc: int = CONNECTION_ORIENTED) -> bytes:
    """Interface, transfer syntax and RPC protocol, then the floors given."""
    every = (syntax_floor(interface), syntax_floor(NDR), floor(rpc, b"", bytes(2)), *floors)
    return pack("<H", len(every)) + b"".join(every)


def tcp_tower(interface: SyntaxId, port: int, address: str = "0.0.0.0") -> bytes:
    return tower(interface, floor(TCP, b"", pack(">H", port)), floor(IP, b"", IPv4Address(address).packed))


def pipe_tower(interface: SyntaxId, pipe: str, host: str) -> bytes:
    named = floor(PIPE, b"", pipe.encode() + b"\0"), floor(NETBIOS, b"", host.encode() + b"\0")
    return tower(interface, *named)


def put_tower(ndr: Ndr, octets: bytes) -> None:
    ndr.wide(len(octets)).u32(len(octets)).raw(octets)


def map_request(ndr: Ndr, octets: bytes | None, *, object_uuid: str | None = None, handle: bytes = NO_HANDLE) -> bytes:
    ndr.pointer(object_uuid is not None)
    if object_uuid is not None:
        ndr.guid(object_uuid)
    ndr.pointer(octets is not None)
    if octets is not None:
        put_tower(ndr, octets)
    return ndr.align(4).raw(handle).u32(4).done()


def map_response(ndr: Ndr, towers: Sequence[bytes | None], *, status: int = 0, handle: bytes = NO_HANDLE) -> bytes:
    ndr.raw(handle).u32(len(towers)).wide(4).wide(0).wide(len(towers))
    for octets in towers:
        ndr.pointer(octets is not None)
    for octets in towers:
        if octets is not None:
            put_tower(ndr, octets)
    return ndr.u32(status).done()


def lookup_request(ndr: Ndr, inquiry: int, object_uuid: str | None, interface: SyntaxId | None) -> bytes:
    ndr.u32(inquiry).pointer(object_uuid is not None)
    if object_uuid is not None:
        ndr.guid(object_uuid)
    ndr.pointer(interface is not None)
    if interface is not None:
        ndr.guid(interface.uuid).u16(interface.version).u16(interface.version_minor)
    return ndr.u32(1).align(4).raw(NO_HANDLE).u32(500).done()


def lookup_response(
    ndr: Ndr, entries: Sequence[tuple[str, bytes | None, str]], *, status: int = 0, handle: bytes = NO_HANDLE
) -> bytes:
    """Entries as (object UUID, tower, annotation)."""
    ndr.raw(handle).u32(len(entries)).wide(500).wide(0).wide(len(entries))
    for object_uuid, octets, annotation in entries:
        ndr.align(8 if ndr.ndr64 else 4).guid(object_uuid).pointer(octets is not None)
        ndr.wide(0).wide(len(annotation) + 1).raw(annotation.encode() + b"\0")
    for _, octets, _ in entries:
        if octets is not None:
            put_tower(ndr, octets)
    return ndr.u32(status).done()
