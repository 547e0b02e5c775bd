"""No domain controller that could validate the PAC: by the log, or by what the server tried in vain."""

from __future__ import annotations

from dataclasses import replace

import pytest
import refusal_records as records
from incident_records import event
from refusal_records import HOST_TICKET, OTHER_CONTROLLER, SERVER, found, saw, sure
from shared_captures import needs_shared

from rpctrace.analysis import analyze
from rpctrace.diagnosis import pac
from rpctrace.diagnosis.registry import diagnose
from rpctrace.diagnosis.rules import pac_no_dc as rule
from rpctrace.report import Host

SLOW = records.refused("call-3", 5, records.user_ticket(), took=21)
QUICK = records.refused("call-3", 5, records.user_ticket())
LOST = records.logon("call-4", 5.01, outcome="unanswered", reply=None, reply_frames=(), reply_ns=None)
ATTEMPT = event(6, kind="no_answer", client=Host(SERVER, 50022, None), server=Host(OTHER_CONTROLLER, 135, None))
LINE = records.line(2, 26, pac.NO_LOGON_SERVERS, calls=("call-3",))


def test_a_servers_capture_shows_it() -> None:
    """The logon request is lost, another domain controller does not answer, and the refusal takes 21 s."""
    said = records.findings("causes", "pac-no-dc.pcap")
    finding = records.of("pac-no-dc", said)
    assert (finding.severity, finding.confidence) == ("medium", 0.6)
    assert "pac-xforest-u2u" in [rival.rule for rival in finding.rivals]
    assert {item.frame for item in finding.evidence if "10.2.0.1" in item.text} >= {13, 14}
    assert said[0].rule == "epm-blocked"  # what the server could not reach


def test_a_domain_controller_that_answers_is_none() -> None:
    """The same exchange at once."""
    assert "pac-no-dc" not in records.rules(records.findings("causes", "pac-no-dc-not.pcap"))


def test_the_log_is_nearly_proof() -> None:
    """0xC000005E for the generic logon, joined by server or time; less by the realm alone."""
    assert sure(rule.RULE, records.report(SLOW, log=(LINE,))) >= 0.9
    assert sure(rule.RULE, records.report(SLOW, log=(replace(LINE, joined_by=("realm",)),))) < 0.85
    at_once = records.first(records.report(QUICK, log=(LINE,)))  # known already that there is none
    assert (at_once.rule, at_once.severity) == ("pac-no-dc", "high")


def test_the_log_alone() -> None:
    """Likely, without a frame."""
    (finding,) = diagnose(records.report(log=(replace(LINE, calls=()),)))
    assert (finding.rule, finding.confidence, finding.frames) == ("pac-no-dc", 0.6, ())


@pytest.mark.parametrize("records_beside", [(LOST,), (ATTEMPT,)], ids=["logon", "attempt"])
def test_it_takes_seconds_and_something_in_vain(records_beside: tuple[object, ...]) -> None:
    """A lost logon or a connection that fails, and seconds: neither alone."""
    assert sure(rule.RULE, records.report(SLOW, *records_beside)) > 0.5
    assert not found(rule.RULE, records.report(SLOW))
    assert not found(rule.RULE, records.report(QUICK, *records_beside))


def test_attempts_elsewhere_are_no_search_for_a_domain_controller() -> None:
    """To the client itself, to a web server, by somebody else, or after the answer."""
    for changes in (
        {"server": Host(records.CLIENT, 135, None)},
        {"server": Host(OTHER_CONTROLLER, 80, None)},
        {"client": Host("10.77.0.99", 50022, None)},
        {"first_ns": 60 * 10**9, "frames": (6001,)},
    ):
        assert not found(rule.RULE, records.report(SLOW, replace(ATTEMPT, **changes))), changes


def test_a_late_answer_counts_as_lost() -> None:
    """45 s for a call slot (MaxConcurrentApi)."""
    late = records.logon("call-4", 5.01, reply_ns=25 * 10**9, reply_frames=(2501,))
    (weighed,) = found(rule.RULE, records.report(SLOW, late))
    assert saw(weighed, rule.LOGON_LOST)


def test_a_logon_that_was_answered_does_not_hide_one_that_was_lost() -> None:
    """Of another user, at once; what is shown as lost is weighed as lost."""
    other = records.logon("call-5", 5.005)
    (weighed,) = found(rule.RULE, records.report(SLOW, other, LOST))
    assert saw(weighed, rule.LOGON_LOST)


def test_services_of_the_system_have_no_pac_validated() -> None:
    """[MS-APDS] note 2: it weighs against."""
    system = records.refused("call-3", 5, HOST_TICKET, took=21)
    assert sure(rule.RULE, records.report(system, LOST)) < sure(rule.RULE, records.report(SLOW, LOST)) / 2


def test_another_result_refutes_it() -> None:
    """A line of the same call that says that a domain controller was reached."""
    other = records.line(4, 26, pac.NO_SUCH_USER, calls=("call-3",))
    assert not found(rule.RULE, records.report(SLOW, LOST, log=(other,)))


def test_an_accepted_ticket_makes_it_less_likely() -> None:
    """The same ticket at the same server."""
    use = records.accepted("call-1", 1, records.user_ticket())
    assert sure(rule.RULE, records.report(use, SLOW, LOST)) < sure(rule.RULE, records.report(SLOW, LOST))


def test_errors_of_the_server_itself_are_none() -> None:
    """Skewed clocks, NTLM, a refused request, a ticket-granting ticket: no PAC was validated."""
    refusals = (
        records.told("call-3", 5, 37, records.user_ticket(), took=21),
        replace(SLOW, auth=records.auth("NEGOTIATE", mechanism="ntlm"), ticket=None),
        replace(SLOW, kind="request", auth=records.auth(None)),
        replace(SLOW, auth=records.auth("unknown"), ticket=None),
        records.refused("call-3", 5, records.ticket("A.COM", "krbtgt", "B.COM"), took=21),
    )
    for call in refusals:
        assert not found(rule.RULE, records.report(call, LOST, ATTEMPT)), call.kind


@needs_shared
def test_no_recorded_capture_is_called_pac() -> None:
    """Nor does any other rule of a PAC fire on the lab."""
    folders = ("b1-0x721", "b2-faults", "b3-bindnak", "d-kerberos", "a-clean", "a-impacket", "e-misconfig")
    for path in records.all_captures(*(f"lab/{folder}" for folder in folders)):
        assert not [rule for rule in records.rules(analyze(path).findings) if rule.startswith("pac-")], path.name


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
