"""Like failures are one; every kind of record that failed is there, and what is an ordinary step is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from incident_records import (
    as_exchange,
    call,
    endpoint,
    event,
    ntlm_authentication,
    refused,
    report,
    tgs_exchange,
    tgt,
)
from report_values import full_report, refused_call

from rpctrace.diagnosis.failures import FailureKind, alike, failures, has_failures
from rpctrace.report import Report


def test_like_failures_are_one_group() -> None:
    """Another client port is alike; another status, kind or ticket is not."""
    faulted = refused_call()
    again = replace(faulted, id="again", client=replace(faulted.client, port=1))
    others = [
        replace(faulted, id="status", status=5),
        replace(faulted, id="kind", kind="request"),
        replace(faulted, id="ticket", ticket=None),
    ]
    found = failures(report(faulted, again, *others))
    assert [[each.id for each in failure.calls] for failure in found] == [
        ["call-3", "again"], ["status"], ["kind"], ["ticket"],
    ]  # fmt: skip
    assert [failure.number for failure in found] == [0, 1, 2, 3]
    assert found[0].call is faulted
    assert found[0].count == 2


def test_every_kind_of_failure_is_there() -> None:
    """Of the full report: calls, exchanges, authentications, events, endpoints, and a line of the log."""
    kinds = {failure.kind for failure in failures(full_report())}
    assert kinds >= {
        FailureKind.CALL, FailureKind.AUTHENTICATION, FailureKind.CONNECTION, FailureKind.ENDPOINT, FailureKind.LOG,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("error", "expected"),
    [(7, 1), (25, 0), (52, 0)],
)
def test_ordinary_steps_of_a_kdc_are_no_failures(error: int, expected: int) -> None:
    """Pre-authentication asked for, and too big for UDP."""
    asked = as_exchange("krb-1", 1, None, **refused(error, "NAME"))
    assert len(failures(report(asked))) == expected


def test_an_unanswered_kdc_is_a_failure_and_one_not_captured_is_none() -> None:
    """What the capture cannot show is not claimed."""
    unseen = {"reply": None, "reply_frame": None, "reply_ns": None}
    silent = tgs_exchange("krb-1", 1, tgt("A"), None, outcome="unanswered", **unseen)
    cut = tgs_exchange("krb-2", 2, tgt("A"), None, outcome="not captured", **unseen)
    (failure,) = failures(report(silent, cut))
    assert [each.id for each in failure.exchanges] == ["krb-1"]
    assert failure.exchange is silent


def test_errors_that_rpc_carried_are_the_calls_own() -> None:
    """A KRB-ERROR in a bind_ack belongs to the call, not to a KDC."""
    assert not failures(report(as_exchange("krb-1", 1, None, carried_in="dcerpc", **refused())))


def test_what_worked_is_no_failure() -> None:
    """A clean report has none."""
    clean = report(call("call-1", 1), as_exchange("krb-1", 1, tgt("A")), endpoint("endpoint-1", 1))
    assert failures(clean) == ()
    assert not has_failures(clean)


@pytest.mark.parametrize(
    ("made", "record"),
    [
        (report(ntlm_authentication("auth-1", 1, outcome="rejected")), "authentication"),
        (report(event(1)), "event"),
        (report(endpoint("endpoint-1", 1, status=0x16C9A0D6)), "endpoint"),
    ],
)
def test_the_first_stands_for_all(made: Report, record: str) -> None:
    """Of each kind by its own name."""
    (failure,) = failures(made)
    assert getattr(failure, record) is not None
    assert has_failures(made)


def test_groups_keep_their_order() -> None:
    """By the first of each."""
    assert alike("abcab", lambda each: each) == [("a", "a"), ("b", "b"), ("c",)]
