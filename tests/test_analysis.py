"""The pipeline from a file to a report: the article's case, several files, files that lie, and what users are told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from builders import CLIENT, SERVER, Host, TcpConversation, cut, dropped, duplicated, pcap, reordered, shifted
from builders import dcerpc as write
from dcerpc_talk import CONTEXT, head
from tokens import TOKENS, U2U_AP_REQ

import rpctrace
from rpctrace.analysis import Options, Progress, analyze
from rpctrace.report import Finding, Report

EXPERT, NOVICE = Host("10.2.0.21"), Host("10.2.0.73", "02:00:00:00:00:49")


def article(segment_size: int | None = None, *, port: int = 49834) -> TcpConversation:
    """bind, bind_ack, alter_context with the user-to-user AP-REQ, fault 0x721."""
    talk = TcpConversation((EXPERT, port), (NOVICE, 49170))
    talk.connect()
    for direction, octets in (
        (CLIENT, write.bind([CONTEXT], head(token=TOKENS["TGT-REQ"]))),
        (SERVER, write.bind_ack([write.Result()], head(token=TOKENS["TGT-REP"]))),
        (CLIENT, write.alter_context([CONTEXT], head(token=U2U_AP_REQ))),
        (SERVER, write.fault(0x721, head())),
    ):
        talk.send(direction, octets, segment_size)
    talk.close()
    return talk


def read(frames: object, **options: object) -> Report:
    return analyze(io.BytesIO(pcap(frames)), Options(**options))  # type: ignore[arg-type]


def told(report: Report) -> list[tuple[object, ...]]:
    """What must not depend on segmentation or order: calls, outcomes, tickets; not frame numbers."""
    return [
        (c.kind, c.call_id, c.reply, c.outcome, c.status, c.ticket and (c.ticket.realm, c.ticket.sname), c.partial)
        for c in report.calls
    ]


EXPECTED = [
    ("bind", 2, "bind_ack", "accepted", None, None, False),
    ("alter_context", 2, "fault", "faulted", 0x721, ("child.domainA.COM", ("novice",)), False),
]


def above_notes(report: Report) -> list[Finding]:
    """What is said of failures, without the weaker hypotheses."""
    return [finding for finding in report.findings if finding.severity != "note"]


def test_the_article() -> None:
    """One call failed, with that ticket, in these frames."""
    report = read(article().frames)
    assert told(report) == EXPECTED
    alter = report.calls[1]
    assert (alter.request_frames, alter.reply_frames) == ((6,), (7,))
    assert alter.ticket is not None
    assert alter.ticket.user_to_user
    (finding,) = above_notes(report)
    assert (finding.frames, finding.display_filter) == ((6, 7), "frame.number in {6, 7}")


@pytest.mark.parametrize("size", [1, 3, 17, 100])
def test_segmentation_does_not_matter(size: int) -> None:
    """Down to one octet a segment; the PDU is attributed to the frame that completed it."""
    report = read(article(size).frames)
    assert told(report) == EXPECTED
    assert len(report.calls[1].request_frames) >= 3


def test_order_and_repetition_do_not_matter() -> None:
    """Neighbours swapped, everything twice: the same calls, none of them twice."""
    frames = article(40).frames
    swapped = [at ^ 1 if at ^ 1 < len(frames) else at for at in range(len(frames))]
    assert told(read(reordered(frames, swapped))) == EXPECTED
    assert told(read(duplicated(frames, range(len(frames))))) == EXPECTED


def test_a_lost_answer_is_not_captured() -> None:
    """Without the fault's frame the capture cannot tell: acknowledged octets are missing."""
    report = read(dropped(article().frames, {6}))
    alter = report.calls[1]
    assert (alter.outcome, alter.status) == ("not captured", None)
    assert report.findings == ()


def test_one_direction_only_is_not_captured() -> None:
    """The client's side alone shows the ticket and claims nothing of the answer."""
    frames = article().frames
    client = [frame for frame in frames if frame.octets[26:30] == bytes([10, 2, 0, 21])]
    assert 0 < len(client) < len(frames)
    outcomes = [(c.kind, c.outcome, c.ticket is not None) for c in read(client).calls]
    assert outcomes == [("bind", "not captured", False), ("alter_context", "not captured", True)]


def test_a_snapshot_length_cuts_the_ticket_not_the_fault() -> None:
    """160 octets a frame: the ticket's realm is lost, the status is not, and the call is partial."""
    report = read(cut(article().frames, 160))
    alter = report.calls[1]
    assert (alter.status, alter.partial, alter.interfaces[0].name) == (0x721, True, "IClassFactory")
    assert report.complete


def test_joined_in_the_middle() -> None:
    """The capture starts behind the bind: ticket and fault are paired all the same."""
    report = read(article().frames[5:])
    (alter,) = report.calls
    assert (alter.kind, alter.status, alter.ticket and alter.ticket.sname) == ("alter_context", 0x721, ("novice",))
    assert report.streams[0].joined_late


def test_several_captures_are_one_report() -> None:
    """Calls carry the index of their capture, ids go on counting."""
    report = analyze([io.BytesIO(pcap(article(port=port).frames)) for port in (49834, 49835)])
    assert [(call.id, call.capture) for call in report.calls] == [
        ("call-1", 0), ("call-2", 0), ("call-3", 1), ("call-4", 1),
    ]  # fmt: skip
    assert len(report.captures) == 2
    assert [finding.calls for finding in above_notes(report)] == [("call-2",), ("call-4",)]


def test_what_two_captures_hold_is_one_thing() -> None:
    """The other capture's frames stand beside; the clocks are compared."""
    frames = article().frames
    report = analyze([io.BytesIO(pcap(frames)), io.BytesIO(pcap(shifted(frames, 3_000_000_000)))])
    assert [(call.id, [each.capture for each in call.also_seen]) for call in report.calls] == [
        ("call-1", [1]), ("call-2", [1]),
    ]  # fmt: skip
    (clock,) = [clock for clock in report.clocks if clock.capture == 1]
    assert clock.offset_ns == -3_000_000_000
    assert [finding.calls for finding in above_notes(report)] == [("call-2",)]


def test_what_is_no_capture_is_an_error_and_a_cut_one_a_report(tmp_path: Path) -> None:
    """CaptureError with the path; a cut file gives what was readable and is not complete."""
    path = tmp_path / "page.pcap"
    path.write_bytes(b"<html>not found</html>" * 20)
    with pytest.raises(rpctrace.CaptureError) as caught:
        rpctrace.analyze(path)
    assert caught.value.path == str(path)
    path.write_bytes(pcap(article().frames)[:-5])
    report = rpctrace.analyze(path)
    assert not report.complete
    assert report.captures[0].stopped_at
    assert told(report) == EXPECTED


def test_progress_is_told() -> None:
    """Now and then, with frames and octets so far."""
    seen: list[Progress] = []
    frames = article().frames * 1000
    analyze(io.BytesIO(pcap(frames)), progress=seen.append)
    assert seen
    assert seen[-1].frames > 4000


def test_pdus_only_on_request() -> None:
    """The Network Monitor view: one line a PDU, conversations innermost first."""
    assert read(article().frames).pdus == ()
    lines = read(article().frames, pdus=True).pdus
    assert [line.kind for line in lines] == ["bind", "bind_ack", "alter_context", "fault"]
    assert lines[-1].conversations == (("MSRPC", 3), ("TCP", 2), ("IPv4", 1))
    assert (lines[2].realm, lines[2].sname) == ("child.domainA.COM", ("novice",))
