"""Which calls are kept and what is only counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from builders import dcerpc as write
from dcerpc_talk import CONTEXT, Talk, head

from rpctrace import tally as module
from rpctrace.conversations.observations import ConversationFacts, ObservedCall
from rpctrace.network.flow import Endpoint
from rpctrace.stream.stream import Connection
from rpctrace.tally import Tally

CONNECTION = Connection(0, Endpoint("10.0.0.1", 5000), Endpoint("10.0.0.2", 135), False)
FACTS = ConversationFacts(CONNECTION, 1, 9, 1, 9, False)


def talked() -> list[ObservedCall]:
    """A bind, three answered requests of 1, 1 and 3 ms, one faulted."""
    talk = Talk()
    talk.client(write.bind([CONTEXT], head(1)))
    talk.server(write.bind_ack([write.Result()], head(1)))
    for call_id, pause in ((2, 0), (3, 0), (4, 2)):
        talk.client(write.request(b"", head(call_id), opnum=3))
        talk.frame += pause
        talk.server(write.response(b"", head(call_id)))
    talk.client(write.request(b"", head(5), opnum=3))
    talk.server(write.fault(5, head(5)))
    facts = ConversationFacts(CONNECTION, 1, 9, 1, 9, False)
    return [ObservedCall(facts, call) for call in talk.end()]


@pytest.mark.parametrize(
    ("choice", "kept"), [("default", 3), ("all", 5), ("notable", 1)]
)
def test_what_is_kept(choice: Literal["default", "all", "notable"], kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound hits ordinary calls only, and is told; failures stay; all are counted in the summary."""
    monkeypatch.setattr(module, "CALLS_KEPT", 2)
    tally = Tally(choice)
    for observed in talked():
        tally.take(observed)
    assert len(tally.kept) == kept
    assert tally.limits == ({"calls_kept": 2} if choice == "default" else {})
    (row,) = tally.summary()
    assert (row.client, row.server, row.interface, row.operation) == (
        "10.0.0.1", "10.0.0.2", "IClassFactory", "RemoteCreateInstance",
    )  # fmt: skip
    assert (row.count, row.failed, row.median_ns, row.largest_ns) == (4, 1, 1_000_000, 3_000_000)
    kept_calls = list(tally.kept.taken())
    assert any(observed.call.fault for observed in kept_calls)
    assert (kept_calls[-1].conversation.calls, kept_calls[-1].conversation.failed) == (5, 1)


def test_notable_calls_have_a_bound_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of failures is kept up to a named limit and counted beyond it."""
    monkeypatch.setattr(module, "NOTABLE_CALLS_KEPT", 2)
    tally = Tally("default")
    for _ in range(5):
        tally.take(talked()[-1])
    assert len(tally.kept) == 2
    assert tally.limits == {"notable_calls_kept": 3}


def test_the_summary_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows beyond the limit are counted, not made."""
    monkeypatch.setattr(module, "SUMMARY_ROWS", 3)
    tally = Tally("notable")
    observed = talked()[-1]
    for opnum in range(10):
        tally.take(ObservedCall(FACTS, observed.call._replace(opnum=opnum)))
    assert len(tally.summary()) == 3
    assert tally.limits["summary_rows"] == 7


@pytest.mark.parametrize(("asked_ns", "answered_ns", "median_ns"), [(0, 2**64, 2**63 - 1), (2**64, 0, -(2**63))])
def test_forged_times_do_not_stop_the_counting(asked_ns: int, answered_ns: int, median_ns: int) -> None:
    """A duration that no clock gives is counted as the longest one, or the most negative."""
    call = talked()[-1].call
    assert call.request is not None
    assert call.reply is not None
    times = {
        "request": call.request._replace(timestamp_ns=asked_ns), "reply": call.reply._replace(timestamp_ns=answered_ns),
    }  # fmt: skip
    tally = Tally("default")
    tally.take(ObservedCall(FACTS, call._replace(**times)))
    (row,) = tally.summary()
    assert row.median_ns == median_ns
    assert row.largest_ns == max(answered_ns - asked_ns, -1)


def test_a_row_names_the_end_that_asked() -> None:
    """Joined in the middle, the one that was taken for the server may be the client."""
    tally = Tally("default")
    facts = replace(FACTS, client_direction=1)
    tally.take(ObservedCall(facts, talked()[-1].call))
    (row,) = tally.summary()
    assert (row.client, row.server) == ("10.0.0.2", "10.0.0.1")
