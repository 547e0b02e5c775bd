"""NDR and NDR64 octets -> primitives, strings, pointers and counts; GUIDs, and the headers of type serialisation 1.

Interfaces are read by hand, in the order of the wire: `NdrReader` keeps alignment and the two widths apart, and refuses
counts that cannot be right before anything is made for them.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from rpctrace.encoding.reader import Octets, Reader
from rpctrace.encoding.text import decode_utf16
from rpctrace.errors import Malformed

GUID_LENGTH_OCTETS = 16
CONTEXT_HANDLE_OCTETS = 20  # [MS-RPCE] 2.2.4.13 and C706 14.2.15: attributes and a UUID
_GUID = (Struct(">IHH8s"), Struct("<IHH8s"))


def guid(reader: Reader) -> str:
    """[MS-DTYP] 2.3.4.2 GUID in the reader's byte order -> lower-case text without braces."""
    if reader.remaining < GUID_LENGTH_OCTETS:
        for part_octets in (4, 2, 2, 8):  # the error names the part that is cut
            reader.skip(part_octets)
    return guid_text(bytes(reader.take(GUID_LENGTH_OCTETS)), little_endian=reader.little_endian)


@lru_cache(maxsize=4096)  # a capture repeats a handful of interfaces and the objects in use
def guid_text(octets: bytes, *, little_endian: bool) -> str:
    """The 16 octets of a GUID -> lower-case text without braces."""
    first, second, third, last = _GUID[little_endian].unpack(octets)
    rest = last.hex()
    return f"{first:08x}-{second:04x}-{third:04x}-{rest[:4]}-{rest[4:]}"


def type_serialization_1(octets: Octets, layer: str) -> Reader:
    """[MS-RPCE] 2.2.6.1 common and 2.2.6.2 private header -> a reader over the one serialised object.

    An object length that runs past the octets at hand is cut to them. Raises `Truncated` or `Malformed`.
    """
    reader = Reader(octets, layer)
    version, endianness = reader.u8(), reader.u8()
    if version != 1 or endianness not in (0x00, 0x10):
        raise Malformed(layer, 0, f"serialisation version {version}, byte order 0x{endianness:02x}")
    reader.little_endian = endianness == 0x10
    header_length, _filler = reader.u16(), reader.u32()
    if header_length != 8:
        raise Malformed(layer, 2, f"common header of {header_length} octets")
    object_length, _filler = reader.u32(), reader.u32()
    return reader.restrict_to(min(object_length, reader.remaining))


class NdrReader:
    """Primitives of one stub or serialised object, each aligned to its own size (C706 14.2.2, [MS-RPCE] 2.2.5.3).

    `ndr64`: pointers, counts, offsets and lengths of arrays take 8 octets, enumerations 4. Every read raises
    `Truncated` past the end; `text` and `count` raise `Malformed` for numbers that contradict each other.
    """

    __slots__ = ("ndr64", "reader")

    def __init__(self, reader: Reader, *, ndr64: bool = False) -> None:
        self.reader = reader
        self.ndr64 = ndr64

    def u8(self) -> int:
        return self.reader.u8()

    def u16(self) -> int:
        self.reader.align(2)
        return self.reader.u16()

    def u32(self) -> int:
        self.reader.align(4)
        return self.reader.u32()

    def u64(self) -> int:
        self.reader.align(8)
        return self.reader.u64()

    def wide(self) -> int:
        """What is 4 octets in NDR and 8 in NDR64: a referent, a count, an offset."""
        return self.u64() if self.ndr64 else self.u32()

    def enumeration(self) -> int:
        """C706 14.2.5.1: 2 octets; [MS-RPCE] 2.2.5.3.2: 4 in NDR64."""
        return self.u32() if self.ndr64 else self.u16()

    def align(self, boundary: int) -> None:
        self.reader.align(boundary)

    def align_wide(self) -> None:
        """To where a structure begins that holds a pointer and nothing wider."""
        self.reader.align(8 if self.ndr64 else 4)

    def align_union(self) -> None:
        """To where a union of pointers begins with its discriminant: a boundary of its own in NDR64 alone ([MS-RPCE]
        2.2.5.3.4.4)."""
        if self.ndr64:
            self.reader.align(8)

    def pointer(self) -> bool:
        """A unique or full pointer: whether it points to something."""
        return self.wide() != 0

    def guid(self) -> str:
        self.reader.align(4)
        return guid(self.reader)

    def context_handle(self) -> bytes:
        self.reader.align(4)
        return bytes(self.reader.take(CONTEXT_HANDLE_OCTETS))

    def octets(self, count: int) -> memoryview:
        return self.reader.take(count)

    def count(self, item_octets: int, maximum: int) -> int:
        """A conformance (C706 14.3.3.2) that at least `item_octets` octets an item must follow; 0 where a cut list is
        to be read as far as it goes."""
        return self.checked(self.wide(), item_octets, maximum)

    def checked(self, count: int, item_octets: int, maximum: int) -> int:
        """`count`, if no more than `maximum` items of at least `item_octets` octets are there. Raises `Malformed`."""
        if count > maximum or count * item_octets > self.reader.remaining:
            detail = f"{count} items of at least {item_octets} octets, {self.reader.remaining} left, {maximum} allowed"
            raise Malformed(self.reader.layer, self.reader.offset, detail)
        return count

    def varying(self, item_octets: int) -> memoryview:
        """C706 14.3.3.3: offset, actual count, and the octets of that many items."""
        offset, actual = self.wide(), self.wide()
        if offset:
            raise Malformed(self.reader.layer, self.reader.offset, f"array that begins at item {offset}")
        return self.reader.take(actual * item_octets)

    def text(self) -> str:
        """A conformant varying string or array of 16-bit characters (C706 14.3.4.2), without the zero at its end."""
        self.wide()  # its maximum, of which only the actual count is sent
        octets = self.varying(2)
        if self.reader.little_endian:
            return decode_utf16(octets).rstrip("\0")
        return bytes(octets).decode("utf-16-be", "surrogatepass").rstrip("\0")

    def optional_text(self) -> str | None:
        """A unique pointer to a string, which follows at once (a parameter, not a member of a structure)."""
        return self.text() if self.pointer() else None
