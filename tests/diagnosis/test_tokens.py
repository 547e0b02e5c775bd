"""Which leg of an authentication a call was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from incident_records import call, report
from report_values import EXTENDED_ERROR, KERBEROS, TICKET, refused_call

from rpctrace.diagnosis import tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.report import Call


def leg(identity: str, second: float, token: str, reply: str | None, context: int = 0) -> Call:
    auth = replace(KERBEROS, token=token, reply_token=reply, context_id=context)
    return call(identity, second, kind="bind", auth=auth, connection="tcp-1")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"kind": "bind"}, False),
        ({"status": 5}, False),
        ({"ticket": None, "auth": replace(KERBEROS, token="AUTHENTICATE")}, False),
        ({"ticket": replace(TICKET, frame=9), "auth": replace(KERBEROS, token="AP-REP")}, False),
    ],
)
def test_a_refused_ticket(changes: dict[str, object], expected: bool) -> None:
    """0x721 to the alter_context that carried the AP-REQ itself."""
    assert tokens.is_refused_ticket(refused_call(**changes)) is expected


def test_user_to_user_by_ticket_or_by_the_legs_before() -> None:
    """The ap-option, or TGT-REQ and TGT-REP of the same security context."""
    plain = refused_call(ticket=replace(TICKET, user_to_user=False))
    before = replace(leg("bind", 0, "TGT-REQ", "TGT-REP"), request_ns=plain.request_ns and plain.request_ns - 1)
    assert tokens.is_user_to_user(refused_call(), Evidence(report(refused_call())))
    assert not tokens.is_user_to_user(plain, Evidence(report(plain)))
    assert tokens.is_user_to_user(plain, Evidence(report(before, plain)))
    other = replace(before, auth=replace(KERBEROS, token="TGT-REQ", context_id=7))
    assert not tokens.is_user_to_user(plain, Evidence(report(other, plain)))


def test_the_third_leg_and_what_was_accepted_before() -> None:
    """An AP-REP from the client; one from the server in an earlier leg."""
    first, third = leg("bind", 1, "AP-REQ", "AP-REP"), leg("alter", 2, "AP-REP", None)
    evidence = Evidence(report(first, third))
    assert tokens.is_third_leg(third)
    assert not tokens.is_third_leg(first)
    assert tokens.was_accepted(third, evidence)
    assert not tokens.was_accepted(first, evidence)


def test_extended_status_is_the_innermost() -> None:
    """At any detection location, or at those asked for."""
    inner = replace(EXTENDED_ERROR, status=5, location=130)
    failed = refused_call(extended_error=(EXTENDED_ERROR, inner))
    assert tokens.extended_status(failed) == 5
    assert tokens.extended_status(failed, tokens.LOCATIONS_OF_ACCEPTANCE) == 0xC0000064
    assert tokens.extended_status(refused_call()) is None
