"""A ticket for another account: said by the server, or inferred and then capped."""

from __future__ import annotations

from dataclasses import replace

import pytest
import refusal_records as records
from incident_records import exchange
from refusal_records import HOST_TICKET, PORT, SERVER, SERVER_REALM, found, saw, sure
from report_values import answered_call
from shared_captures import needs_shared

from rpctrace.diagnosis.rules import ap_modified as rule
from rpctrace.report import Dcom, Host

CALL = records.refused("call-3", 5)
OTHER = records.ticket(SERVER_REALM, "dcom", "app1.domainb.com", digest="o1")


@needs_shared
@pytest.mark.parametrize(
    "name",
    ["alter-wrongkey-krb5", "alter-wrongkey-spnego", "alter-wrongkey-krb5-lsarpc", "alter-corrupt-ticket",
     "alter-corrupt-authenticator"],
)  # fmt: skip
def test_a_bare_refusal_is_a_capped_hypothesis(name: str) -> None:
    """The catch-all stands first and names it as its rival; without a key nothing more can be said."""
    said = records.lab_findings(f"lab/b1-0x721/{name}.pcap")
    catch_all = records.of("sec-pkg-unspecified", said)
    assert [rival.rule for rival in catch_all.rivals] == ["ap-modified"]
    finding = records.of("ap-modified", said)
    assert finding.severity == "note"
    assert finding.confidence < 0.45
    assert any("setspn -Q" in text for text in finding.missing)


@needs_shared
@pytest.mark.parametrize("name", ["alter-second-context-bad", "alter-np-wrongkey-spnego"])
def test_a_clearly_other_host_stands_first(name: str) -> None:
    """The same server accepted a ticket for dc1 on the way; this one is for app1."""
    finding = records.lab_findings(f"lab/b1-0x721/{name}.pcap")[0]
    assert (finding.rule, finding.severity) == ("ap-modified", "medium")
    assert any("dc1.domainb.com, not for app1" in item.text and item.frame for item in finding.evidence)


@needs_shared
def test_smb_has_it_first() -> None:
    """STATUS_LOGON_FAILURE to a session setup with a ticket of another account."""
    finding, *_ = records.lab_findings("lab/e-misconfig/misconfig-smbclient.pcap")
    assert (finding.rule, finding.severity) == ("ap-modified", "low")


def test_the_server_says_it() -> None:
    """KRB-ERROR 41: high and near certain, without a ceiling."""
    (finding,) = records.findings("causes", "ap-modified.pcap")
    assert (finding.rule, finding.severity) == ("ap-modified", "high")
    assert finding.confidence > 0.9
    assert finding.limited_by == ()


def test_a_ticket_that_the_same_port_accepted_is_none() -> None:
    """Whatever else was refused there; another port may be another account's."""
    assert "ap-modified" not in records.rules(records.findings("causes", "ap-modified-not.pcap"))
    here = records.accepted("call-1", 1, HOST_TICKET)
    assert not found(rule.RULE, records.report(here, CALL))
    elsewhere = replace(here, server=Host(SERVER, 135, None))
    (weighed,) = found(rule.RULE, records.report(elsewhere, CALL))
    assert saw(weighed, rule.ACCEPTED_ELSEWHERE)
    assert weighed.confidence < sure(rule.RULE, records.report(CALL))


@pytest.mark.parametrize(("code", "fires"), [(31, True), (35, True), (41, True), (44, True), (45, True), (37, False),
                                             (32, False), (34, False), (67, False)])  # fmt: skip
def test_the_errors_that_say_it(code: int, fires: bool) -> None:
    """RFC 4120 7.5.9; times and replays are other rules'."""
    assert (sure(rule.RULE, records.report(records.told("call-3", 5, code))) > 0.9) is fires


def test_what_cannot_be_inferred() -> None:
    """User-to-user, a ticket-granting ticket, NTLM, a request, another status, another reason, a bad level."""
    bind = {"kind": "bind", "reply": "bind_nak", "outcome": "rejected", "status": None, "reject_reason": 9}
    assert found(rule.RULE, records.report(replace(CALL, **bind)))
    calls = (
        records.refused("call-3", 5, records.user_ticket()),
        records.refused("call-3", 5, records.ticket("A.COM", "krbtgt", "B.COM")),
        records.refused("call-3", 5, records.ticket(SERVER_REALM, "svc")),
        replace(CALL, auth=records.auth("AUTHENTICATE", mechanism="ntlm"), ticket=None),
        replace(CALL, kind="request", auth=records.auth(None)),
        replace(CALL, status=0x1C01000B),
        replace(CALL, **{**bind, "reject_reason": 8}),
        replace(CALL, **bind, auth=records.auth("AP-REQ", level=7)),
    )
    for call in calls:
        assert not found(rule.RULE, records.report(call)), call
    assert not found(rule.RULE, records.report(records.session("auth-1", 5, HOST_TICKET, status=0xC0000072)))
    assert not found(rule.RULE, records.report(records.session("auth-1", 5, HOST_TICKET, mechanism="ntlm")))


@pytest.mark.parametrize(("carrier", "status"), [("smb", 0xC000006D), ("ldap", 49), ("http", 401)])
def test_other_carriers(carrier: str, status: int) -> None:
    """Each in its own words."""
    refused = records.session("auth-1", 5, HOST_TICKET, carried_in=carrier, status=status)
    (weighed,) = found(rule.RULE, records.report(refused))
    assert weighed.confidence <= rule.INFERRED.value
    assert f"authentication over {carrier.upper()}" in weighed.hypothesis.summary


def test_how_the_server_is_known() -> None:
    """By accepted tickets, its own logon, DCOM bindings; name resolution says less, and only against."""
    other = records.refused("call-3", 5, OTHER)
    computer = exchange("krb-1", 1, kind="AS", cname=("WS2$",), client=Host(SERVER, 5, None), reply="AS-REP")
    told = answered_call(id="call-1", server=Host(SERVER, 135, None), dcom=Dcom(*[None] * 6, bindings=(
        "ncacn_ip_tcp:ws2.domainb.com[49170]", "ncacn_ip_tcp:10.77.0.51[49170]", "ncacn_ip_tcp:fe80::51[49170]")))
    for record in (records.accepted("call-1", 1, HOST_TICKET, server=Host(SERVER, 135, None)), computer, told):
        (weighed,) = found(rule.RULE, records.report(record, other))
        assert saw(weighed, rule.OTHER_HOST), record
        assert 0.5 < weighed.confidence <= rule.INFERRED_OTHER.value
        (same,) = found(rule.RULE, records.report(record, CALL))
        assert not saw(same, rule.OTHER_HOST)
        assert same.confidence < sure(rule.RULE, records.report(CALL))
    named = replace(other, server=Host(SERVER, PORT, "ws2.domainb.com"))
    (by_name,) = found(rule.RULE, records.report(named))
    assert saw(by_name, rule.OTHER_NAME)
    assert by_name.confidence <= rule.INFERRED.value


def test_whom_the_server_asked() -> None:
    """A logon request meanwhile: it had decrypted the ticket; a secure channel without one: it had not."""
    plain = sure(rule.RULE, records.report(records.refused("call-3", 5, took=0.02)))
    asked = records.report(records.refused("call-3", 5, took=0.02), records.logon("call-4", 5.001))
    (weighed,) = found(rule.RULE, asked)
    assert saw(weighed, rule.ASKED_SOMEBODY)
    assert weighed.confidence < plain
    (silent,) = found(rule.RULE, records.report(records.logon("call-1", 1), records.refused("call-3", 5, took=0.02)))
    assert saw(silent, rule.NOBODY_ASKED)
    assert silent.confidence > plain
    (quick,) = found(rule.RULE, records.report(records.refused("call-3", 5, took=0.005)))
    assert saw(quick, rule.QUICK)


def test_another_ticket_for_the_service_that_works() -> None:
    """The key is known there; and what worked later is low."""
    works = records.accepted("call-9", 9, records.ticket(SERVER_REALM, "HOST", "ws2.domainb.com", digest="h9"))
    (weighed,) = found(rule.RULE, records.report(CALL, works))
    assert saw(weighed, rule.KEY_WORKS)
    assert weighed.hypothesis.severity == "low"


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
