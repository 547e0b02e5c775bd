"""DER elements read back as written, whole and cut; hostile lengths, nesting and numbers cost nothing."""

from __future__ import annotations

import random

import pytest
from builders import der as write

from rpctrace.encoding import der
from rpctrace.encoding.der import Element, Fields
from rpctrace.encoding.partial import FirstProblem
from rpctrace.errors import Malformed, ParseError, Truncated

LAYER = "test"


def read(octets: bytes) -> Element:
    return der.read_element(octets, LAYER)


@pytest.mark.parametrize("length", [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000])
def test_lengths(length: int) -> None:
    """Every form of length reads back, and the end is where it is."""
    octets = write.octet_string(bytes(length))
    element = read(octets + b"more")
    assert (element.tag, element.length, element.end) == (der.OCTET_STRING, length, len(octets))
    assert (len(element.value), element.complete) == (length, True)


def test_longer_forms_of_length_are_accepted() -> None:
    """BER as Active Directory's LDAP writes it: four octets whatever the length."""
    element = read(bytes.fromhex("0484000000026162") + b"more")
    assert (bytes(element.value), element.value_offset, element.end) == (b"ab", 6, 8)


def test_every_truncation() -> None:
    """Without tag and length `Truncated` with what is needed; after that what is there."""
    octets = write.octet_string(bytes(300))
    for end in range(len(octets)):
        if end < 4:
            with pytest.raises(Truncated) as caught:
                read(octets[:end])
            assert caught.value.available < caught.value.needed
        else:
            element = read(octets[:end])
            assert (len(element.value), element.length, element.complete) == (end - 4, 300, False)


@pytest.mark.parametrize("octets", ["1f0100", "0480", "0485 0000000001 00", "04ff"])
def test_refused_headers(octets: str) -> None:
    """High tag numbers, indefinite lengths and lengths of over four octets."""
    with pytest.raises(Malformed):
        read(bytes.fromhex(octets))


def test_expect_and_inner() -> None:
    """The tag asked for, or `Malformed` at the element; offsets count from the outermost octets."""
    octets = b"\xff" * 3 + write.context(2, write.integer(5))
    outer = der.expect(octets, der.context_tag(2), LAYER, 3)
    number = der.inner(outer, der.INTEGER)
    assert (outer.offset, number.offset, number.value_offset, number.end) == (3, 5, 7, 8)
    with pytest.raises(Malformed) as caught:
        der.inner(outer, der.SEQUENCE)
    assert caught.value.offset == 5
    assert der.application_tag(30) == 0x7E


def test_children() -> None:
    """All of them in order; a cut ends them quietly, an element that runs past a whole parent does not."""
    octets = write.sequence(write.integer(1), write.octet_string(b"abcdef"), write.integer(2))
    whole = list(der.children(read(octets)))
    assert [(child.tag, child.offset) for child in whole] == [(2, 2), (4, 5), (2, 13)]
    for end in range(2, len(octets)):
        cut = list(der.children(read(octets[:end])))
        assert [child.tag for child in cut] == [child.tag for child in whole][: len(cut)]
        assert all(child.complete for child in cut[:-1])
    for liar in ("30030209ff", "30010a", "3003048401"):
        with pytest.raises(Malformed):
            list(der.children(read(bytes.fromhex(liar))))


@pytest.mark.parametrize("value", [0, 1, -1, 127, 128, -128, -129, 2**31, 2**63 - 1, -(2**63) + 1, 2**64 - 1])
def test_integers(value: int) -> None:
    """Signed, to 64 bits; ENUMERATED alike."""
    assert der.integer(read(write.integer(value))) == value
    assert der.integer(read(write.enumerated(value))) == value


@pytest.mark.parametrize("octets", ["0200", "0209010000000000000000", "0209ff0000000000000000", "020a00" + "ff" * 9])
def test_integers_over_64_bits(octets: str) -> None:
    """Empty ones and larger ones are `Malformed`, never a huge number."""
    with pytest.raises(Malformed):
        der.integer(read(bytes.fromhex(octets)))


@pytest.mark.parametrize("dotted", ["1.2.840.113554.1.2.2.3", "1.3.6.1.5.5.2", "0.0", "2.999.1", "2.16.840.1", "2.39.9",
                                    "1.39.0", f"1.3.{2**63 - 1}"])  # fmt: skip
def test_object_identifiers(dotted: str) -> None:
    """Dotted text as written."""
    assert der.object_identifier(read(write.object_identifier(dotted))) == dotted


@pytest.mark.parametrize("value", [b"", b"\x2a\x86", b"\x2a" * 65, b"\x2a" + b"\xff" * 9 + b"\x7f"])
def test_refused_object_identifiers(value: bytes) -> None:
    """Empty, unending, overlong, or with an arc over 63 bits."""
    with pytest.raises(Malformed):
        der.object_identifier(read(write.tagged(0x06, value)))


def test_flags_and_text() -> None:
    """The first 32 bits, whatever the length; text keeps undecodable octets."""
    assert der.bit_string_32(read(write.bit_string_32(0x40000000))) == 0x40000000
    assert der.bit_string_32(read(bytes.fromhex("03020560"))) == 0x60000000
    assert der.bit_string_32(read(bytes.fromhex("0306004000000001"))) == 0x40000000
    assert der.text(read(write.general_string(b"a\xff"))) == "a\udcff"
    with pytest.raises(Malformed):
        der.bit_string_32(read(b"\x03\x00"))


def test_values_that_are_cut() -> None:
    """No reader of a value takes a part for the whole."""
    for reader in (der.integer, der.text, der.object_identifier, der.bit_string_32, der.whole):
        with pytest.raises(Truncated):
            reader(read(b"\x02\x03\x01\x01"))  # type: ignore[operator]


def test_open_explicit() -> None:
    """A tag around a SEQUENCE, possibly cut behind the latter's tag; anything else is refused."""
    assert der.open_explicit(b"\x6e\x05\x30", LAYER).tag == 0x6E
    with pytest.raises(Truncated):
        der.open_explicit(b"\x6e\x05", LAYER)
    with pytest.raises(Malformed):
        der.open_explicit(b"none", LAYER)


STRUCTURE = write.sequence(
    write.context(0, write.integer(5)),
    write.context(1, write.general_string("realm")),
    write.context(2, write.octet_string(b"octets")),
    write.context(3, write.sequence(write.context(0, write.integer(7)))),
    write.context(4, write.sequence(write.general_string("a"), write.general_string("b"))),
)


def values(octets: bytes) -> tuple[list[object], FirstProblem]:
    """Every kind of field of `STRUCTURE`, read leniently."""
    problems = FirstProblem()
    fields = Fields(der.read_element(octets, LAYER), problems)
    nested = fields.nested(3)
    some = fields.octets(2)
    found: list[object] = [fields.integer(0), fields.text(1), None if some is None else bytes(some)]
    return [*found, None if nested is None else nested.integer(0), fields.items(4, der.text)], problems


def test_fields() -> None:
    """Each field of a SEQUENCE as its kind; what is not asked for is no problem."""
    found, problems = values(STRUCTURE)
    assert found == [5, "realm", b"octets", 7, ("a", "b")]
    assert problems.error is None


def test_fields_of_a_cut_sequence() -> None:
    """What lies before the cut is read, the rest is absent, and the first problem is the cut of the sequence."""
    whole, _ = values(STRUCTURE)
    for end in range(2, len(STRUCTURE)):
        found, problems = values(STRUCTURE[:end])
        assert isinstance(problems.error, Truncated)
        assert problems.error.offset == 2
        for value, expected in zip(found, whole, strict=True):
            assert value in (expected, None, ()) or (isinstance(value, bytes) and b"octets".startswith(value))


def test_absent_and_wrong_fields() -> None:
    """Only a mandatory field that is missing is a problem; one of another tag is not read; the first of two counts."""
    problems = FirstProblem()
    fields = Fields(read(write.sequence(write.context(0, write.general_string("x")), write.context(1, write.integer(1)),
                                        write.context(1, write.integer(2)))), problems)  # fmt: skip
    assert fields.integer(9, optional=True) is None
    assert (fields.integer(1), 1 in fields, 9 in fields, problems.error) == (1, True, False, None)
    assert fields.integer(0) is None
    assert isinstance(problems.error, Malformed)
    missing = FirstProblem()
    assert Fields(read(write.sequence()), missing).text(3) is None
    assert isinstance(missing.error, Malformed)


def test_fields_inside_something_else() -> None:
    """No SEQUENCE inside the tag: no fields, and the reason."""
    problems = FirstProblem()
    fields = Fields.inside(read(write.context(0, write.integer(1))), problems)
    assert fields.integer(0, optional=True) is None
    assert isinstance(problems.error, Malformed)


def test_items_are_bounded() -> None:
    """A list of more items than the bound is refused as a whole."""
    many = write.sequence(*[write.integer(1)] * (der.MAXIMUM_ITEMS + 1))
    with pytest.raises(Malformed):
        der.items(read(many), der.integer)
    assert der.items(read(write.sequence(*[write.integer(1)] * der.MAXIMUM_ITEMS)), der.integer) == (1,) * 64


def test_lists_that_are_repeated_read_as_they_read_once() -> None:
    """Looked up or not: the same values; of a damaged list nothing, and the same problem at its own offset."""
    good, bad = write.sequence(write.integer(18), write.integer(-133)), write.sequence(b"\x02\x00")
    long = write.sequence(*[write.integer(7)] * 64, b"")
    for _ in range(3):
        for listed, expected in ((good, (18, -133)), (bad, ()), (long, (7,) * 64), (good[:-1], ())):
            octets = write.sequence(write.context(1, write.integer(5)), write.context(8, listed))
            said = [Fields(read(octets), FirstProblem()) for _ in range(2)]
            assert said[0].items(8, der.integer) == said[1].repeated_items(8, der.integer) == expected
            assert str(said[0].problems.error) == str(said[1].problems.error)


def test_short_octets_of_a_field() -> None:
    whole = write.sequence(write.context(1, write.integer(5)), write.context(2, write.octet_string(bytes(300))))
    fields = Fields(read(whole), FirstProblem())
    assert (fields.short(1), fields.short(2), fields.short(3)) == (write.integer(5), None, None)
    assert Fields(read(whole[:6]), FirstProblem()).short(1) is None
    assert fields.problems.error is None


@pytest.mark.parametrize(
    "octets", ["020105", "02020005", "0209008000000000000000", "02810105", "0a0105", "0200", "020205"]
)
def test_an_integer_of_a_field_reads_as_an_element_does(octets: str) -> None:
    """The short way and the longer one."""
    element = bytes.fromhex(octets)
    fields = Fields(read(write.sequence(write.context(1, element))), FirstProblem())
    try:
        expected: int | None = der.integer(read(element))
    except ParseError:
        expected = None
    assert fields.integer(1) == expected
    assert (fields.problems.error is None) is (expected is not None)


def test_hostile_nesting_and_lengths() -> None:
    """5000 levels and a length of 4 GiB: read level by level, nothing allocated."""
    bomb = b""
    for _ in range(5000):
        bomb = write.context(0, bomb)
    element, depth = read(bomb), 0
    while element.value:
        element, depth = der.inner(element), depth + 1
    assert depth == 4999
    huge = read(bytes.fromhex("3084ffffffff3003"))
    assert (huge.length, len(huge.value), next(der.children(huge)).tag) == (0xFFFFFFFF, 2, 0x30)


def test_random_octets_raise_nothing_but_parse_errors() -> None:
    """3000 runs of noise through every reader."""
    chance = random.Random(11)
    for _ in range(3000):
        noise = bytes((chance.choice((0x30, 0xA0, 0x02, 0x04, 0x06)), chance.randrange(48))) + chance.randbytes(40)
        try:
            element = read(noise)
            list(der.children(element))
            values(noise)
            der.integer(element)
            der.object_identifier(element)
        except ParseError:
            continue
