"""The copy has every other block as it was and exact times; the evidence alone gives the same verdict."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from struct import pack, unpack_from

import pytest
from builders.files import block
from shared_captures import OWN, captures_in, name_of
from tshark_reading import fields

from rpctrace.analysis import analyze
from rpctrace.annotation import Extract, extract_of
from rpctrace.capture.pcapng import Block
from rpctrace.capture.storage import open_capture
from rpctrace.capture.window import Window
from rpctrace.cli import main
from rpctrace.console import annotating
from rpctrace.report import Report

EXPERT = OWN / "remote-assistance" / "expert.pcapng"
NETMON = OWN / "remote-assistance" / "expert.cap"
SKEW = OWN / "lab" / "alter-clock-skew.pcap"


# That nobody answers shows only beside what is answered to that host, and that is no evidence.
OF_SILENCE = ("krb-udp-toobig", "referral-broken", "pac-no-dc")


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


def test_a_compressed_capture_is_read_and_the_copy_is_not(tmp_path: Path) -> None:
    """The blocks of what was in it."""
    packed = tmp_path / "expert.pcapng.gz"
    packed.write_bytes(gzip.compress(EXPERT.read_bytes()))
    assert annotated(packed, tmp_path).read_bytes() == annotated(EXPERT, tmp_path).read_bytes()


def test_the_evidence_is_looked_for_only_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


@pytest.mark.parametrize(
    "path", [path for path in captures_in(OWN) if path.stat().st_size < 60_000], ids=name_of
)
def test_the_evidence_alone_gives_the_same_verdict(path: Path, tmp_path: Path) -> None:
    """What a colleague gets is smaller and tells the same; where nothing was found there is nothing to send."""
    whole = analyze(path)
    if not above_notes(whole):
        assert main(["annotate", "-q", "--only-evidence", str(path), "-o", str(tmp_path / "out.pcapng")]) == 2
        return
    small = annotated(path, tmp_path, "--only-evidence")
    told = {(finding.rule, finding.severity) for finding in analyze(small).findings}
    for finding in whole.findings:
        if finding.severity != "note" and (finding.calls or finding.concerns) and finding.rule not in OF_SILENCE:
            assert (finding.rule, finding.severity) in told
    assert len(frames(small)) <= len(frames(path))


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


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard input, the input as output, an existing file, a capture without findings."""
    out = tmp_path / "out.pcapng"
    assert main(["annotate", "-", "-o", str(out)]) == 2
    own = tmp_path / "own.pcapng"
    own.write_bytes(EXPERT.read_bytes())
    assert main(["annotate", str(own), "-o", str(own)]) == 2
    assert own.read_bytes() == EXPERT.read_bytes()
    out.write_bytes(b"mine")
    assert main(["annotate", str(EXPERT), "-o", str(out)]) == 2
    assert out.read_bytes() == b"mine"
    clean = OWN / "lab" / "alter-ok.pcap"
    assert main(["annotate", str(clean), "--only-evidence", "-o", str(tmp_path / "none.pcapng")]) == 2
    assert "nothing was found" in capsys.readouterr().err
    assert not (tmp_path / "none.pcapng").exists()


def test_tshark_shows_the_comments_and_takes_the_filters(tmp_path: Path) -> None:
    """The file opens without complaint, and the finding's display filter shows its frames."""
    copy = annotated(EXPERT, tmp_path)
    (finding,) = [each for each in analyze(EXPERT).findings if each.severity != "note"]
    rows = fields(copy, finding.display_filter, "frame.number", "frame.comment")
    assert [int(row[0]) for row in rows] == list(finding.frames)
    assert all("rpctrace [" in row[1] for row in rows)
