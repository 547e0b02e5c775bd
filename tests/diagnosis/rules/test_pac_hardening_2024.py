"""The network ticket logon that a domain controller does not know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import refusal_records as records
from refusal_records import found, saw, sure

from rpctrace.diagnosis.rules import pac_hardening_2024 as rule
from rpctrace.report import Call


def bad_stub(identity: str = "call-4", second: float = 5.001, **changes: Any) -> Call:
    said = {"outcome": "faulted", "reply": "fault", "status": 0x6F7, "status_hex": "0x000006f7"}
    return records.logon(identity, second, **{**said, **changes})


CALL = records.refused("call-3", 5, records.user_ticket())


def test_a_capture_shows_it() -> None:
    """Fault 0x6F7 to the sealed logon, and the ticket refused: the first explanation; the fault itself is low."""
    said = [each for each in records.findings("causes", "pac-hardening-2024.pcap") if each.severity != "note"]
    assert records.rules(said)[0] == "pac-hardening-2024"
    said = [each for each in said if each.severity != "low"]
    assert set(records.rules(said)) == {"pac-hardening-2024"}
    assert all(finding.confidence < 0.75 for finding in said)


def test_another_fault_is_none() -> None:
    """Access denied, and an answered logon."""
    assert "pac-hardening-2024" not in records.rules(records.findings("causes", "pac-hardening-2024-not.pcap"))
    assert not found(rule.RULE, records.report(CALL, records.logon("call-4", 5.001)))


def test_bad_stub_data_elsewhere_is_none() -> None:
    """A request of another interface, and another call of the secure channel."""
    plain = replace(bad_stub(), secure_channel=None)
    other = bad_stub(channel={"is_logon": False, "operation": "NetrLogonGetDomainInfo"})
    assert not found(rule.RULE, records.report(plain))
    assert not found(rule.RULE, records.report(other))


def test_the_fall_back_is_a_clue_and_makes_it_good() -> None:
    """A second logon within seconds: surer, and low because it worked; later it is another logon."""
    alone = sure(rule.RULE, records.report(bad_stub()))
    (weighed,) = found(rule.RULE, records.report(bad_stub(), records.logon("call-5", 5.1)))
    assert saw(weighed, rule.ASKED_AGAIN)
    assert weighed.confidence > alone
    assert weighed.hypothesis.severity == "low"
    (late,) = found(rule.RULE, records.report(bad_stub(), records.logon("call-5", 60)))
    assert not saw(late, rule.ASKED_AGAIN)
    assert late.hypothesis.severity is None


def test_an_unsealed_level_decides() -> None:
    """Level 8 it is, any other it is not; sealed it stays below the ceiling."""
    clear = {"sealed": False, "logon_level": 8, "status": 0xC0000003, "status_hex": "0xc0000003"}
    seen = records.logon("call-4", 5.001, channel=clear)
    (weighed,) = found(rule.RULE, records.report(CALL, seen))
    assert saw(weighed, rule.LEVEL_SEEN)
    assert weighed.confidence > rule.SEALED.value
    assert not found(rule.RULE, records.report(bad_stub(channel={"sealed": False, "logon_level": 2})))


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
