"""[MS-EERR] octets of a fault or bind_nak -> error records: which computer and process found what, when and where.

The first record is what the server's runtime returned, each next one the cause behind it. Records that were read
before a cut or a damaged place are returned; nothing is allocated for lengths that are not there.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntFlag

from rpctrace.encoding.ndr import type_serialization_1
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.encoding.times import filetime_to_ns
from rpctrace.errors import Malformed, ParseError
from rpctrace.record import record

LAYER = "dcerpc.extended_error"
MAXIMUM_RECORDS = 32
MAXIMUM_PARAMETERS = 4  # [MS-EERR] 2.2.1.8 nLen


class ParameterType(OpenEnum):
    """[MS-EERR] 2.2.1.4 ExtendedErrorParamTypesInternal."""

    ANSI_STRING = 1
    UNICODE_STRING = 2
    LONG = 3
    SHORT = 4
    POINTER = 5
    NONE = 6
    BINARY = 7


class RecordFlags(IntFlag):
    """[MS-EERR] 2.2.1.8 Flags."""

    RECORDS_MISSING_BEFORE = 1
    RECORDS_MISSING_AFTER = 2


@record
class Parameter:
    """[MS-EERR] 2.2.1.5 ExtendedErrorParam; BINARY as hex text, NONE (a value left out by the sender) as None."""

    type: ParameterType
    value: str | int | None


@record
class ErrorRecord:
    """[MS-EERR] 2.2.1.8 ExtendedErrorInfo. `computer` is None where none is named: the answering host itself."""

    computer: str | None
    process_id: int
    timestamp_ns: int
    generating_component: int
    status: int
    detection_location: int
    flags: RecordFlags
    parameters: tuple[Parameter, ...]


def parse_extended_error(octets: Octets) -> tuple[tuple[ErrorRecord, ...], ParseError | None]:
    """The records from the outermost to the root cause, and what stopped the reading, if anything did."""
    records: list[ErrorRecord] = []
    pointers: list[_Pointers] = []
    try:
        reader = type_serialization_1(octets, LAYER)
        follows = reader.u32()  # the pickled type is a pointer to the first record
        while follows:
            if len(records) == MAXIMUM_RECORDS:
                raise Malformed(LAYER, reader.offset, f"over {MAXIMUM_RECORDS} records")
            follows, record, pointed = _record(reader)
            records.append(record)
            pointers.append(pointed)
        # C706 14.3.12.3: what embedded pointers point to follows the structure, the first pointer's first. Next is
        # the first pointer, so all records stand in a row and the strings of the last record come before the others.
        for place in reversed(range(len(records))):
            records[place] = _with_strings(reader, records[place], pointers[place])
    except ParseError as error:
        return tuple(records), error
    return tuple(records), None


# Of one record, in wire order: which string or blob a non-null pointer announces; -1 the computer's name, else the
# index of the parameter.
_Pointers = list[tuple[int, ParameterType]]


def _record(reader: Reader) -> tuple[int, ErrorRecord, _Pointers]:
    # [MS-EERR] 2.2.1.8
    reader.align(4)
    count = reader.u32()  # the conformance of Params stands before the structure (C706 14.3.7.1)
    if count > MAXIMUM_PARAMETERS:
        raise Malformed(LAYER, reader.offset, f"{count} parameters, {MAXIMUM_PARAMETERS} allowed")
    reader.align(8)
    pointers: _Pointers = []
    next_referent = reader.u32()
    if _union(reader) == 1 and _counted_pointer(reader):  # [MS-EERR] 2.2.1.7
        pointers.append((-1, ParameterType.UNICODE_STRING))
    reader.align(4)
    process_id = reader.u32()
    reader.align(8)
    time, component, status = reader.u64(), reader.u32(), reader.u32()
    location, flags, _length = reader.u16(), reader.u16(), reader.u16()
    parameters = tuple(_parameter(reader, place, pointers) for place in range(count))
    record = ErrorRecord(
        None, process_id, filetime_to_ns(time), component, status, location, RecordFlags(flags & 3), parameters
    )
    return next_referent, record, pointers


def _union(reader: Reader) -> int:
    """An enumeration and the discriminant of its union, two octets each; a sender that lets them differ is refused."""
    value, discriminant = reader.u16(), reader.u16()
    if value != discriminant:
        raise Malformed(LAYER, reader.offset - 4, f"type {value} with union arm {discriminant}")
    return value


def _counted_pointer(reader: Reader) -> int:
    # [MS-EERR] 2.2.1.1 to 2.2.1.3: a short length and a pointer
    reader.align(4)
    reader.skip(4)
    return reader.u32()


def _parameter(reader: Reader, place: int, pointers: _Pointers) -> Parameter:
    # [MS-EERR] 2.2.1.5; aligned for its widest arm, the 64-bit pointer value
    reader.align(8)
    kind = ParameterType(_union(reader))
    value: int | None = None
    match kind:
        case ParameterType.LONG:
            reader.align(4)
            value = reader.u32()
        case ParameterType.SHORT:
            value = reader.u16()
        case ParameterType.POINTER:
            reader.align(8)
            value = reader.u64()
        case ParameterType.ANSI_STRING | ParameterType.UNICODE_STRING | ParameterType.BINARY:
            if _counted_pointer(reader):
                pointers.append((place, kind))
        case ParameterType.NONE:
            pass
        case _:
            raise Malformed(LAYER, reader.offset - 4, f"parameter type {kind.value}")
    return Parameter(kind, value)


def _with_strings(reader: Reader, record: ErrorRecord, pointers: _Pointers) -> ErrorRecord:
    computer = record.computer
    parameters = list(record.parameters)
    for place, kind in pointers:
        reader.align(4)
        octets = reader.take(reader.u32() * (2 if kind is ParameterType.UNICODE_STRING else 1))
        text = _TEXT[kind](bytes(octets))
        if place < 0:
            computer = text
        else:
            parameters[place] = Parameter(kind, text)
    return replace(record, computer=computer, parameters=tuple(parameters))


_TEXT = {
    ParameterType.ANSI_STRING: lambda octets: octets.decode("latin-1").rstrip("\0"),
    ParameterType.UNICODE_STRING: lambda octets: octets.decode("utf-16-le", "replace").rstrip("\0"),
    ParameterType.BINARY: lambda octets: octets.hex(),
}
