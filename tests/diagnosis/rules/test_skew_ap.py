"""Clocks of client and server: what the server says, whose clock it is, and what was made good."""

from __future__ import annotations

import pytest
import refusal_records as records
from incident_records import at, exchange, frame_at, refused
from refusal_records import HOST_TICKET, SERVER, found, saw
from shared_captures import needs_shared

from rpctrace.diagnosis.rules import skew_ap as rule
from rpctrace.report import Host, KerberosExchange

CALL = records.told("call-3", 5, 37)


def answer(ahead: float) -> KerberosExchange:
    """The AP exchange of the call, of a server whose clock goes before the capturing computer's by so many seconds."""
    return exchange(
        "krb-1", 5, kind="AP", carried_in="dcerpc", call="call-3", server=Host(SERVER, 49170, None),
        server_ns=at(5.01 + ahead), **refused(37, "KRB_AP_ERR_SKEW"),
    )  # fmt: skip


def kdc(ahead: float) -> KerberosExchange:
    return exchange("krb-0", 1, server_ns=at(1.01 + ahead), reply_frame=frame_at(1.01), **refused(25, "PREAUTH"))


@needs_shared
@pytest.mark.parametrize("name", ["alter-clock-skew", "alter-clock-skew-spnego"])
def test_the_lab_captures_of_it(name: str) -> None:
    """First, high, with the frame of the error."""
    finding = records.lab_findings(f"lab/b1-0x721/{name}.pcap")[0]
    assert (finding.rule, finding.severity) == ("skew-ap", "high")
    assert 23 in finding.frames


@needs_shared
def test_what_the_client_made_good_is_low() -> None:
    """SMB: the client tries again with the server's time."""
    (finding,) = records.lab_findings("lab/e-misconfig/clockskew-rpcclient-np.pcap")
    assert (finding.rule, finding.severity) == ("skew-ap", "low")
    assert "tried again" in finding.summary


def test_a_bind_ack_shows_it() -> None:
    """As built: the client resets the connection."""
    assert records.rules(records.findings("built", "clock-skew-in-bind-ack.pcap")) == ["skew-ap"]


def test_how_far_the_clocks_are_apart() -> None:
    """The server's clock against the capturing computer's and a KDC's, in seconds and with a direction."""
    (ahead,) = found(rule.RULE, records.report(answer(1200), CALL))
    assert saw(ahead, rule.SERVER_DIFFERS)
    assert "is 1200 s ahead of" in ahead.hypothesis.clues[0].text
    (behind,) = found(rule.RULE, records.report(kdc(0), answer(-1200), CALL))
    assert all("is 1200 s behind" in clue.text for clue in behind.hypothesis.clues)
    assert saw(behind, rule.KDC_DIFFERS)
    (agrees,) = found(rule.RULE, records.report(kdc(0), answer(0), CALL))
    assert [clue.weight for clue in agrees.hypothesis.clues] == [rule.SERVER_AGREES.weight, rule.KDC_AGREES.weight]
    assert found(rule.RULE, records.report(CALL))[0].hypothesis.clues == ()


def test_other_errors_are_none() -> None:
    """Nor a KDC's 37, which is about another clock."""
    assert not found(rule.RULE, records.report(records.told("call-3", 5, 41)))
    assert not found(rule.RULE, records.report(exchange("krb-1", 5, **refused(37, "SKEW"))))
    assert not found(rule.RULE, records.report(records.refused("call-3", 5)))


def test_a_later_success_makes_it_low() -> None:
    """Of the same client and service at the same server; not one before, nor another client's."""
    after = records.accepted("call-9", 9, HOST_TICKET)
    before = records.accepted("call-1", 1, HOST_TICKET)
    other = records.accepted("call-9", 9, HOST_TICKET, client=Host("10.77.0.99", 1, None))
    severities = [
        found(rule.RULE, records.report(CALL, each))[0].hypothesis.severity for each in (after, before, other)
    ]
    assert severities == ["low", None, None]


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
