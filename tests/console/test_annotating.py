"""The copy has every other block as it was and exact times; the evidence alone gives the same verdict."""

from __future__ import annotations

import io
from pathlib import Path
from struct import pack, unpack_from

import pytest
from builders.files import block, pcap
from builders.network import Host, TimedFrame, ipv4_fragments
from packing import PACKERS
from shared_captures import OWN, SHARED, captures_in, name_of
from tshark_reading import fields

from rpctrace.analysis import analyze
from rpctrace.annotation import Extract, extract_of
from rpctrace.capture.pcapng import Block
from rpctrace.capture.storage import open_capture
from rpctrace.capture.window import Window
from rpctrace.cli import main
from rpctrace.console import annotating
from rpctrace.network.flow import Endpoint, Segment, TcpFlags, Transport
from rpctrace.pseudonyms import Pseudonyms
from rpctrace.report import Report

EXPERT = OWN / "remote-assistance" / "expert.pcapng"
NETMON = OWN / "remote-assistance" / "expert.cap"
SKEW = OWN / "lab" / "alter-clock-skew.pcap"
LARGEST_OCTETS = 3_000_000
# All that are captures and not too long
SAMPLES = [
    *captures_in(OWN),
    *(
        path for path in captures_in(SHARED)
        if path.stat().st_size < LARGEST_OCTETS and not path.is_relative_to(SHARED / "bad")
    ),
]  # fmt: skip


def annotated(capture: Path, folder: Path, *more: str) -> Path:
    out = folder / "out.pcapng"
    assert main(["annotate", "-q", "--force", str(capture), "-o", str(out), *more]) == 0
    return out


def frames(path: Path) -> list[tuple[object, ...]]:
    with open_capture(str(path)) as capture:
        return [
            (frame.number, frame.timestamp_ns, frame.link_type, bytes(frame.octets), frame.original_length_octets)
            for frame in capture
        ]


def blocks(path: Path) -> list[bytes]:
    octets, at, found = path.read_bytes(), 0, []
    while at < len(octets):
        length = unpack_from("<I", octets, at + 4)[0]
        found.append(octets[at : at + length])
        at += length
    return found


def above_notes(report: Report) -> list[tuple[str, str, float]]:
    return sorted((f.rule, f.severity, f.confidence) for f in report.findings if f.severity != "note")


@pytest.mark.parametrize("path", [EXPERT, NETMON, SKEW], ids=name_of)
def test_a_copy_holds_every_frame_as_it_was(path: Path, tmp_path: Path) -> None:
    """Numbers, times to the nanosecond, octets, lengths; and comments on the evidence."""
    copy = annotated(path, tmp_path)
    assert frames(copy) == frames(path)
    with open_capture(str(copy)) as capture:
        comments = {frame.number: frame.comments for frame in capture if frame.comments}
    found = {frame for finding in analyze(path).findings if finding.severity != "note" for frame in finding.frames}
    assert set(comments) >= found
    assert all(text.startswith("rpctrace [") for texts in comments.values() for text in texts)


def test_every_other_block_is_unchanged(tmp_path: Path) -> None:
    """Octet for octet; those with comments differ by their length and options alone."""
    before, after = blocks(EXPERT), blocks(annotated(EXPERT, tmp_path))
    assert len(before) == len(after)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert 0 < len(changed) < 20
    for old, new in changed:
        assert new[:4] == old[:4] == b"\x06\0\0\0"
        assert new[8 : len(old) - 4] == old[8:-4]


@pytest.mark.parametrize("packing", PACKERS)
def test_a_compressed_capture_is_read_and_the_copy_is_not(packing: str, tmp_path: Path) -> None:
    """The blocks of what was in it."""
    packed = tmp_path / "expert"
    packed.write_bytes(PACKERS[packing](EXPERT.read_bytes()))
    assert annotated(packed, tmp_path).read_bytes() == annotated(EXPERT, tmp_path).read_bytes()


def test_the_evidence_is_looked_for_only_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And once: for that the whole report is gone through."""
    asked: list[int] = []

    def counted(report: Report, capture: int) -> Extract:
        asked.append(capture)
        return extract_of(report, capture)

    monkeypatch.setattr(annotating, "extract_of", counted)
    annotated(SKEW, tmp_path)
    assert asked == []
    annotated(SKEW, tmp_path, "--only-evidence")
    assert asked == [0]


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_the_evidence_alone_gives_the_same_verdict(path: Path, tmp_path: Path) -> None:
    """What a colleague gets is smaller and tells the same, as surely: also where nobody answered."""
    whole = above_notes(analyze(path))
    small = annotated(path, tmp_path, "--only-evidence")
    assert above_notes(analyze(small)) == whole
    assert len(frames(small)) <= len(frames(path))


def in_fragments(path: Path) -> bytes:
    """The capture with each of its IPv4 packets in pieces, as large Kerberos messages over UDP are."""
    cut: list[TimedFrame] = []
    with open_capture(str(path)) as capture:
        for frame in capture:
            octets, moment = bytes(frame.octets), frame.timestamp_ns or 0
            if octets[12:14] != b"\x08\0":
                cut.append(TimedFrame(moment, octets))
                continue
            source, destination = (Host(".".join(map(str, octets[at : at + 4]))) for at in (26, 30))
            begin, end = 14 + 4 * (octets[14] & 0xF), 14 + int.from_bytes(octets[16:18], "big")
            pieces = ipv4_fragments(source, destination, octets[23], octets[begin:end], 176)
            cut += [TimedFrame(moment, each) for each in pieces]
    return pcap(cut, nanoseconds=True)


@pytest.mark.parametrize("path", [EXPERT, SKEW], ids=name_of)
def test_all_fragments_of_a_datagram_come_with_it(path: Path, tmp_path: Path) -> None:
    """The report names the one that completed it, which alone is nothing."""
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(in_fragments(path))
    whole = above_notes(analyze(path))
    assert above_notes(analyze(cut)) == whole
    small = annotated(cut, tmp_path, "--only-evidence")
    assert above_notes(analyze(small)) == whole
    assert len(frames(small)) < len(frames(cut))


@pytest.mark.parametrize("name", ["alter-ok.pcap", "alter-ok.ipv6.pcap"])
def test_where_nothing_was_found_there_is_no_frame(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is a capture nevertheless, and the command has done what it was asked for."""
    out = tmp_path / "none.pcapng"
    assert main(["annotate", str(OWN / "lab" / name), "--only-evidence", "-o", str(out)]) == 0
    assert "nothing was found" in capsys.readouterr().err
    assert out.read_bytes()
    assert frames(out) == []
    assert analyze(out).complete


def segment(number: int, seconds: float, source: str, destination: str, flags: int, octets: int = 0) -> Segment:
    ends = Endpoint(source, 50000), Endpoint(destination, 135)
    return Segment(number, int(seconds * 1e9), Transport.TCP, *ends, 0, 0, flags, memoryview(bytes(octets)), octets)


def test_what_proves_that_nobody_answered() -> None:
    """An answer to that client, and its last frame: one without octets where that is as late. Of other hosts, none."""
    waiting = annotating._Waiting(frozenset(("a",)))
    syn, ack, both = TcpFlags.SYN, TcpFlags.ACK, TcpFlags.SYN | TcpFlags.ACK
    for each in (
        segment(1, 0, "b", "c", both), segment(2, 0, "a", "x", syn), segment(3, 0, "a", "b", both),
        segment(4, 1, "b", "a", both), segment(5, 1, "b", "a", both), segment(6, 9.0, "a", "b", ack),
        segment(7, 9.5, "b", "a", ack, 99), segment(8, 9.6, "b", "c", ack),
    ):  # fmt: skip
        waiting.see(each)
    assert set(waiting.frames()) == {4, 6}
    waiting.see(segment(9, 30, "b", "a", ack, 99))
    assert set(waiting.frames()) == {4, 9}
    assert set(annotating._Waiting(frozenset()).frames()) == set()


def test_comments_with_other_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the same frames, with the names that a report of this key has; the packets are as they were, which is said."""
    plain, other = [], []
    for more, texts in (((), plain), (("--redact-key", "k"), other)):
        for which in ((), ("--only-evidence",)):
            with open_capture(str(annotated(EXPERT, tmp_path, *which, *more))) as capture:
                texts += [(frame.number, bytes(frame.octets), frame.comments) for frame in capture]
    assert [each[:2] for each in plain] == [each[:2] for each in other]
    assert [len(each[2]) for each in plain] == [len(each[2]) for each in other]
    said = "\n".join(text for each in other for text in each[2])
    assert "novice" in "\n".join(text for each in plain for text in each[2])
    assert not [name for name in ("novice", "domaina", "domainb", "10.2.0.73") if name in said.casefold()]
    assert (Pseudonyms(b"k").name("child.domainA.COM") or "") in said
    capsys.readouterr()
    assert main(["annotate", str(EXPERT), "-o", str(tmp_path / "y.pcapng"), "--redact"]) == 0
    assert "the packets hold all names as captured" in capsys.readouterr().err
    assert main(["annotate", str(EXPERT), "-o", str(tmp_path / "x.pcapng"), "--redact-key", ""]) == 2


def test_damage_of_a_file_is_copied_with_it(tmp_path: Path) -> None:
    """Cut in its last block, and with octets between blocks that are none."""
    octets = EXPERT.read_bytes()
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(octets[:-10])
    out = tmp_path / "out.pcapng"
    assert main(["annotate", "-q", str(cut), "-o", str(out)]) == 3
    assert out.read_bytes().endswith(octets[-200:-10])
    assert main(["annotate", "-q", "--force", "--only-evidence", str(cut), "-o", str(out)]) == 3
    assert analyze(out).complete


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_is_not_kept_is_stepped_over(order: str) -> None:
    """Packet blocks that nobody wants, secrets and damage, in either byte order; none of their octets is copied."""
    section = block(order, Block.SECTION, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, 4096))
    interface = block(order, Block.INTERFACE, pack(order + "HHI", 1, 0, 0))
    names, secrets = block(order, Block.NAMES, bytes(4)), block(order, Block.SECRETS, bytes(8))
    packets = [block(order, Block.ENHANCED_PACKET, bytes([number]) * 60) for number in range(9)]
    damage = b"\xff" * 40
    parts = [section, interface, packets[0], damage, packets[1], secrets, names, packets[2], damage, packets[3],
             packets[4], damage, packets[5]]  # fmt: skip
    places = {sum(map(len, parts[:at])): parts[at] for at in range(len(parts))}
    wanted = {place: number for place, part in places.items() for number in (1, 3) if part == packets[number]}
    taken: list[int] = []

    class Counting(Window):
        def take(self, count: int) -> memoryview:
            taken.append(count)
            return super().take(count)

    file = io.BytesIO(b"".join(parts))
    unlimited = section[:16] + b"\xff" * 8 + section[24:]
    kept = [(unlimited, None), (interface, None), (packets[1], 1), (names, None), (packets[3], 3)]
    assert list(annotating._reduced(Counting(file.readinto, 64), wanted)) == kept
    assert taken == [len(octets) for octets, _ in kept]


def test_refusals(tmp_path: Path) -> None:
    """Standard input, the input as output, an existing file."""
    out = tmp_path / "out.pcapng"
    assert main(["annotate", "-", "-o", str(out)]) == 2
    own = tmp_path / "own.pcapng"
    own.write_bytes(EXPERT.read_bytes())
    assert main(["annotate", str(own), "-o", str(own)]) == 2
    assert own.read_bytes() == EXPERT.read_bytes()
    out.write_bytes(b"mine")
    assert main(["annotate", str(EXPERT), "-o", str(out)]) == 2
    assert out.read_bytes() == b"mine"


def test_tshark_shows_the_comments_and_takes_the_filters(tmp_path: Path) -> None:
    """The file opens without complaint, and the finding's display filter shows its frames."""
    copy = annotated(EXPERT, tmp_path)
    (finding,) = [each for each in analyze(EXPERT).findings if each.severity != "note"]
    rows = fields(copy, finding.display_filter, "frame.number", "frame.comment")
    assert [int(row[0]) for row in rows] == list(finding.frames)
    assert all("rpctrace [" in row[1] for row in rows)
