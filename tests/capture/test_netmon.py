"""Network Monitor files of all versions read as tshark reads them, damaged ones further; nothing else is raised."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest
from netmon_octets import START_NS, Octets, comment, netmon_file, record

from rpctrace.capture import netmon, netmon_records
from rpctrace.capture.format import Notes, ReadOptions
from rpctrace.capture.frame import Frame, LinkType
from rpctrace.capture.registry import NETMON
from rpctrace.errors import CaptureError

CAPTURES = Path(__file__).parents[2].parent / "shared" / "captures"
MADE = CAPTURES / "formats" / "netmon-made"
REAL = sorted((CAPTURES / "netmon").glob("*.cap"))
ALL = [*REAL, *sorted(MADE.glob("*.cap"))]
needs_captures = pytest.mark.skipif(not ALL, reason="the sample captures are not beside the checkout")
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

# What is unwrapped is shorter by its wrapping than what tshark counts.
WIFI_METADATA, NDIS_EVENT = 32, 89 + 12
WRAPPING = {"krb135_v2_1_wifi.cap": WIFI_METADATA, "krb135_v2_3_netevent_ndis.cap": NDIS_EVENT}


def read(octets: bytes, options: ReadOptions | None = None) -> tuple[list[Frame], Notes]:
    notes = Notes()
    return list(NETMON.walk_file(Octets(octets), notes, options or ReadOptions())), notes


def texts(notes: Notes) -> list[str]:
    return [problem.text for problem in notes.problems]


def nanoseconds(decimal: str) -> int:
    seconds, fraction = decimal.lstrip("-").split(".")
    value = int(seconds) * 10**9 + int(fraction.ljust(9, "0"))
    return -value if decimal.startswith("-") else value


def by_tshark(path: Path) -> list[tuple[int, int, int, int]]:
    fields = ("frame.number", "frame.time_epoch", "frame.cap_len", "frame.len")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", *(part for name in fields for part in ("-e", name))]
    out = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "TZ": "UTC"}).stdout
    rows = (line.split("\t") for line in out.splitlines())
    return [(int(number), nanoseconds(time), int(captured), int(wire)) for number, time, captured, wire in rows]


@needs_captures
@needs_tshark
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_numbers_times_and_lengths_are_those_of_tshark(path: Path) -> None:
    frames, notes = read(path.read_bytes())
    wrapping = WRAPPING.get(path.name, 0)
    ours = [
        (frame.number, frame.timestamp_ns, len(frame.octets) + wrapping, frame.original_length_octets + wrapping)
        for frame in frames
    ]
    assert ours == by_tshark(path)
    assert notes.stopped_at is None


# Frames expected, whether something was lost, words of the first problem ("" for none)
BAD = {
    "nm_bad_date": (17, False, ""),
    "nm_caplen_huge": (16, True, "record of 2147483647 octets"),
    "nm_caplen_plus100": (17, True, "claims more octets"),
    "nm_comment_overrun": (17, False, "title is larger than the comment section"),
    "nm_dup_offsets": (17, False, "frame 9 repeats frame 1"),
    "nm_empty_table": (17, False, "table is missing"),
    "nm_filetime_zero": (17, False, ""),
    "nm_hdr_only": (0, True, "table is missing"),
    "nm_media_netfilter_0xffff": (17, False, ""),
    "nm_media_payloadhdr_0xfffc": (16, False, ""),
    "nm_media_unknown_0x7777": (17, False, "0x7777 is not known"),
    "nm_minor_4": (17, False, "2.4 is read as 2.3"),
    "nm_network_0": (17, False, ""),
    "nm_network_99": (17, False, ""),
    "nm_offset_beyond_eof": (16, True, "beyond the end of the file"),
    "nm_offset_into_header": (16, True, "into the file header"),
    "nm_snaplen_cut_96": (17, False, ""),
    "nm_table_beyond_eof": (17, True, "table is missing"),
    "nm_table_len_huge": (17, True, "17 of 536870911 entries"),
    "nm_table_len_odd": (17, False, "no multiple of 4"),  # walking on behind the entries that are there finds the last
    "nm_trunc_before_table": (15, True, "table is missing"),  # two records are cut off with the table
    "nm_trunc_half": (9, True, "table is missing"),
    "nm_trunc_in_table": (17, True, "15 of 17 entries"),
    # Cut at the next record instead of left out: the octets are right, and numbers stay those of the table.
    "nm_v1_1_len_gt": (17, True, "claims more octets"),
}
UNREADABLE = {
    "nm_hdr_cut": "header is cut: 40 of 64 octets",
    "nm_major_3": "version 3.3 is not supported",
    "nm_writer_crashed_zero_header": "its writer was interrupted",
}


@needs_captures
def test_every_bad_file_is_in_a_table() -> None:
    assert {path.stem for path in (CAPTURES / "bad").glob("nm_*")} == BAD.keys() | UNREADABLE.keys()


@needs_captures
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gives_all_that_is_readable(name: str) -> None:
    count, loses, words = BAD[name]
    frames, notes = read((CAPTURES / "bad" / f"{name}.cap").read_bytes())
    assert [frame.number for frame in frames] == list(range(1, count + 1))
    assert (notes.stopped_at is not None) is loses
    assert words in texts(notes)[0] if words else not notes.problems


@needs_captures
@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_says_why(name: str) -> None:
    octets = (CAPTURES / "bad" / f"{name}.cap").read_bytes()
    assert NETMON.recognises(octets[:512])
    with pytest.raises(CaptureError) as caught:
        read(octets)
    assert UNREADABLE[name] in caught.value.reason
    assert caught.value.path == ""


@needs_captures
@pytest.mark.parametrize("name", ["nm_caplen_plus100", "nm_v1_1_len_gt"])
def test_a_record_with_a_wrong_length_ends_before_the_next_one(name: str) -> None:
    made = "krb135_v1_1" if "v1_1" in name else "krb135_v2_3"
    good, _ = read((MADE / f"{made}.cap").read_bytes())
    frames, _ = read((CAPTURES / "bad" / f"{name}.cap").read_bytes())
    assert [frame.octets for frame in frames] == [frame.octets for frame in good]


@needs_captures
@pytest.mark.parametrize("name", ["v1_1", "v2_0", "v2_1", "v2_2", "v2_3", "v2_3_hdr72", "v2_3_comments"])
def test_a_cut_file_gives_every_record_before_the_cut(name: str) -> None:
    octets = (MADE / f"krb135_{name}.cap").read_bytes()
    whole, _ = read(octets)
    trailer = {"v1_1": 0, "v2_0": 0, "v2_1": 2, "v2_2": 6}.get(name, 15)
    head = 8 if name == "v1_1" else 16
    for cut in range(1, len(octets), 97):
        if cut < 64:
            with pytest.raises(CaptureError):
                read(octets[:cut])
            continue
        frames, notes = read(octets[:cut])
        before = [frame for frame in whole if frame.file_offset + head + len(frame.octets) + trailer <= cut]
        assert [frame[:6] for frame in frames] == [frame[:6] for frame in before]
        assert len(frames) == len(whole) or notes.stopped_at is not None


@needs_captures
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_a_real_file_cut_before_its_table_gives_the_same_frames(path: Path) -> None:
    octets = path.read_bytes()
    whole, _ = read(octets)
    frames, notes = read(octets[: struct.unpack_from("<I", octets, 24)[0]])
    assert [frame[:6] for frame in frames] == [frame[:6] for frame in whole]
    frames, notes = read(octets[: whole[-1].file_offset + 20])
    assert [frame[:6] for frame in frames] == [frame[:6] for frame in whole[:-1]]
    assert notes.stopped_at == whole[-1].file_offset


@needs_captures
@pytest.mark.parametrize("name", ["v1_1", "v2_1_mixed", "v2_2", "v2_3_comments", "v2_3_netevent_ndis", "v2_1_wifi"])
def test_changed_octets_raise_nothing_else_and_give_sound_frames(name: str) -> None:
    octets = (MADE / f"krb135_{name}.cap").read_bytes()
    rng = random.Random(name)
    hot = [*range(64), *range(len(octets) - 160, len(octets))]  # header, table and comments matter most
    for _ in range(150):
        changed = bytearray(octets)
        for _ in range(rng.choice((1, 2, 8, 64))):
            place = rng.choice(hot) if rng.random() < 0.3 else rng.randrange(len(changed))
            changed[place] = rng.choice((0, 1, 0x7F, 0xFF, rng.randrange(256)))
        data = Octets(bytes(changed))
        try:
            frames = list(NETMON.walk_file(data, Notes(), ReadOptions()))
        except CaptureError:
            continue
        assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))
        assert all(frame.original_length_octets >= len(frame.octets) for frame in frames)
        assert all(0 <= frame.file_offset < data.size for frame in frames)


@needs_captures
@pytest.mark.parametrize("name", ["nm_table_len_huge", "nm_caplen_huge", "nm_comment_overrun"])
def test_no_length_field_is_read_for_its_own_sake(name: str) -> None:
    data = Octets((CAPTURES / "bad" / f"{name}.cap").read_bytes())
    list(NETMON.walk_file(data, Notes(), ReadOptions()))
    assert data.largest <= data.size


@needs_captures
@pytest.mark.parametrize("name", ["v2_3_reordered_table", "v2_3", "v1_1"])
def test_tiny_windows_and_table_pieces_give_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    octets = (MADE / f"krb135_{name}.cap").read_bytes()
    whole, notes = read(octets)
    monkeypatch.setattr(netmon, "TABLE_PIECE_ENTRIES", 3)
    monkeypatch.setattr(netmon_records, "WINDOW_OCTETS", 50)
    monkeypatch.setattr(netmon_records, "NEAR_OCTETS", 1)
    frames, again = read(octets)
    assert frames == whole
    assert asdict(again) == asdict(notes)


def test_magic_tells_the_format_and_a_record_behind_zeros_does() -> None:
    unfinished = bytes(128) + record((2, 3), b"x" * 60)
    heads = (b"RTSS\x01\x01", b"GMBU\x03\x02", unfinished, bytes(512), b"\xd4\xc3\xb2\xa1", b"GM", b"")
    assert [NETMON.recognises(head) for head in heads] == [True, True, True, False, False, False, False]


# [MS-DTYP] 2.3.13 start plus delta: milliseconds in 1.x, microseconds in 2.0 to 2.2; 2.3 has its own time
@pytest.mark.parametrize(
    ("version", "delta", "expected_ns"),
    [
        ((1, 1), 1500, START_NS + 1_500_000_000),
        ((2, 0), 1500, START_NS + 1_500_000),
        ((2, 1), (1 << 64) - 1500, START_NS - 1_500_000),
        ((2, 2), 0, START_NS),
    ],
)
def test_local_time_is_taken_as_utc_unless_the_zone_is_told(
    version: tuple[int, int], delta: int, expected_ns: int
) -> None:
    octets = netmon_file(version, [record(version, b"x" * 20, delta=delta), record(version, b"y" * 20)])
    frames, notes = read(octets)
    assert frames[0].timestamp_ns == expected_ns
    assert texts(notes) == ["time zone unknown: the file keeps local time, shown here as if it were UTC"]
    assert notes.stopped_at is None
    frames, notes = read(octets, ReadOptions(netmon_utc_offset_minutes=-420))
    assert frames[0].timestamp_ns == expected_ns + 7 * 3600 * 10**9
    assert not notes.problems


def test_a_header_without_a_date_leaves_frames_without_time() -> None:
    octets = netmon_file((2, 1), [record((2, 1), b"x")], start=(2020, 13, 1, 16, 11, 6, 11, 466))
    frames, notes = read(octets)
    assert frames[0].timestamp_ns is None
    assert "is no date" in texts(notes)[0]


def test_2_3_takes_the_record_s_own_time() -> None:
    octets = netmon_file((2, 3), [record((2, 3), b"x", delta=500)], start=(0,) * 8)
    frames, notes = read(octets)
    assert frames[0].timestamp_ns == 1_584_356_771_466_189_000 + 500_000
    assert not notes.problems


def test_records_without_trailers_take_the_file_s_media_type() -> None:
    """Real files are told of whose next record starts 0 or 1 octets behind the data."""
    short = [record((2, 3), bytes([number]) * 40)[:-15] for number in range(3)]
    frames, notes = read(netmon_file((2, 3), [*short, record((2, 3), b"z" * 40)], network=9))
    assert [bytes(frame.octets[:1]) for frame in frames] == [b"\0", b"\1", b"\2", b"z"]
    assert [frame.link_type for frame in frames] == [LinkType.RAW] * 3 + [LinkType.ETHERNET]
    assert notes.stopped_at is None


def test_an_entry_into_the_middle_of_a_good_record_does_not_cut_that_record() -> None:
    octets = bytearray(netmon_file((2, 1), [record((2, 1), bytes([number]) * 100) for number in range(1, 5)]))
    table = struct.unpack_from("<I", octets, 24)[0]
    struct.pack_into("<I", octets, table + 12, 128 + 50)  # the fourth entry points into the first record
    frames, _ = read(bytes(octets))
    assert [len(frame.octets) for frame in frames[:3]] == [100, 100, 100]


def test_walking_goes_on_behind_a_damaged_record() -> None:
    records = [record((2, 3), bytes([65 + number]) * 80) for number in range(8)]
    octets = bytearray(netmon_file((2, 3), records))
    struct.pack_into("<I", octets, 128 + 3 * len(records[0]) + 12, 0xFFFFFFFF)
    struct.pack_into("<I", octets, 28, 0)  # no table
    frames, notes = read(bytes(octets))
    assert [bytes(frame.octets[:1]) for frame in frames] == [b"A", b"B", b"C", b"E", b"F", b"G", b"H"]
    assert notes.stopped_at == 128 + 3 * len(records[0])


@pytest.mark.parametrize("damage", [1, 4_079, 4_080, 4_095, 4_096, 4_097, 20_000, netmon.MAXIMUM_RESYNC_OCTETS - 1])
def test_the_next_record_is_found_wherever_it_starts(damage: int) -> None:
    before, behind = record((2, 1), b"x" * 80), [record((2, 1), bytes([number]) * 80) for number in range(1, 4)]
    octets = bytearray(netmon_file((2, 1), [before, b"\xff" * damage, *behind]))
    struct.pack_into("<I", octets, 28, 0)
    frames, notes = read(bytes(octets))
    assert [frame.octets[0] for frame in frames] == [ord("x"), 1, 2, 3]
    assert notes.stopped_at == 128 + len(before)


def test_a_table_that_repeats_itself_is_read_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netmon, "MAXIMUM_REPEATED_OCTETS", 10_000)
    octets = bytearray(netmon_file((2, 1), [record((2, 1), b"x" * 1000)]))
    octets += struct.pack("<I", 128) * 1000
    struct.pack_into("<I", octets, 28, 4 * 1001)
    frames, notes = read(bytes(octets))
    assert len(frames) < 20
    assert "over and over" in texts(notes)[-1]
    assert notes.stopped_at is not None


def test_a_file_without_frames_is_whole() -> None:
    frames, notes = read(netmon_file((2, 3), []))
    assert frames == []
    assert asdict(notes) == asdict(Notes())


def test_what_is_no_packet_is_numbered_or_not_as_tshark_does() -> None:
    media = (1, 0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF, 0xFFFB, 0xFFE0, 0x7777, 0x7777, 1)
    frames, notes = read(netmon_file((2, 2), [record((2, 2), b"x" * 30, media=one) for one in media]))
    assert [frame.number for frame in frames] == [1, 2, 3, 4, 5, 6, 7]
    kinds = [frame.link_type is LinkType.NOT_A_PACKET for frame in frames]
    assert kinds == [False, True, True, True, True, True, False]
    assert [text for text in texts(notes) if "0x7777" in text] == [
        "media type 0x7777 is not known: its frames are counted and not read"
    ]
    assert notes.stopped_at is None


def test_a_comment_comes_with_its_frame() -> None:
    records = [record((2, 3), b"x" * 30), record((2, 3), b"y" * 30)]
    second = 128 + len(records[0])
    comments = (
        comment(second, "Step 2", b"{\\rtf1 the fault\\par}\0") + comment(second, "again") + comment(5, "nowhere")
    )
    frames, notes = read(netmon_file((2, 3), records, comments=comments))
    assert [frame.comments for frame in frames] == [(), ("Step 2\nthe fault", "again")]
    assert texts(notes) == ["records with comments and no frame: 1; the first comment: nowhere"]
    assert notes.stopped_at is None


def test_before_2_2_the_comment_fields_are_not_looked_at() -> None:
    octets = bytearray(netmon_file((2, 1), [record((2, 1), b"x" * 30)]))
    struct.pack_into("<II", octets, 40, 0xDEADBEEF, 0xDEADBEEF)
    frames, notes = read(bytes(octets), ReadOptions(netmon_utc_offset_minutes=0))
    assert len(frames) == 1
    assert not notes.problems
