"""The words of the report are the words of the promise."""

from __future__ import annotations

from rpctrace.protocols.dcerpc.call import CallKind, Outcome, ReplyKind
from rpctrace.report import FAILED_OUTCOMES


def test_words() -> None:
    """Kinds, replies and outcomes as the JSON promises them; what counts as failed is among them."""
    assert {kind.value for kind in CallKind} == {"bind", "alter_context", "auth3", "request"}
    assert {reply.value for reply in ReplyKind} == {
        "response", "fault", "bind_ack", "bind_nak", "alter_context_resp",
    }  # fmt: skip
    assert {outcome.value for outcome in Outcome} == {
        "answered", "accepted", "rejected", "faulted", "unanswered", "not captured",
    }  # fmt: skip
    assert {outcome.value for outcome in Outcome} > FAILED_OUTCOMES
