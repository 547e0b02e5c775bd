"""Every failed call is in a finding, the surest explanation first, and rules document themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from builders.work import function_calls
from causes import logon
from incident_records import SECOND, event, exchange, ntlm_authentication, report, stream
from judging import activation, answered, channel, kerberos, log_line
from refusal_records import logon as sam_logon
from refusal_records import refused, ticket
from report_values import START_NS, TICKET, article_report, full_report, refused_call

from rpctrace.diagnosis import registry
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.registry import RULES, diagnose
from rpctrace.diagnosis.rule import Hypothesis, Rule
from rpctrace.report import SEVERITIES, Host, LogEntry, Report


def rule(name: str, base: float, **changes: object) -> Rule:
    """One that has something to say of every failure."""

    def find(evidence: Evidence) -> Iterator[Hypothesis]:
        return (Hypothesis(failure, name, ()) for failure in evidence.failures)

    return RULES[-1]._replace(name=name, title=name, base=base, find=find, severity="high", last_resort=False)._replace(
        **changes
    )


def test_every_failed_call_is_in_a_finding_that_is_no_note() -> None:
    """And no call that did not fail is in any."""
    report = full_report()
    findings = diagnose(report)
    above = {identity for finding in findings if finding.severity != "note" for identity in finding.calls}
    assert above == {call.id for call in report.calls if call.failed}
    assert above


def test_findings_say_what_users_need() -> None:
    """A severity that is known and fits the confidence, a filter that names every frame."""
    findings = diagnose(full_report())
    assert findings
    for finding in findings:
        assert finding.severity in SEVERITIES
        assert 0 < finding.confidence < 1
        assert finding.confidence > 0.3 or finding.severity == "note"
        assert not finding.frames or finding.display_filter.startswith("frame.number in {")
        assert finding.evidence
    assert [SEVERITIES.index(each.severity) for each in findings] == sorted(
        SEVERITIES.index(each.severity) for each in findings
    )


def test_accepted_calls_give_no_finding() -> None:
    """A clean capture is clean."""
    calls = tuple(replace(call, outcome="answered") for call in full_report().calls)
    assert diagnose(article_report(calls=calls, findings=())) == ()


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        # the surest explains; the other is a note and a rival
        ((rule("weak", 0.6), rule("strong", 0.8)), [("strong", "high", ["weak"]), ("weak", "note", [])]),
        # nobody is more likely than not: the last resort first
        (
            (rule("weak", 0.4), rule("resort", 0.5, last_resort=True, severity="low")),
            [("resort", "low", ["weak"]), ("weak", "note", [])],
        ),
        # a last resort is silent beside an explanation, and only the first of them speaks
        ((rule("strong", 0.5), rule("resort", 0.5, last_resort=True)), [("strong", "medium", [])]),
        (
            (rule("one", 0.5, last_resort=True, severity="low"), rule("two", 0.5, last_resort=True, severity="low")),
            [("one", "low", [])],
        ),
        # what is refuted is not told
        ((rule("refuted", 0.0), rule("strong", 0.9)), [("strong", "high", [])]),
    ],
)
def test_the_surest_explanation_comes_first(
    rules: tuple[Rule, ...], expected: list[tuple[str, str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one failure: a finding, and notes of the weaker hypotheses."""
    monkeypatch.setattr(registry, "RULES", rules)
    findings = diagnose(article_report(calls=(refused_call(),), findings=()))
    assert [(f.rule, f.severity, [rival.rule for rival in f.rivals]) for f in findings] == expected


def test_last_resorts_come_last() -> None:
    """Whether one is needed is known when all other rules have looked."""
    order = [rule.last_resort for rule in RULES]
    assert order == sorted(order)


def test_rules_are_documented_under_their_names() -> None:
    """The docstring is what `explain` prints; last resorts stand last."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    for each in RULES:
        assert each.documentation.startswith(f"{each.name}: ")
        assert "What would refute it" in each.documentation
    resorts = [each.last_resort for each in RULES]
    assert resorts == sorted(resorts)


def failed_calls(count: int, *, alike: bool, connections: int = 1 << 24) -> Report:
    """Calls refused like the article's: on one connection, or each with another ticket and status, on so many."""
    return article_report(
        calls=tuple(
            refused_call(
                id=f"call-{at}", request_frames=(2 * at + 1,), reply_frames=(2 * at + 2,),
                request_ns=START_NS + at * 1_000_000, reply_ns=START_NS + at * 1_000_000 + 1,
                **({} if alike else _unlike(at, at % connections)),
            )
            for at in range(count)
        ),
        findings=(),
    )  # fmt: skip


def _unlike(at: int, connection: int) -> dict[str, object]:
    client = Host(f"10.{connection >> 16}.{connection >> 8 & 255}.{connection & 255}", 50000, None)
    ticket = replace(TICKET, sname=("host", f"server-{at}"), frame=2 * at + 1)
    status = (0x721, 0x5, 0x1C010002, 0x1C00001A)[at % 4]
    kind = "alter_context" if status == 0x721 else "request"
    return {
        "client": client, "connection": f"tcp-{connection}", "ticket": ticket, "status": status, "kind": kind,
        "status_hex": f"0x{status:08x}",
    }  # fmt: skip


ON_ONE = {"alike": False, "connections": 1}


@pytest.mark.parametrize("like", [{"alike": True}, {"alike": False}, ON_ONE], ids=["alike", "unlike", "one connection"])
def test_twice_the_failures_are_twice_the_work(like: dict[str, Any]) -> None:
    """In calls of functions; and every failed call is told."""
    one, two = (function_calls(partial(diagnose, failed_calls(count, **like))) for count in (1_000, 2_000))
    assert two <= 2.3 * one, (one, two)
    report = failed_calls(2_000, **like)
    findings = diagnose(report)
    assert {identity for finding in findings for identity in finding.calls} == {call.id for call in report.calls}


def _host(number: int, port: int = 49154) -> Host:
    return Host(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", port, None)


def _unsealed(count: int) -> Iterator[Any]:
    """Netlogon refuses what is not sealed, and answers what is: of as many domain controllers."""
    for at in range(count):
        ends = {"client": _host(at), "connection": f"tcp-{at}"}
        signed, sealed = (kerberos(auth_type=0x44, level=level) for level in (5, 6))
        denied = channel("NetrLogonSamLogonEx", 0xC0000022)
        yield answered(2 + at, f"denied-{at}", auth=signed, secure_channel=denied, **ends)
        works = channel("NetrLogonSamLogonEx")
        yield answered(1 + at, f"works-{at}", auth=sealed, secure_channel=works, server=_host(at), **ends)


def _untrusted(count: int) -> Iterator[Any]:
    """One computer is refused a secure channel by as many domain controllers, and gets others."""
    for at in range(count):
        ends = {"server": _host(at), "connection": f"tcp-{at}"}
        denied, set_up = channel("NetrServerAuthenticate3", 0xC0000022), channel("NetrServerAuthenticate3")
        yield answered(2 + at, f"denied-{at}", secure_channel=denied, **ends)
        yield answered(2.5 + at, f"set-up-{at}", secure_channel=set_up, **ends)
        yield logon(f"krb-{at}", 2 + at, 24, cname=(f"WS{at}$",))


def _activations(count: int) -> Iterator[Any]:
    """Denied below packet integrity, and given above it; or not given for another reason."""
    for at in range(count):
        ends = {"client": _host(at), "connection": f"tcp-{at}"}
        yield activation(2 + at, 0x80070005, f"denied-{at}", auth=kerberos(level=2), **ends)
        yield activation(2 + at, 0x80080005, f"failed-{at}", auth=kerberos(level=5), **ends)
        yield activation(3 + at, 0, f"given-{at}", auth=kerberos(level=5), **ends)


def _lost(count: int) -> Iterator[Any]:
    """A server ends as many connections at once, each with an open call, and refuses as many others."""
    for at in range(count):
        lost = {"outcome": "unanswered", "reply": None, "reply_frames": (), "reply_ns": None}
        yield answered(2, f"call-{at}", client=_host(at), connection=f"tcp-{at}", **lost)
        yield stream(f"tcp-{at}", 2, client=_host(at), ended="closed by the server in frame 400")
        yield event(1 + at / count, kind="refused", client=_host(at))


def _silent_kdcs(count: int) -> Iterator[Any]:
    """One client tries as many KDCs in vain, and is answered by as many."""
    for at in range(count):
        yield event(1 + at, kind="no_answer", server=_host(at, 88))
        yield exchange(f"krb-{at}", 2 + at, server=_host(at + 1, 88))


def _refused_tickets(count: int) -> Iterator[Any]:
    """One server refuses as many tickets, and asks its domain controller of each."""
    for at in range(count):
        yield refused(f"call-{at}", 5 + at, ticket("DOMAINB.COM", "host", f"h{at}"), took=21)
        yield sam_logon(f"logon-{at}", 5.1 + at)


def _logged(count: int) -> Iterator[Any]:
    """One user is refused by SMB as often from as many clients, and a log has a line of each."""
    for at in range(count):
        denied = {"outcome": "rejected", "status": 0xC000006D}
        yield ntlm_authentication(f"auth-{at}", 2 + at, client=_host(at), **denied)
        yield log_line(0xC0000072, line=at, time_ns=(2 + at) * SECOND)
        yield log_line(0xC0000072, line=count + at, via="ELSEWHERE")


@pytest.mark.parametrize(
    "records", [_unsealed, _untrusted, _activations, _lost, _silent_kdcs, _refused_tickets, _logged]
)
def test_twice_of_anything_else_is_twice_the_work(records: Callable[[int], Iterator[Any]]) -> None:
    """Rules compare a failure with the rest of the report by tables, not by looking through it."""

    def work(count: int) -> int:
        made = list(records(count))
        lines = tuple(each for each in made if isinstance(each, LogEntry))
        return function_calls(partial(diagnose, report(*made, log_entries=lines)))

    one, two = work(200), work(400)
    assert two <= 2.3 * one, (one, two)
