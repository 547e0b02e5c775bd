"""The call that waited on a connection that broke, and what its client did next."""

from __future__ import annotations

from dataclasses import replace

from incident_records import call, event, report, stream
from report_values import KERBEROS

from rpctrace.diagnosis import broken
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind

WAITING = call("call-1", 1, outcome="unanswered", reply=None, reply_frames=(), reply_ns=None)


def test_the_call_that_waited_and_no_other() -> None:
    reset = event(2, kind="reset")
    elsewhere = event(2, kind="reset", client=replace(reset.client, port=1))
    for events, expected in (((reset,), True), ((elsewhere, reset), True), ((elsewhere,), False)):
        evidence = Evidence(report(WAITING, call("call-2", 1), *events))
        (failure,) = evidence.of(FailureKind.CONNECTION)
        waiting = broken.Connections(evidence).waiting(failure)
        assert (waiting is not None) is expected
        assert waiting is None or [each.id for each in waiting.calls] == ["call-1"]
    waiting = next(iter(Evidence(report(WAITING)).of(FailureKind.CALL)))
    assert broken.waiting_text(waiting).endswith("got no answer")
    assert broken.waiting_text(None) == ""


def test_what_is_told_is_told_once() -> None:
    evidence = Evidence(report(WAITING, event(2, kind="reset")))
    connections = broken.Connections(evidence)
    (failure,) = evidence.of(FailureKind.CONNECTION)
    assert [connections.about(failure)[1] for _ in range(2)] == [True, False]
    assert connections.about(failure)[0].kind is FailureKind.CALL


def test_what_the_client_did_next() -> None:
    """The next connection to the same port, the next attempt at the same host that failed."""
    streams = [stream(f"tcp-0-{second}", second) for second in (1, 5, 9)]
    connections = broken.Connections(Evidence(report(*streams, event(7, kind="refused"))))
    again, failed = connections.opened_after(event(2)), connections.failed_after(event(2))
    assert again is not None
    assert failed is not None
    assert (again.id, failed.first_ns) == ("tcp-0-5", 7_000_000_000)
    assert connections.opened_after(event(10)) is None
    assert connections.failed_after(event(10)) is None


def test_who_broke_it_and_whether_a_token_was_lost() -> None:
    by_client = event(1, text="connection reset with octets outstanding by the client")
    assert broken.sender_text(by_client) == "10.77.0.50"
    assert broken.sender_text(event(1, text="connection reset by the server")) == "10.77.0.12"
    assert not broken.carries_token(WAITING)
    assert broken.carries_token(replace(WAITING, kind="bind", auth=KERBEROS))
    assert not broken.carries_token(None)
