"""Octets -> integers, through a cursor that cannot leave its bounds.

Every read either returns what was asked for or raises `Truncated` with layer, offset, needed and available; offsets
are octets from the start of what the outermost reader was given, also in narrowed readers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from struct import Struct
from typing import TypeVar

from rpctrace.errors import Truncated

Value = TypeVar("Value")
Octets = bytes | bytearray | memoryview


class Layout:
    """Integers that stand side by side, read at once: `struct` codes without a byte order, as in `HHI3xB`."""

    __slots__ = ("parts", "size_octets", "structs")

    def __init__(self, codes: str) -> None:
        self.structs = (Struct(f">{codes}"), Struct(f"<{codes}"))
        self.size_octets = self.structs[0].size
        parts = re.findall(r"\d*[a-zA-Z]", codes)
        self.parts: tuple[Layout, ...] = tuple(map(Layout, parts)) if len(parts) > 1 else (self,)


_U16 = (Struct(">H"), Struct("<H"))
_U32 = (Struct(">I"), Struct("<I"))
_U64 = (Struct(">Q"), Struct("<Q"))


class Reader:
    """A bounded cursor over octets; little endian unless told otherwise."""

    __slots__ = ("_data", "_end", "_start", "layer", "little_endian", "offset")

    def __init__(self, data: Octets, layer: str, *, little_endian: bool = True) -> None:
        self._data = memoryview(data)
        self._start = 0
        self._end = len(self._data)
        self.offset = 0
        self.layer = layer
        self.little_endian = little_endian

    @property
    def remaining(self) -> int:
        """Octets between the cursor and the bound."""
        return self._end - self.offset

    @property
    def consumed(self) -> int:
        """Octets between the start of this (possibly narrowed) reader and the cursor."""
        return self.offset - self._start

    def _advance(self, count: int) -> int:
        at = self.offset
        if count < 0 or count > self._end - at:
            raise Truncated(self.layer, at, count, self._end - at)
        self.offset = at + count
        return at

    def take(self, count: int) -> memoryview:
        """The next `count` octets, not copied."""
        at = self._advance(count)
        return self._data[at : at + count]

    def rest(self) -> memoryview:
        """Everything up to the bound."""
        return self.take(self.remaining)

    def skip(self, count: int) -> None:
        self._advance(count)

    def align(self, boundary: int) -> None:
        """Skip to a multiple of `boundary` octets from the start of this reader (NDR alignment)."""
        self._advance(-self.consumed % boundary)

    def u8(self) -> int:
        return self._data[self._advance(1)]

    def u16(self) -> int:
        value: int = _U16[self.little_endian].unpack_from(self._data, self._advance(2))[0]
        return value

    def u32(self) -> int:
        value: int = _U32[self.little_endian].unpack_from(self._data, self._advance(4))[0]
        return value

    def u64(self) -> int:
        value: int = _U64[self.little_endian].unpack_from(self._data, self._advance(8))[0]
        return value

    def integers(self, layout: Layout) -> tuple[int, ...]:
        """The integers of a layout; where it is cut, the error is that of the one that is."""
        at = self.offset
        if layout.size_octets > self._end - at:
            for part in layout.parts:
                self._advance(part.size_octets)
        self.offset = at + layout.size_octets
        return layout.structs[self.little_endian].unpack_from(self._data, at)

    def restrict_to(self, count: int, layer: str | None = None) -> Reader:
        """A reader over the next `count` octets, which this one steps over; offsets go on counting."""
        at = self._advance(count)
        inner = Reader(self._data, layer or self.layer, little_endian=self.little_endian)
        inner._start = inner.offset = at
        inner._end = at + count
        return inner


class CutReader:
    """A reader over octets that a capture may have cut: the first read past the end is kept in `problem`, and that
    read and all later ones give None. So a parser reads straight on and its value holds what was there."""

    __slots__ = ("_reader", "problem")

    def __init__(self, data: Octets, layer: str, *, little_endian: bool = True) -> None:
        self._reader = Reader(data, layer, little_endian=little_endian)
        self.problem: Truncated | None = None

    def read(self, what: Callable[[Reader], Value]) -> Value | None:
        """`what(reader)`, or None from the first `Truncated` on."""
        if self.problem is not None:
            return None
        try:
            return what(self._reader)
        except Truncated as error:
            self.problem = error
            return None

    def u8(self) -> int | None:
        return self.read(Reader.u8)

    def u16(self) -> int | None:
        return self.read(Reader.u16)

    def u32(self) -> int | None:
        return self.read(Reader.u32)

    def integers(self, layout: Layout) -> tuple[int | None, ...]:
        """The integers of a layout, those behind the cut as None."""
        if self.problem is None and layout.size_octets <= self._reader.remaining:
            return self._reader.integers(layout)
        found: list[int | None] = []
        for part in layout.parts:
            fields = len(part.structs[0].unpack(bytes(part.size_octets)))  # none of padding
            found += self.read(partial(Reader.integers, layout=part)) or [None] * fields
        return tuple(found)

    def take(self, count: int) -> memoryview | None:
        return self.read(lambda reader: reader.take(count))

    def skip(self, count: int) -> None:
        self.read(lambda reader: reader.skip(count))

    def align(self, boundary: int) -> None:
        self.read(lambda reader: reader.align(boundary))

    def rest(self) -> memoryview:
        """Everything left; empty behind a cut."""
        return memoryview(b"") if self.problem is not None else self._reader.rest()
