"""No ticket-granting ticket for user-to-user."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import refusal_records as records
from refusal_records import found, saw, sure
from report_values import EXTENDED_ERROR

from rpctrace.diagnosis.rules import u2u_no_tgt as rule
from rpctrace.report import Call


def asked(error: int | None = 67, **changes: Any) -> Call:
    said = {"ticket": None, "auth": records.auth("TGT-REQ", "KRB-ERROR" if error else None, kerberos_error=error)}
    return records.told("call-1", 1, error or 0, **{**said, **changes})


NAK = {"reply": "bind_nak", "reject_reason": 9}


def test_the_server_says_it() -> None:
    """KRB-ERROR 67 in the bind_ack: high."""
    (finding,) = records.findings("u2u", "u2u-no-tgt.pcap")
    assert (finding.rule, finding.severity, finding.confidence) == ("u2u-no-tgt", "high", 0.94)


def test_a_server_that_does_not_do_user_to_user() -> None:
    """Samba answers the TGT-REQ with a bind_nak: less sure, and not called a refused ticket."""
    (finding,) = records.findings("u2u", "samba-dc-tgtreq-in-bind.pcap")
    assert (finding.rule, finding.severity, finding.confidence) == ("u2u-no-tgt", "medium", 0.6)


def test_user_to_user_that_works_or_fails_later_is_none() -> None:
    """A TGT-REP was given."""
    for name in ("u2u-ok.pcap", "u2u-fault-721-flags23.pcap", "u2u-bind-only-fin.pcap"):
        assert "u2u-no-tgt" not in records.rules(records.findings("u2u", name)), name


def test_what_is_weighed() -> None:
    """Another error makes it doubtful, an extended error record surer."""
    bare = sure(rule.RULE, records.report(asked(None, **NAK)))
    assert sure(rule.RULE, records.report(asked())) > bare > sure(rule.RULE, records.report(asked(60)))
    record = replace(EXTENDED_ERROR, status=0x80090334)
    (weighed,) = found(rule.RULE, records.report(asked(None, **NAK, extended_error=(record,))))
    assert saw(weighed, rule.EXTENDED)


def test_other_tokens_and_reasons_are_none() -> None:
    """An AP-REQ with 67, a version that is not supported, silence."""
    assert not found(rule.RULE, records.report(records.told("call-1", 1, 67)))
    assert not found(rule.RULE, records.report(asked(None, **{**NAK, "reject_reason": 4})))
    assert not found(rule.RULE, records.report(asked(None, outcome="unanswered", reply=None)))


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
