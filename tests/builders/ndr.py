"""Values -> NDR (C706 14) and NDR64 ([MS-RPCE] 2.2.5) octets, in either byte order."""

from __future__ import annotations

from struct import pack
from uuid import UUID


class Ndr:
    """A growing stub: every write is aligned to its own size from the start."""

    def __init__(self, *, little_endian: bool = True, ndr64: bool = False) -> None:
        self.order = "<" if little_endian else ">"
        self.ndr64 = ndr64
        self.octets = bytearray()
        self.referent = 0x0002_0000

    def align(self, boundary: int) -> Ndr:
        self.octets += bytes(-len(self.octets) % boundary)
        return self

    def put(self, code: str, value: int) -> Ndr:
        octets = pack(self.order + code, value)
        self.align(len(octets)).octets.extend(octets)
        return self

    def u8(self, value: int) -> Ndr:
        return self.put("B", value)

    def u16(self, value: int) -> Ndr:
        return self.put("H", value)

    def u32(self, value: int) -> Ndr:
        return self.put("I", value)

    def u64(self, value: int) -> Ndr:
        return self.put("Q", value)

    def wide(self, value: int) -> Ndr:
        return self.u64(value) if self.ndr64 else self.u32(value)

    def enumeration(self, value: int) -> Ndr:
        return self.u32(value) if self.ndr64 else self.u16(value)

    def raw(self, octets: bytes) -> Ndr:
        self.octets += octets
        return self

    def guid(self, text: str) -> Ndr:
        value = UUID(text)
        self.align(4).octets.extend(value.bytes_le if self.order == "<" else value.bytes)
        return self

    def pointer(self, present: bool = True) -> Ndr:
        self.wide(self.referent if present else 0)
        self.referent += 4
        return self

    def text(self, text: str, *, terminated: bool = True) -> Ndr:
        """A conformant varying string of 16-bit characters."""
        characters = text + "\0" * terminated
        self.wide(len(characters)).wide(0).wide(len(characters))
        return self.raw(characters.encode("utf-16-le" if self.order == "<" else "utf-16-be"))

    def optional_text(self, text: str | None) -> Ndr:
        self.pointer(text is not None)
        return self if text is None else self.text(text)

    def done(self) -> bytes:
        return bytes(self.octets)


def type_serialized(octets: bytes) -> bytes:
    """[MS-RPCE] 2.2.6.1 and 2.2.6.2: the headers before one serialised object, and its padding to eight."""
    octets += bytes(-len(octets) % 8)
    return pack("<BBHIII", 1, 0x10, 8, 0xCCCCCCCC, len(octets), 0) + octets
