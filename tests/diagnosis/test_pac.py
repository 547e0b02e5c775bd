"""How a validation shows: in a log, in a logon between, in an attempt that nothing answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import refusal_records as records
from refusal_records import HOST_TICKET

from rpctrace.diagnosis import pac
from rpctrace.diagnosis.evidence import Evidence

CALL = records.refused("call-3", 5, records.user_ticket())
LINE = records.line(2, 5, pac.NO_SUCH_USER, calls=("call-3",))


def evidence(*said: Any, **changes: Any) -> Evidence:
    return Evidence(records.report(CALL, *said, **changes))


def test_candidates_are_bare_refusals_of_service_tickets() -> None:
    """No errors that say why, no ticket-granting tickets, no tokens of others."""
    others = (
        records.told("call-4", 6, 37),
        records.refused("call-5", 7, records.ticket("A", "krbtgt", "B")),
        records.refused("call-6", 8, None, auth=records.auth("NEGOTIATE", mechanism="ntlm")),
        records.session("auth-1", 9, HOST_TICKET),
    )
    found = [refusal.record.id for refusal in pac.candidates(evidence(*others))]
    assert found == ["call-3", "auth-1"]


def test_results_the_surer_first() -> None:
    """A line that names the server before one of the realm alone; an unsealed logon is sure."""
    by_realm = replace(LINE, line=1, status=0, joined_by=("realm",))
    results = pac.results(evidence(log=(by_realm, LINE)), CALL)
    assert [(each.status, each.sure) for each in results] == [(pac.NO_SUCH_USER, True), (0, False)]
    clear = {"sealed": False, "logon_level": 4, "package": "kerberos", "status": pac.LOGON_FAILURE, "domain": "R"}
    (seen,) = pac.results(evidence(records.logon("call-4", 5.001, channel=clear)), CALL)
    assert (seen.status, seen.sure, seen.frame is not None) == (pac.LOGON_FAILURE, True, True)
    assert "for R" in seen.text


@pytest.mark.parametrize(
    ("changes", "is_one"),
    [({}, True), ({"package": None}, True), ({"kind": "Network"}, False), ({"package": "NTLM"}, False)],
)
def test_which_lines_are_validations(changes: dict[str, Any], is_one: bool) -> None:
    """Generic, of package Kerberos, or of a log that names no package."""
    assert pac.is_validation(replace(LINE, **changes)) is is_one


def test_which_logons_may_be_one() -> None:
    """Sealed, or of level Generic for Kerberos; of the server, between AP-REQ and answer."""
    for channel, may_be in (({}, True), ({"logon_level": 2}, False), ({"logon_level": 4, "package": "NTLM"}, False)):
        logon = records.logon("call-4", 5.001, channel=channel)
        assert (pac.asked_meanwhile(evidence(logon), CALL) is not None) is may_be
    for second in (4, 6):
        assert pac.asked_meanwhile(evidence(records.logon("call-4", second)), CALL) is None


def test_lone_lines_are_of_no_failed_call() -> None:
    """A line joined to the call belongs to that finding; so does the other half of its pair."""
    asked = replace(LINE, line=1, phase="Entered", status=None, partner=2)
    told = replace(LINE, calls=(), partner=1)
    assert not list(pac.lone_lines(evidence(log=(LINE,)), pac.NO_SUCH_USER))
    assert not list(pac.lone_lines(evidence(log=(asked, told)), pac.NO_SUCH_USER))
    ((failure, entry),) = pac.lone_lines(evidence(log=(replace(told, partner=None),)), pac.NO_SUCH_USER)
    assert (failure.count, entry.line) == (1, 2)
    assert not list(pac.lone_lines(evidence(log=(replace(told, partner=None),)), pac.LOGON_FAILURE))


@pytest.mark.parametrize(
    ("sname", "system"),
    [(("cifs", "fs"), True), (("HOST", "x"), True), (("WS2$",), True), (("bob-a",), False), (("http", "web"), False),
     ((), False)],
)  # fmt: skip
def test_services_of_the_system(sname: tuple[str, ...], system: bool) -> None:
    """[MS-APDS] note 2, by the class of the service name or the computer's own account."""
    assert pac.runs_as_system(records.ticket("R", *sname)) is system


def test_from_where_it_was_seen() -> None:
    """The client alone, the server too, the result."""
    assert pac.vantage(evidence(), CALL, None) == pac.CLIENT_ONLY
    assert pac.vantage(evidence(records.logon("call-4", 5.001)), CALL, None) == pac.SERVER_SEEN
    assert pac.vantage(evidence(), CALL, pac.Result(0, "", True)) == pac.LOG_SEEN
    assert pac.CLIENT_ONLY.value < pac.SERVER_SEEN.value < pac.LOG_SEEN.value


def test_the_line_in_words() -> None:
    """Short, with what is null."""
    text = pac.log_text(replace(LINE, status_name="STATUS_NO_SUCH_USER", package=None, domain=None))
    assert text == "Generic logon of (null)\\(null) via WS2, package ?: STATUS_NO_SUCH_USER 0xc0000064"
