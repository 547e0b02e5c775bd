"""NDR octets -> what is read without an interface definition: GUIDs and the headers of type serialisation 1."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from rpctrace.encoding.reader import Octets, Reader
from rpctrace.errors import Malformed

GUID_LENGTH_OCTETS = 16
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
