"""[C706] 9.5.3: numbered fragments in any order, again, cut, too many, and with two ends."""

from __future__ import annotations

from builders import dcerpc_datagram as write
from builders.dcerpc_datagram import DatagramType
from datagram_talk import ACTIVITY, SECOND_NS
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.protocols.dcerpc.datagram import parse_datagram
from rpctrace.protocols.dcerpc.datagram_fragments import MAXIMUM_STUB_OCTETS, MIRRORED_NS, Fragments

STUB = bytes(range(250))


def pieces(size_octets: int = 50, stub: bytes = STUB) -> list[bytes]:
    return write.fragments(DatagramType.REQUEST, ACTIVITY, stub, size_octets)


def fed(datagrams: list[bytes], *, keep: bool = True) -> Fragments:
    side = Fragments()
    for frame, octets in enumerate(datagrams, 1):
        side.add(parse_datagram(octets), frame, frame * SECOND_NS, keep=keep)
    return side


def test_one_datagram_is_whole() -> None:
    side = fed([write.datagram(0, ACTIVITY, b"stub", fragment=9)])
    assert (side.whole, side.cut, side.stub(), len(side)) == (True, False, b"stub", 1)
    assert side.provenance() == ((1,), SECOND_NS, 0)


def test_nothing_yet() -> None:
    side = Fragments()
    assert (side.whole, side.cut, side.stub(), side.provenance(), len(side)) == (False, False, None, None, 0)


@given(st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=5))
def test_any_order_and_copies(order: list[int], again: list[int]) -> None:
    """Whole with the fifth, whatever comes again; the frames are those of the first copies."""
    datagrams = pieces()
    side = fed([datagrams[number] for number in order] + [datagrams[number] for number in again])
    assert side.whole
    assert side.stub() == STUB
    assert (side.copies, side.conflicts) == (len(again), 0)
    assert side.provenance() == ((1, 2, 3, 4, 5), 5 * SECOND_NS, 0)


def test_not_whole_before_the_last() -> None:
    datagrams = pieces()
    for missing in range(5):
        assert not fed(datagrams[:missing] + datagrams[missing + 1 :]).whole


def test_a_copy_that_differs() -> None:
    first, *_ = pieces()
    side = fed([first, first[:-1] + b"?"])
    assert (side.copies, side.conflicts) == (1, 1)
    assert side.stub() == STUB[:50]


def test_the_same_datagram_captured_twice() -> None:
    """Within a moment, with the same serial number."""
    octets = write.datagram(0, ACTIVITY, b"stub", serial=4)
    again = write.datagram(0, ACTIVITY, b"stub", serial=5)
    for said, later_ns, copies in (
        (octets, MIRRORED_NS, 0), (octets, MIRRORED_NS + 1, 1), (octets, None, 1), (again, 1, 1),
    ):  # fmt: skip
        side = Fragments()
        side.add(parse_datagram(octets), 1, 0, keep=False)
        side.add(parse_datagram(said), 2, later_ns, keep=False)
        assert side.copies == copies


def test_a_copy_that_was_signed_anew_is_no_conflict() -> None:
    """An encrypted stub differs each time."""
    first = [write.secured(write.datagram(0, ACTIVITY, stub), 10, b"\6\0") for stub in (b"12345678", b"87654321")]
    assert fed(first).conflicts == 0


def test_what_is_behind_the_last_one_does_not_count() -> None:
    short, long = pieces(125), pieces(50)
    side = fed([long[4], long[3], *short])
    assert side.stub() is not None
    assert side.whole == (len(side) == 2 or len(side) == 5)
    assert len(fed([*short, long[3]])) == 2
    assert len(fed([long[3], *short])) == 2


def test_stubs_are_kept_only_when_wanted_and_up_to_a_bound() -> None:
    assert fed(pieces(), keep=False).stub() is None
    stub = bytes(MAXIMUM_STUB_OCTETS + 1)
    side = fed(pieces(1024, stub))
    assert side.stub() == stub[:-1]
    assert (side.kept_octets, side.octets_left_out, side.whole) == (MAXIMUM_STUB_OCTETS, 1, True)


def test_a_cut_fragment_ends_the_stub() -> None:
    datagrams = pieces()
    side = Fragments()
    for frame, octets in enumerate(datagrams, 1):
        side.add(parse_datagram(octets[:90] if frame == 2 else octets, len(octets)), frame, None, keep=True)
    assert (side.whole, side.cut, side.stub()) == (True, True, STUB[:60])
    assert side.provenance() == ((1, 2, 3, 4, 5), None, 0)
