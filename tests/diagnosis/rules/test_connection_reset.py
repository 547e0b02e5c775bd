"""A reset in the middle of a call, by whom, and what the client did next."""

from __future__ import annotations

from causes import fired, judged, seen, stays_silent
from incident_records import call, event, stream

from rpctrace.diagnosis.rules import connection_reset
from rpctrace.report import Host

RESET = event(10, kind="reset", text="connection reset with octets outstanding by the server")


def test_a_call_that_waited() -> None:
    finding = fired("connection-reset")
    assert finding.calls
    assert seen(finding, connection_reset.CALL_LOST.weight)


def test_a_close_in_order_is_none() -> None:
    assert stays_silent("connection-reset").findings[0].rule == "call-unanswered"


def test_a_client_that_gives_up_is_less_of_a_failure() -> None:
    by_server = judged(RESET, rule="connection-reset")[0]
    gave_up = event(10, kind="reset", text="connection reset with octets outstanding by the client")
    (finding,) = judged(gave_up, rule="connection-reset")
    assert finding.confidence < by_server.confidence
    assert seen(finding, connection_reset.BY_CLIENT.weight, supports=False)


def test_a_new_connection_that_works_is_low() -> None:
    (finding,) = judged(RESET, stream("tcp-0-1", 11), rule="connection-reset")
    assert finding.severity == "low"


def test_after_a_refusal_it_is_a_note() -> None:
    """The refusal has a finding of its own."""
    lost = {"outcome": "unanswered", "reply": None, "reply_frames": (), "reply_ns": None}
    ended = stream("tcp-0-0", 1, ended="reset by the server in frame 1001")
    for status, severity in ((0x721, "note"), (0x1C010002, "medium")):
        refused = call("call-1", 8, outcome="faulted", reply="fault", status=status, opnum=9)
        (finding,) = judged(refused, call("call-2", 9, **lost), ended, RESET, rule="connection-reset")
        assert finding.severity == severity
        assert ("after the server had answered" in finding.summary) is (severity == "note")


def test_calls_that_waited_alike_are_told_once() -> None:
    """Two connections reset under the same kind of call: one finding."""
    lost = {"outcome": "unanswered", "reply": None, "reply_frames": (), "reply_ns": None}
    calls = [call(f"call-{port}", 9, client=Host("10.77.0.50", port, None), **lost) for port in (49834, 49835)]
    resets = [event(10 + port % 2, kind="reset", client=Host("10.77.0.50", port, None), name=str(port))
              for port in (49834, 49835)]  # fmt: skip
    (finding,) = judged(*calls, *resets, rule="connection-reset")
    assert finding.calls == ("call-49834", "call-49835")
