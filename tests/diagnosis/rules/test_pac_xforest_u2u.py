"""The PAC that a chain of trusts keeps from being validated: sure by what was looked at, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
import refusal_records as records
from incident_records import REALM_A, exchange, refused, tgs_exchange, tgt
from refusal_records import CONTROLLER, SERVER, SERVER_REALM, USER_REALM, found, saw, sure
from report_values import ENDPOINT, EXTENDED_ERROR
from shared_captures import OWN, SHARED, needs_shared

from rpctrace.analysis import analyze
from rpctrace.diagnosis import pac
from rpctrace.diagnosis.registry import diagnose
from rpctrace.diagnosis.rules import pac_xforest_u2u as rule
from rpctrace.report import Dcom, Finding, Host, Interface, LogEntry, ReferralPath, Report

ASSISTANCE = OWN / "remote-assistance"
REALMS = {SERVER: SERVER_REALM}
CALL = records.refused("call-3", 5, records.user_ticket())


def of_the_log(call: str, status: int = pac.NO_SUCH_USER, **changes: object) -> tuple[LogEntry, LogEntry]:
    """Both lines of a validation, the first joined to the call."""
    asked = records.line(1, 5.0, None, phase="Entered", calls=(call,), partner=2)
    return asked, replace(records.line(2, 5.0, status, partner=1), **changes)  # type: ignore[arg-type]


def with_log(*entries: LogEntry) -> Report:
    return records.report(CALL, log=entries)


def above_notes(findings: Iterable[Finding]) -> list[Finding]:
    """Without the weaker hypotheses and what was an ordinary step."""
    return [each for each in findings if each.severity != "note"]


@pytest.mark.parametrize("name", ["expert.pcapng", "expert.cap"])
def test_the_clients_capture_alone_is_capped(name: str) -> None:
    """The article's trace from the expert's side: likely, and it says what is missing."""
    (finding,) = above_notes(analyze(ASSISTANCE / name).findings)
    assert (finding.rule, finding.severity, finding.confidence) == ("pac-xforest-u2u", "medium", 0.65)
    assert finding.limited_by == ("no more than 0.65: nothing of the server's own side was captured",)
    assert any("taken on the server" in text for text in finding.missing)
    assert finding.frames[-1] == 298


def test_with_the_servers_capture_it_is_surer() -> None:
    """Both sides: the logon request between AP-REQ and fault is seen."""
    (finding,) = above_notes(analyze([ASSISTANCE / "expert.pcapng", ASSISTANCE / "novice.pcapng"]).findings)
    assert finding.rule == "pac-xforest-u2u"
    assert finding.severity == "high"
    assert 0.75 <= finding.confidence <= 0.8
    assert any("NetrLogonSamLogonEx" in item.text and item.frame == 67 for item in finding.evidence)


def test_with_the_log_it_is_near_certain() -> None:
    """Both captures and the domain controller's log, whose line names the server."""
    report = analyze([ASSISTANCE / "expert.pcapng", ASSISTANCE / "novice.pcapng"])
    (call,) = (call for call in report.calls if call.failed)
    (finding,) = above_notes(diagnose(replace(report, log_entries=of_the_log(call.id))))
    assert (finding.rule, finding.severity, finding.confidence) == ("pac-xforest-u2u", "high", 0.97)
    (line,) = [item for item in finding.evidence if item.log_line is not None]
    assert (line.log_line.file, line.log_line.line) == (records.LOG, 2)


def test_the_log_alone_names_the_realm() -> None:
    """Without a capture: no more than likely, and no frame is claimed."""
    report = records.report(log=(records.line(7, 5.0, pac.NO_SUCH_USER),))
    (finding,) = [each for each in diagnose(report) if each.rule == "pac-xforest-u2u"]
    assert (finding.severity, finding.confidence, finding.capture, finding.frames) == ("medium", 0.6, None, ())
    assert USER_REALM in finding.summary


def test_another_kind_of_logon_says_nothing() -> None:
    """0xC0000064 for a network logon is an unknown user, and no PAC."""
    for changes in ({"kind": "Transitive Network"}, {"kind": "Network", "package": None}, {"package": "NTLM"}):
        entry = replace(records.line(7, 5.0, pac.NO_SUCH_USER), **changes)
        assert not found(rule.RULE, records.report(log=(entry,))), changes
    report = with_log(*of_the_log("call-3", kind="Network"))
    assert sure(rule.RULE, report) == sure(rule.RULE, records.report(CALL))


def test_without_the_servers_realm_it_is_a_hypothesis() -> None:
    """Given by the user, by name or address, it is one no longer."""
    assert sure(rule.RULE, records.report(CALL)) == 0.45
    assert sure(rule.RULE, records.report(CALL), REALMS) > 0.45
    named = replace(CALL, server=Host(SERVER, records.PORT, "ws2.domainb.com"))
    assert sure(rule.RULE, records.report(named), {"ws2.domainb.com": SERVER_REALM}) > 0.45


def test_a_server_of_the_tickets_realm_is_none() -> None:
    """However it is known: by the user, a ticket, its own logon, or because it is a KDC of the realm."""
    own = records.accepted("call-1", 1, records.ticket(USER_REALM, "host", "ws2.child.domaina.com", digest="h2"))
    logged_on = exchange(
        "krb-1", 1, kind="AS", cname=("WS2$",), client=Host(SERVER, 5, None), reply="AS-REP", ticket=tgt(USER_REALM)
    )
    as_kdc = exchange("krb-1", 1, server=Host(SERVER, 88, None), ticket=tgt(USER_REALM))
    assert not found(rule.RULE, records.report(CALL), {SERVER: USER_REALM.lower()})
    for record in (own, logged_on, as_kdc):
        assert not found(rule.RULE, records.report(record, CALL)), record


def test_what_is_no_user_to_user_is_none() -> None:
    """An ordinary ticket, a computer account, another status, another PDU, a ticket whose realm was cut."""
    ordinary = records.refused("call-3", 5, records.ticket(USER_REALM, "host", "ws2.domainb.com"))
    computer = records.refused("call-3", 5, records.user_ticket(USER_REALM, "WS2$"))
    denied = replace(CALL, status=5)
    request = replace(CALL, kind="request", auth=records.auth(None))
    cut = records.refused("call-3", 5, records.user_ticket(None))
    for call in (ordinary, computer, denied, request, cut):
        assert not found(rule.RULE, records.report(call), REALMS), call.kind


def test_the_tokens_before_tell_user_to_user() -> None:
    """TGT-REQ in the same security context, where the AP-REQ's options were cut off."""
    plain = records.refused("call-3", 5, records.user_ticket(user_to_user=False, ap_options=()))
    first = records.leg("call-1", 4, "TGT-REQ", "TGT-REP")
    assert not found(rule.RULE, records.report(plain), REALMS)
    assert sure(rule.RULE, records.report(first, plain), REALMS) > 0.45


def refutations() -> dict[str, tuple[Report, object]]:
    """What speaks against it, each alone."""
    other = records.line(2, 5.0, pac.NO_LOGON_SERVERS, calls=("call-3",))
    by_realm = replace(other, joined_by=("realm",))
    logon_before = records.logon("call-1", 1)
    seen = {"sealed": False, "logon_level": 4, "package": "Kerberos", "status": 0, "status_hex": "0x00000000"}
    error = replace(EXTENDED_ERROR, status=0x80090324)
    report = records.report
    return {
        "another result": (report(CALL, log=(other,)), rule.OTHER_RESULT),
        "another result of somebody": (report(CALL, log=(by_realm,)), rule.LOG_OTHER_BY_REALM),
        "success on the wire": (report(CALL, records.logon("call-4", 5.001, channel=seen)), rule.OTHER_RESULT),
        "a silent log": (
            report(CALL, log=(records.line(1, 1, 0, kind="Network"), records.line(2, 9, 0, kind="Network"))),
            rule.LOG_SILENT,
        ),
        "asked nobody": (report(logon_before, CALL), rule.ASKED_NOBODY),
        "no answer": (
            report(CALL, records.logon("call-4", 5.001, outcome="unanswered", reply_frames=(), reply_ns=None)),
            rule.UNANSWERED,
        ),
        "slow": (report(records.refused("call-3", 5, records.user_ticket(), took=4)), rule.SLOW),
        "extended error": (report(replace(CALL, extended_error=(error,))), rule.OTHER_ERROR),
        "accepted": (report(records.accepted("call-1", 1, CALL.ticket), CALL), rule.ACCEPTED_BEFORE),  # type: ignore[arg-type]
        "accepted later": (
            report(CALL, records.accepted("call-9", 9, records.user_ticket(digest="d2"))),
            rule.ACCEPTED_LATER,
        ),
        "direct trust": (
            report(tgs_exchange("krb-1", 1, tgt(REALM_A), tgt(SERVER_REALM, USER_REALM)), CALL),
            rule.DIRECT_TRUST,
        ),
        "a service": (
            report(records.refused("call-3", 5, records.user_ticket(USER_REALM, "cifs", "ws2"))),
            rule.SYSTEM_SERVICE,
        ),
        "a shutdown": (
            report(CALL, log=(*of_the_log("call-3"), records.line(3, 100, pac.INVALID_SERVER_STATE))),
            rule.SHUTDOWN,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("why", refutations())
def test_what_speaks_against_it_lowers_it(why: str) -> None:
    """Each clue against it is seen where it is there, and takes its share."""
    report, clue = refutations()[why]
    assert isinstance(clue, rule.Clue)
    weighed = found(rule.RULE, report, REALMS)
    if clue.weight == 1:
        assert weighed == []
        return
    assert [weight for supports, weight in records.clues_of(weighed[0]) if not supports] == [clue.weight]
    calm = records.report(CALL, log=of_the_log("call-3")) if why == "a shutdown" else records.report(CALL)
    assert weighed[0].confidence < sure(rule.RULE, calm, REALMS)


def test_a_parent_and_its_child_trust_each_other() -> None:
    """By their names; a grandparent does not, and by its host name the server may be of the realm itself."""
    report = records.report(CALL)
    (weighed,) = found(rule.RULE, report, {SERVER: "DOMAINA.COM"})
    assert saw(weighed, rule.PARENT_CHILD)
    assert rule.is_parent("A.B.COM.", "b.com")
    assert not rule.is_parent("X.A.B.COM", "B.COM")
    named = replace(CALL, server=Host(SERVER, records.PORT, "ws2.child.domaina.com"))
    (maybe,) = found(rule.RULE, records.report(named))
    assert saw(maybe, rule.MAYBE_SAME)


def test_what_speaks_for_it_raises_it() -> None:
    """A way through a third realm, a parent that tickets name, IClassFactory, a session, the KDC's demand."""
    issued = tgs_exchange("krb-1", 1, tgt(REALM_A), tgt("DOMAINA.COM", USER_REALM))
    path = ReferralPath("path-1", 0, Host(records.CLIENT, 1, None), ("alice-a",), USER_REALM, ("cifs", "fs"),
                        (USER_REALM, "DOMAINA.COM", SERVER_REALM), ("krb-1",), None, "issued", None, None, True,
                        ())  # fmt: skip
    demand = exchange("krb-2", 2, sname=("BOB-A",), **refused(27, "KDC_ERR_MUST_USE_USER2USER"))
    factory = Interface(0, "00000001-0000-0000-c000-000000000046", "0.0", "IClassFactory", *[None] * 6)
    activation = records.leg("call-0", 0, None, kind="request", operation="RemoteGetClassObject",
                             dcom=Dcom(*[None] * 6, session_id=2))  # fmt: skip
    endpoint = replace(ENDPOINT, id="endpoint-1", capture=0, call="call-0", status=None)
    stream = records.stream(CALL.connection, endpoint="endpoint-1")
    call = replace(CALL, interfaces=(factory,))
    report = records.report(issued, demand, call, activation, endpoint, stream, referral_paths=(path,))
    (weighed,) = found(rule.RULE, report, REALMS)
    clues = (
        rule.ROUNDABOUT, rule.CHILD_REALM, rule.USER_NAME, rule.CLASS_FACTORY, rule.USER_SESSION, rule.TOLD_SO,
    )  # fmt: skip
    assert records.clues_of(weighed) == [(True, clue.weight) for clue in clues]
    assert weighed.confidence == 0.65


def test_a_logon_between_counts_only_if_it_may_be_the_validation() -> None:
    """Unsealed and of another level it is somebody's logon; one that is not passed on counts more."""
    network = {"sealed": False, "logon_level": 2}
    (plain,) = found(rule.RULE, records.report(CALL), REALMS)
    (asked,) = found(rule.RULE, records.report(CALL, records.logon("call-4", 5.001)), REALMS)
    other = found(rule.RULE, records.report(CALL, records.logon("call-4", 5.001, channel=network)), REALMS)
    assert saw(asked, rule.LOGON_BETWEEN)
    assert not saw(other[0], rule.LOGON_BETWEEN)
    assert asked.confidence > plain.confidence
    busy = exchange("krb-1", 1, client=Host(CONTROLLER, 9, None))
    (not_passed_on,) = found(rule.RULE, records.report(busy, CALL, records.logon("call-4", 5.001)), REALMS)
    assert saw(not_passed_on, rule.NOT_PASSED_ON)


def test_the_log_outweighs_what_only_fits() -> None:
    """Joined by server or time nearly proof, by the realm alone less; a surer line of another result ends it."""
    certain = with_log(*of_the_log("call-3"))
    by_realm = with_log(*of_the_log("call-3", joined_by=("realm",)))
    assert sure(rule.RULE, certain) > sure(rule.RULE, by_realm) > 0.8
    another = records.line(9, 5.0, pac.LOGON_FAILURE, calls=("call-3",))
    assert not found(rule.RULE, with_log(*of_the_log("call-3", joined_by=("realm",)), another))


@needs_shared
def test_the_traps_of_the_user_to_user_captures() -> None:
    """Ordinary tickets and an account of the server's own realm never; damaged tickets as a capped hypothesis."""
    for path in sorted((SHARED / "u2u").glob("*.pcap")):
        said = [each for each in analyze(path).findings if each.rule.startswith("pac-")]
        if path.stem.startswith("u2u-fault-721") and "cross-forest" not in path.stem:
            assert all(each.severity == "note" and each.confidence <= 0.45 for each in said), path.stem
        else:
            assert not said, path.stem


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
