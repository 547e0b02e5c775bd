"""File headers and single records of every version, whole and cut."""

from __future__ import annotations

import pytest
from netmon_octets import FILETIME, START_NS, Octets, netmon_file, record

from rpctrace.capture.netmon_records import Header, Records, Window, read_header
from rpctrace.errors import CaptureError

VERSIONS = [(1, 1), (2, 0), (2, 1), (2, 2), (2, 3)]


@pytest.mark.parametrize("version", VERSIONS)
def test_header_and_every_truncation_of_it(version: tuple[int, int]) -> None:
    octets = netmon_file(version, [record(version, b"x" * 30)])
    end = 128 + len(record(version, b"x" * 30))
    assert read_header(octets[:64]) == Header(*version, 1, START_NS, end, 4, 0, 0)
    for cut in range(64):
        with pytest.raises(CaptureError):
            read_header(octets[:cut])


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (bytes(64), "interrupted"),
        (b"GMBU" + bytes(60), "interrupted"),
        (b"GMBU\x03\x03" + bytes(58), "version 3.3"),
        (b"RTSS\x00\x02" + bytes(58), "version 2.0"),
        (b"XCP\0" + b"1" * 60, "not a Network Monitor file"),
    ],
)
def test_headers_that_say_nothing_can_be_read(head: bytes, words: str) -> None:
    with pytest.raises(CaptureError) as caught:
        read_header(head)
    assert words in caught.value.reason


@pytest.mark.parametrize("version", VERSIONS)
def test_a_record_and_every_truncation_of_it(version: tuple[int, int]) -> None:
    octets = netmon_file(version, [record(version, b"abc" * 10, media=9, delta=7, original=99)])
    header = read_header(octets[:64])
    end = header.table_offset
    found = Records(Octets(octets), header).at(128)
    media = 9 if version >= (2, 1) else None
    filetime = FILETIME + 70 if version == (2, 3) else None
    assert found == (128, 7, 99, b"abc" * 10, media, filetime, end)
    for cut in range(128, end):
        assert Records(Octets(octets[:cut]), header).at(128) is None
        assert Records(Octets(octets[:cut]), header).plausible_end(128, cut) is None


def test_a_bound_takes_the_trailer_or_cuts_the_data() -> None:
    octets = netmon_file((2, 1), [record((2, 1), b"x" * 40), record((2, 1), b"y" * 40)])
    records = Records(Octets(octets), read_header(octets[:64]))
    data = 128 + 16
    for bound, length, media in ((data + 42, 40, None), (data + 40, 40, None), (data + 30, 28, 0x7878)):
        found = records.at(128, bound)
        assert found is not None
        assert (len(found.octets), found.media) == (length, media)
    assert records.at(128, data + 1) is None


def test_a_window_gives_what_the_file_holds_wherever_it_jumps() -> None:
    octets = bytes(range(256)) * 3000
    window = Window(Octets(octets))
    for offset, count in ((0, 5), (4_090, 20), (700_000, 100), (3, 9), (767_990, 50), (768_000, 1), (900_000, 4)):
        assert window.read(offset, count) == octets[offset : offset + count]
