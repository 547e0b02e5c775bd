"""DER elements: whole, cut, hostile; nesting and lengths cost nothing."""

from __future__ import annotations

import random

import pytest
from builders import der as write

from rpctrace.encoding import der
from rpctrace.errors import Malformed, ParseError, Truncated


def test_elements_and_their_places() -> None:
    """Tag, offsets and value of nested elements; long lengths."""
    inside = write.octet_string(bytes(300))
    whole = der.read_element(write.sequence(write.integer(5), inside), "t")
    first, second = der.children(whole)
    assert (whole.tag, whole.complete, der.integer(first), second.offset + len(inside)) == (0x30, True, 5, whole.end)
    assert bytes(der.whole(second)) == bytes(300)


@pytest.mark.parametrize("number", [0, 1, 127, 128, -1, -128, 2**31, 2**63 - 1, -(2**62)])
def test_integers(number: int) -> None:
    """Signed, up to 64 bits; longer ones are refused without being made."""
    assert der.integer(der.read_element(write.integer(number), "t")) == number
    with pytest.raises(Malformed):
        der.integer(der.read_element(b"\x02\x0a" + b"\x7f" * 10, "t"))


def test_object_identifiers() -> None:
    """Dotted text; arcs over 63 bits are refused."""
    for text in ("1.2.840.113554.1.2.2", "1.3.6.1.4.1.311.2.2.10", "2.999.3"):
        assert der.object_identifier(der.read_element(write.object_identifier(text), "t")) == text
    with pytest.raises(Malformed):
        der.object_identifier(der.read_element(b"\x06\x10" + b"\xff" * 15 + b"\x01", "t"))


def test_flags_are_numbered_from_the_left() -> None:
    """RFC 4120 5.2.8: bit 1 is 0x40000000; short strings are padded."""
    assert der.bit_string_32(der.read_element(write.bit_string_32(0x60000000), "t")) == 0x60000000
    assert der.bit_string_32(der.read_element(b"\x03\x02\x05\x60", "t")) == 0x60000000


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"", Truncated),
        (b"\x30", Truncated),
        (b"\x30\x82\x01", Truncated),
        (b"\x30\x80\x00\x00", Malformed),  # indefinite length
        (b"\x1f\x81\x01\x00", Malformed),  # high tag number
        (b"\x30\x85\x01\x01\x01\x01\x01", Malformed),  # length of five octets
    ],
)
def test_headers_that_are_refused(octets: bytes, error: type[ParseError]) -> None:
    """Each with its own kind of error."""
    with pytest.raises(error):
        der.read_element(octets, "t")


def test_a_cut_tail_keeps_what_is_there() -> None:
    """The declared length stays, the value is what was captured, children end quietly at the cut."""
    whole = write.sequence(write.integer(5), write.octet_string(b"abcdef"), write.integer(7))
    for length in range(2, len(whole)):
        element = der.read_element(whole[:length], "t")
        assert not element.complete
        assert element.length == len(whole) - 2
        assert len(list(der.children(element))) <= 3


def test_deep_nesting_and_huge_lengths_cost_nothing() -> None:
    """10 000 levels are one step each for who walks them; a 4 GiB length allocates nothing."""
    octets = b""
    for _ in range(200):
        octets = write.sequence(octets)
    element, levels = der.read_element(octets, "t"), 1
    while len(element.value):
        element, levels = next(iter(der.children(element))), levels + 1
    assert levels == 200
    assert len(der.read_element(b"\x30\x84\xff\xff\xff\xff" + bytes(10), "t").value) == 10


def test_damage_gives_no_other_exception() -> None:
    """5000 random strings walked two levels deep."""
    rng = random.Random(690)
    for _ in range(5000):
        octets = bytes(rng.choice((0x30, 0xA0, 0x02, 0x82, rng.randrange(256))) for _ in range(rng.randrange(40)))
        try:
            for child in der.children(der.read_element(octets, "t")):
                for leaf in der.children(child):
                    der.integer(leaf)
        except ParseError as error:
            assert error.layer == "t"
