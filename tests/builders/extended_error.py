"""Error records -> the extended error information of a fault or bind_nak: NDR type 1 serialisation ([MS-EERR] 2.2.1,
[MS-RPCE] 2.2.6). Little endian, and its own header says so, whatever the data representation of the PDU around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from struct import pack

_FILETIME_EPOCH_100NS = 116_444_736_000_000_000


class ParameterType(IntEnum):
    """[MS-EERR] 2.2.1.4 ExtendedErrorParamTypesInternal."""

    ANSI = 1
    UNICODE = 2
    LONG = 3
    SHORT = 4
    POINTER = 5
    NONE = 6
    BINARY = 7


Parameter = tuple[ParameterType, int | str | bytes | None]


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """[MS-EERR] 2.2.1.8 ExtendedErrorInfo. `computer_name` None = not present; names get their terminating NUL."""

    status: int
    detection_location: int
    generating_component: int = 2  # [MS-EERR] 1.3.1: the RPC runtime
    computer_name: str | None = None
    process_id: int = 0
    timestamp_ns: int = 0
    flags: int = 0
    parameters: tuple[Parameter, ...] = ()


@dataclass(slots=True)
class _Ndr:
    """A growing NDR stream: aligned writes, pointer referents in order of appearance."""

    octets: bytearray = field(default_factory=bytearray)
    referent: int = 0x0002_0000

    def put(self, alignment: int, data: bytes) -> None:
        self.octets += bytes(-len(self.octets) % alignment) + data

    def pointer(self) -> None:
        self.put(4, pack("<I", self.referent))
        self.referent += 4

    def counted(self, data: bytes, unit_octets: int) -> list[tuple[bytes, int]]:
        """nLength and pString/pBlob; the pointed-to array is deferred."""
        self.put(2, pack("<h", len(data) // unit_octets))
        self.pointer()
        return [(data, unit_octets)]


def _wide(text: str) -> bytes:
    return (text + "\0").encode("utf-16-le")


def _parameter(stream: _Ndr, kind: ParameterType, value: int | str | bytes | None) -> list[tuple[bytes, int]]:
    """[MS-EERR] 2.2.1.6 ExtendedErrorParam: the type, and the same again as the union's tag."""
    stream.put(8, pack("<HH", kind, kind))
    if isinstance(value, str):
        return (
            stream.counted(_wide(value), 2)
            if kind is ParameterType.UNICODE
            else stream.counted(value.encode() + b"\0", 1)
        )
    if isinstance(value, bytes):
        return stream.counted(value, 2 if kind is ParameterType.UNICODE else 1)
    if value is not None:
        form, size = {ParameterType.LONG: ("<I", 4), ParameterType.SHORT: ("<H", 2), ParameterType.POINTER: ("<Q", 8)}[
            kind
        ]
        stream.put(size, pack(form, value & (1 << 8 * size) - 1))
    return []


def _record(stream: _Ndr, record: ErrorRecord, later: Sequence[ErrorRecord]) -> None:
    """One record, then what its pointers mean, in the order of the pointers: next record, then strings and blobs."""
    stream.put(4, pack("<I", len(record.parameters)))
    stream.put(8, b"")
    if later:
        stream.pointer()
    else:
        stream.put(4, bytes(4))
    deferred: list[tuple[bytes, int]] = []
    presence = 2 if record.computer_name is None else 1  # [MS-EERR] 2.2.1.5
    stream.put(4, pack("<HH", presence, presence))
    if record.computer_name is not None:
        deferred += stream.counted(_wide(record.computer_name), 2)
    filetime = record.timestamp_ns // 100 + _FILETIME_EPOCH_100NS
    stream.put(4, pack("<I", record.process_id))
    stream.put(8, pack("<QII", filetime, record.generating_component, record.status))
    stream.put(2, pack("<HHh", record.detection_location, record.flags, len(record.parameters)))
    for kind, value in record.parameters:
        deferred += _parameter(stream, kind, value)
    if later:
        _record(stream, later[0], later[1:])
    for data, unit_octets in deferred:
        stream.put(4, pack("<I", len(data) // unit_octets) + data)


def extended_error(*records: ErrorRecord) -> bytes:
    """The whole serialisation: common header, private header, a pointer to the first record of the chain."""
    stream = _Ndr()
    stream.pointer()
    _record(stream, records[0], records[1:])
    stream.put(8, b"")
    # [MS-RPCE] 2.2.6.1 common type header (version 1, little endian), 2.2.6.2 private header
    return bytes.fromhex("01100800cccccccc") + pack("<II", len(stream.octets), 0) + bytes(stream.octets)
