"""A token that was refused in the bind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import refusal_records as records
from refusal_records import HOST_TICKET, found, saw, sure
from report_values import EXTENDED_ERROR
from shared_captures import needs_shared

from rpctrace.diagnosis.rules import first_leg_rejected as rule
from rpctrace.report import Call


def nak(reason: int = 9, **changes: Any) -> Call:
    said = {"kind": "bind", "reply": "bind_nak", "outcome": "rejected", "status": None, "status_hex": None,
            "status_name": None, "reject_reason": reason}  # fmt: skip
    return records.refused("call-3", 5, **{**said, **changes})


@needs_shared
def test_the_lab_capture_of_it() -> None:
    """Samba gives reason 0; what it was stays a hypothesis."""
    said = records.lab_findings("lab/b1-0x721/bind-wrongkey-krb5.pcap")
    assert said[0].rule == "first-leg-rejected"
    assert [rival.rule for rival in said[0].rivals] == ["ap-modified"]


@needs_shared
def test_a_second_bind_without_a_token_is_none() -> None:
    """bind_nak 0 for a breach of the protocol, and bind_nak 8 and 4."""
    for name in ("b2-faults/proto-error-second-bind", "b3-bindnak/nak-auth-type", "b3-bindnak/nak-version"):
        assert "first-leg-rejected" not in records.rules(records.lab_findings(f"lab/{name}.pcap")), name


def test_the_samples_of_it() -> None:
    """Reason 9 with an extended error record of the first token; an auth type that is not known is none."""
    said = records.findings("built", "bind-nak-extended-error.pcap")
    assert (said[0].rule, said[0].confidence) == ("first-leg-rejected", 0.89)
    assert "first-leg-rejected" not in records.rules(records.findings("lab", "nak-auth-type.pcap"))


def test_the_packages_own_error_is_told() -> None:
    """Then it is not missing; a record that says 0 tells nothing."""
    finding = records.findings("built", "bind-nak-extended-error.pcap")[0]
    assert "0x8009030c SEC_E_LOGON_DENIED" in finding.summary
    assert rule.MISSING not in finding.missing
    at_first_token = replace(EXTENDED_ERROR, location=73, status=0, status_hex="0x00000000", status_name=None)
    (weighed,) = found(rule.RULE, records.report(nak(extended_error=(at_first_token,))))
    assert not saw(weighed, rule.EXTENDED)
    assert weighed.hypothesis.missing == (rule.MISSING,)


def test_the_reason_weighs() -> None:
    """9 is surer than 0, a fault as a bare refusal; NTLM's first token too."""
    assert sure(rule.RULE, records.report(nak(9))) > sure(rule.RULE, records.report(nak(0)))
    assert found(rule.RULE, records.report(nak(reply="fault", outcome="faulted", status=5)))
    ntlm = nak(ticket=None, auth=records.auth("NEGOTIATE", mechanism="ntlm"))
    (weighed,) = found(rule.RULE, records.report(ntlm))
    assert not saw(weighed, rule.AP_REQ)


@pytest.mark.parametrize("reason", [1, 2, 4, 8])
def test_other_reasons_are_none(reason: int) -> None:
    """They speak for themselves."""
    assert not found(rule.RULE, records.report(nak(reason)))


def test_what_is_none() -> None:
    """No token, a TGT-REQ, garbage, a level that does not exist, another PDU, an error that says why."""
    calls = (
        nak(auth=None, ticket=None),
        nak(auth=records.auth(None), ticket=None),
        nak(auth=records.auth("TGT-REQ"), ticket=None),
        nak(auth=records.auth("unknown"), ticket=None),
        nak(auth=records.auth("AP-REQ", level=7)),
        nak(kind="alter_context"),
        records.told("call-3", 5, 37),
    )
    for call in calls:
        assert not found(rule.RULE, records.report(call)), call


def test_what_worked_later_is_low() -> None:
    """A second connection with the same service."""
    again = records.accepted("call-9", 9, replace(HOST_TICKET, fingerprint="h9"))
    assert found(rule.RULE, records.report(nak(), again))[0].hypothesis.severity == "low"


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
