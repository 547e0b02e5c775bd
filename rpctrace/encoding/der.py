"""ASN.1 DER octets -> elements, tolerant of a cut tail.

A capture may end in the middle of a ticket. So an element whose declared length runs past the octets at hand is
returned with what there is and `complete = False`; only a tag or length that cannot be read at all raises. Nothing
here recurses: a caller walks down a structure it knows, level by level, so hostile nesting costs nothing. `Fields`
reads a SEQUENCE leniently: a field that is cut, damaged or absent is None, the first reason is kept.

Definite lengths that are not in their shortest form (BER) are accepted: Active Directory's LDAP writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from typing import TypeVar

from rpctrace.encoding.partial import FirstProblem
from rpctrace.encoding.reader import Octets
from rpctrace.encoding.text import decode_text
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.named_tuple import NamedTuple

_new = tuple.__new__  # of a named tuple: half the cost of its own constructor

INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER, ENUMERATED = 0x02, 0x03, 0x04, 0x06, 0x0A
SEQUENCE, GENERALIZED_TIME, GENERAL_STRING = 0x30, 0x18, 0x1B
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, VISIBLE_STRING = 0x0C, 0x13, 0x16, 0x1A
MAXIMUM_LENGTH_OCTETS = 4
MAXIMUM_INTEGER_OCTETS = 9  # an unsigned 64-bit value with its sign octet
MAXIMUM_OID_OCTETS = 64
MAXIMUM_ITEMS = 64  # of a SEQUENCE OF (name components, mechanisms, pre-authentication data); real ones hold under ten

# Of what is remembered by its octets, as names are: most are under a hundred.
MAXIMUM_SHORT_OCTETS = 256
_NOWHERE = (0, 0, 0, MAXIMUM_SHORT_OCTETS + 1)

_INTEGERS = frozenset({INTEGER, ENUMERATED})
_TEXTS = frozenset({GENERAL_STRING, UTF8_STRING, PRINTABLE_STRING, IA5_STRING, VISIBLE_STRING})
_Value = TypeVar("_Value")


def context_tag(number: int) -> int:
    """The tag octet of `[number]`, constructed, context class (explicit tagging as in RFC 4120)."""
    return 0xA0 | number


def application_tag(number: int) -> int:
    """The tag octet of `[APPLICATION number]`, constructed."""
    return 0x60 | number


class Element(NamedTuple):
    """One tag-length-value. `tag` is the identifier octet; offsets count from the start of the outermost octets."""

    tag: int
    offset: int
    value_offset: int
    length: int  # as declared
    value: memoryview  # what is there of it
    layer: str

    @property
    def complete(self) -> bool:
        return len(self.value) == self.length

    @property
    def end(self) -> int:
        """Offset behind the element, as declared (may lie past the octets at hand)."""
        return self.value_offset + self.length

    def under(self, layer: str) -> Element:
        """The same element, named as what it turned out to be."""
        return _new(Element, (*self[:-1], layer))


def whole_element(value: bytes, layer: str) -> Element:
    """Octets that are the value of an element, as one without a tag."""
    return Element(0, 0, 0, len(value), memoryview(value), layer)


def read_element(data: Octets, layer: str, offset: int = 0, base: int = 0) -> Element:
    """The element that starts at `offset` of `data`, whose own first octet lies `base` octets into the outermost ones.

    Raises `Truncated` (tag or length cut) or `Malformed` (high tag number, indefinite length or one of more than four
    octets).
    """
    view = data if isinstance(data, memoryview) else memoryview(data)
    return _element(view, offset, len(view), base, layer)


def _element(view: memoryview, offset: int, end: int, base: int, layer: str) -> Element:
    """The element that starts at `offset` of what stands before `end`."""
    tag, start, length = _head(view, offset, end, base, layer)
    behind = start + length
    value = view[start : behind if behind < end else end]
    return _new(Element, (tag, base + offset, base + start, length, value, layer))


def _head(view: memoryview, offset: int, end: int, base: int, layer: str) -> tuple[int, int, int]:
    """Its tag, where its value starts, and the length declared."""
    available = end - offset
    if available < 2:
        raise Truncated(layer, base + offset, 2, max(0, available))
    tag, length = view[offset], view[offset + 1]
    start = offset + 2
    if tag & 0x1F == 0x1F:
        raise Malformed(layer, base + offset, "high tag number")
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= MAXIMUM_LENGTH_OCTETS:
            raise Malformed(layer, base + offset, f"length of {count} octets")
        if available - 2 < count:
            raise Truncated(layer, base + start, count, available - 2)
        length = int.from_bytes(view[start : start + count], "big")
        start += count
    return tag, start, length


def expect(data: Octets, tag: int, layer: str, offset: int = 0, base: int = 0) -> Element:
    """`read_element`, and `Malformed` when the tag is another."""
    element = read_element(data, layer, offset, base)
    if element.tag != tag:
        raise Malformed(layer, element.offset, f"tag 0x{element.tag:02x} where 0x{tag:02x} belongs")
    return element


def inner(wrapper: Element, tag: int | None = None) -> Element:
    """The first element inside a constructed one (an explicit tag), of the tag given if any."""
    if tag is None:
        return read_element(wrapper.value, wrapper.layer, 0, wrapper.value_offset)
    return expect(wrapper.value, tag, wrapper.layer, 0, wrapper.value_offset)


def open_explicit(data: Octets, layer: str) -> Element:
    """The element that starts `data`, a tag around a SEQUENCE whose own tag must be seen, so that chance octets rarely
    pass for a structure. All behind it may be cut."""
    return explicit(read_element(data, layer))


def explicit(outer: Element) -> Element:
    """The element itself, if it is a tag around a SEQUENCE."""
    if not outer.value:
        raise Truncated(outer.layer, outer.value_offset, 1, 0)
    if outer.value[0] != SEQUENCE:
        detail = f"tag 0x{outer.value[0]:02x} where 0x{SEQUENCE:02x} belongs"
        raise Malformed(outer.layer, outer.value_offset, detail)
    return outer


def children(parent: Element) -> Iterator[Element]:
    """The elements inside a constructed one, in order. Ends quietly where a cut ends them, else raises `Malformed`."""
    _tag, _offset, base, _declared, value, layer = parent
    for tag, offset, start, length in _places(parent):
        octets = value[start : start + length]
        yield _new(Element, (tag, base + offset, base + start, length, octets, layer))


def _places(parent: Element) -> Iterator[tuple[int, int, int, int]]:
    """Of each element inside a constructed one: its tag, where it and its value start, and the length declared."""
    _tag, _offset, base, declared, value, layer = parent
    end = len(value)
    offset = 0
    while offset < end:
        try:
            tag = value[offset]
            if offset + 1 < end and tag & 0x1F != 0x1F and value[offset + 1] < 0x80:
                start, length = offset + 2, value[offset + 1]  # as most begin: at half the cost
            else:
                tag, start, length = _head(value, offset, end, base, layer)
        except Truncated:
            if end == declared:
                raise Malformed(layer, base + offset, "an element runs past its parent") from None
            return
        behind = start + length
        if behind > end == declared:
            raise Malformed(layer, base + offset, "an element runs past its parent")
        yield tag, offset, start, length
        offset = behind


def whole(element: Element) -> memoryview:
    """The value; raises `Truncated` when part of it is missing."""
    value = element.value
    if len(value) != element.length:
        raise Truncated(element.layer, element.value_offset, element.length, len(value))
    return value


def integer(element: Element) -> int:
    """INTEGER or ENUMERATED -> int. Raises `Truncated` when cut, `Malformed` when empty or over 64 bits."""
    value = whole(element)
    if not 1 <= len(value) <= MAXIMUM_INTEGER_OCTETS or (len(value) == MAXIMUM_INTEGER_OCTETS and value[0]):
        raise Malformed(element.layer, element.offset, f"integer of {len(value)} octets")
    return int.from_bytes(value, "big", signed=True)


def text(element: Element) -> str:
    """A character string -> text: UTF-8, as Windows writes it into GeneralString too; other octets stay as escapes."""
    return decode_text(whole(element))


def object_identifier(element: Element) -> str:
    """OBJECT IDENTIFIER -> dotted text. Arcs over 63 bits and values over 64 octets are `Malformed`."""
    value = whole(element)
    if not 1 <= len(value) <= MAXIMUM_OID_OCTETS or value[-1] & 0x80:
        raise Malformed(element.layer, element.offset, f"object identifier of {len(value)} octets")
    dotted = _dotted(bytes(value))
    if dotted is None:
        raise Malformed(element.layer, element.offset, "object identifier arc over 63 bits")
    return dotted


@lru_cache(maxsize=1024)  # a capture names the same dozen mechanisms over and over
def _dotted(octets: bytes) -> str | None:
    """None where an arc has over 63 bits."""
    arcs: list[int] = []
    arc = 0
    for octet in octets:
        arc = arc << 7 | octet & 0x7F
        if arc >> 63:
            return None
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def bit_string_32(element: Element) -> int:
    """BIT STRING of flags -> its first 32 bits; the specification's bit 0 is 0x80000000 (RFC 4120 5.2.8)."""
    value = whole(element)
    if not value:
        raise Malformed(element.layer, element.offset, "empty bit string")
    return int.from_bytes(bytes(value[1:5]).ljust(4, b"\0"), "big")


class Fields:
    """The explicitly tagged `[n]` fields of a SEQUENCE that may be cut or damaged. Of two equal tags the first counts.

    Each method gives a field's value, or None where the field is absent or not readable; the reason goes to `problems`
    (absence of an optional field is none). `problems` is shared with the `Fields` of nested structures.
    """

    __slots__ = ("_base", "_octets", "_tagged", "layer", "offset", "problems")

    def __init__(self, sequence: Element, problems: FirstProblem) -> None:
        _tag, self.offset, self._base, declared, self._octets, self.layer = sequence
        self._tagged: dict[int, tuple[int, int, int, int]] = {}
        self.problems = problems
        if len(self._octets) != declared:
            problems.attempt(whole, sequence)
        try:
            for place in _places(sequence):
                if place[0] & 0xE0 == 0xA0:
                    self._tagged.setdefault(place[0] & 0x1F, place)
        except ParseError as error:
            problems.note(error)

    @classmethod
    def inside(cls, wrapper: Element, problems: FirstProblem) -> Fields:
        """The fields of the SEQUENCE inside an explicit tag; none where there is no such SEQUENCE."""
        try:
            return cls(inner(wrapper, SEQUENCE), problems)
        except ParseError as error:  # of `inner`: what is wrong in the SEQUENCE itself is noted
            problems.note(error)
            return cls(wrapper._replace(length=0, value=memoryview(b"")), problems)

    def __contains__(self, number: int) -> bool:
        return number in self._tagged

    def tagged(self, number: int, *, optional: bool = False) -> Element | None:
        """The element `[number]` itself."""
        place = self._tagged.get(number)
        if place is None:
            self._absent(number, optional)
            return None
        tag, offset, start, length = place
        base = self._base
        value = self._octets[start : start + length]
        return _new(Element, (tag, base + offset, base + start, length, value, self.layer))

    def _absent(self, number: int, optional: bool) -> None:
        if not optional:
            self.problems.note(Malformed(self.layer, self.offset, f"field [{number}] is missing"))

    def element(self, number: int, *tags: int, optional: bool = False) -> Element | None:
        """The element inside `[number]`, possibly cut; of one of the tags where any are given."""
        return self._element(number, tags, optional)

    def _element(self, number: int, tags: Collection[int], optional: bool) -> Element | None:
        place = self._tagged.get(number)
        if place is None:
            self._absent(number, optional)
            return None
        _tag, _offset, start, length = place
        end = min(start + length, len(self._octets))
        try:
            found = _element(self._octets, start, end, self._base, self.layer)
        except ParseError as error:
            self.problems.note(error)
            return None
        if not tags or found.tag in tags:
            return found
        self.problems.note(Malformed(self.layer, found.offset, f"tag 0x{found.tag:02x} in field [{number}]"))
        return None

    def short(self, number: int) -> bytes | None:
        """The octets in `[number]`, for a look into a table of what was read before; None where the field is absent,
        cut or long."""
        _tag, _offset, start, length = self._tagged.get(number, _NOWHERE)
        if length > MAXIMUM_SHORT_OCTETS or start + length > len(self._octets):
            return None
        return bytes(self._octets[start : start + length])

    def value(
        self, number: int, read: Callable[[Element], _Value], *tags: int, optional: bool = False
    ) -> _Value | None:
        """What `read` makes of the element inside `[number]`."""
        return self._value(number, read, tags, optional)

    def _value(
        self, number: int, read: Callable[[Element], _Value], tags: Collection[int], optional: bool
    ) -> _Value | None:
        found = self._element(number, tags, optional)
        if found is None:
            return None
        try:
            return read(found)
        except ParseError as error:
            self.problems.note(error)
            return None

    def integer(self, number: int, *, optional: bool = False) -> int | None:
        place = self._tagged.get(number)
        if place is not None:
            _tag, _offset, start, length = place
            octets = self._octets
            # As nearly every one stands there; what is unusual goes the longer way.
            if (
                3 <= length <= MAXIMUM_INTEGER_OCTETS
                and start + length <= len(octets)
                and octets[start] == INTEGER
                and octets[start + 1] == length - 2
            ):
                return int.from_bytes(octets[start + 2 : start + length], "big", signed=True)
        return self._value(number, integer, _INTEGERS, optional)

    def text(self, number: int, *, optional: bool = False) -> str | None:
        return self._value(number, text, _TEXTS, optional)

    def octets(self, number: int, *, optional: bool = False) -> memoryview | None:
        """What is there of an OCTET STRING, also when its tail is cut."""
        found = self.element(number, OCTET_STRING, optional=optional)
        if found is None:
            return None
        if not found.complete:
            self.problems.attempt(whole, found)
        return found.value

    def nested(self, number: int, *, optional: bool = False) -> Fields | None:
        """The fields of the SEQUENCE in `[number]`."""
        wrapper = self.tagged(number, optional=optional)
        return None if wrapper is None else Fields.inside(wrapper, self.problems)

    def items(self, number: int, read: Callable[[Element], _Value], *, optional: bool = False) -> tuple[_Value, ...]:
        """The SEQUENCE OF in `[number]`, each item read; () unless all of them could be read, so that half a list never
        passes for a short one."""
        sequence = self.element(number, SEQUENCE, optional=optional)
        found = None if sequence is None else self.problems.attempt(items, sequence, read)
        return found or ()

    def repeated_items(
        self, number: int, read: Callable[[Element], _Value], *, optional: bool = False
    ) -> tuple[_Value, ...]:
        """`items`, for lists that a capture repeats (mechanisms, encryption types): what was read before is looked up.
        `read` must not depend on anything but its element."""
        octets = self.short(number)
        found = None if octets is None else _items_of(octets, read)
        return self.items(number, read, optional=optional) if found is None else found


@lru_cache(maxsize=1024)
def _items_of(octets: bytes, read: Callable[[Element], _Value]) -> tuple[_Value, ...] | None:
    """The items of a SEQUENCE OF; None where anything is wrong, which whoever knows the offsets finds out again."""
    try:
        return items(expect(octets, SEQUENCE, ""), read)
    except ParseError:
        return None


def items(sequence: Element, read: Callable[[Element], _Value]) -> tuple[_Value, ...]:
    """Every item of a SEQUENCE OF through `read`. `ParseError` where one is not readable or there are too many."""
    whole(sequence)
    found: list[_Value] = []
    for child in children(sequence):
        if len(found) == MAXIMUM_ITEMS:
            raise Malformed(sequence.layer, child.offset, f"more than {MAXIMUM_ITEMS} items")
        found.append(read(child))
    return tuple(found)
