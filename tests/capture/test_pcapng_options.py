"""Options and name records: every cut gives what stood before it, clocks are exact."""

from __future__ import annotations

from builders.files import option

from rpctrace.capture.pcapng_options import Overrun, clock, read_names, read_options


def test_options_cut_everywhere() -> None:
    """Whole options before the cut, then nothing or the overrun of the one that is cut."""
    octets = option("<", 1, b"said") + option("<", 2, b"") + option("<", 3, b"abcde")
    whole = [(1, b"said"), (2, b""), (3, b"abcde")]
    for cut in range(len(octets) + 1):
        found = list(read_options(memoryview(octets[:cut]), "<"))
        kept = [(each[0], bytes(each[1])) for each in found if not isinstance(each, Overrun)]
        assert kept == whole[: len(kept)]
        assert [isinstance(each, Overrun) for each in found[:-1]] == [False] * len(found[:-1])
    assert kept == whole


def test_end_of_options_ends() -> None:
    octets = option(">", 1, b"a") + bytes(4) + option(">", 1, b"b")
    assert [code for code, _ in read_options(memoryview(octets), ">")] == [1]


def test_names() -> None:
    """The first name of a record; records of other kinds, without a name or too short are none."""
    octets = option("<", 1, b"\x0a\0\0\x01one\0two\0") + option("<", 1, b"\x0a\0\0\x02\0") + option("<", 2, bytes(16))
    octets += option("<", 9, b"\x0a\0\0\x03x\0") + option("<", 1, b"\x0a\0\0\x04\xff\0")
    assert list(read_names(memoryview(octets), "<")) == [("10.0.0.1", "one"), ("10.0.0.4", "\udcff")]


def test_clock() -> None:
    """Every resolution octet is a clock or None; units are not rounded on the way."""
    for resolution in range(256):
        ticks = clock(resolution, 5)
        assert (ticks is None) is (resolution & 0x7F > (63 if resolution & 0x80 else 19))
    nanoseconds = clock(9, -1)
    assert nanoseconds is not None
    assert nanoseconds.timestamp_ns(1_584_356_771_466_189_123) == 1_584_356_771_466_189_122
