"""Comments name what a frame shows of which finding; evidence is what a colleague needs to come to the same verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from incident_records import SERVER, as_exchange, call, exchange, frame_at, ntlm_authentication, refused, report, tgt
from judging import answered, bound, channel, faulted, kerberos
from report_values import (
    EVENT,
    FINDING,
    HOSTILE_TEXTS,
    KERBEROS,
    TICKET,
    answered_call,
    article_report,
    refused_call,
)

from rpctrace.annotation import LEGS_BEFORE, comments_of, extract_of
from rpctrace.network.flow import Endpoint
from rpctrace.report import Call, Finding, Host, Report


def test_each_evidence_frame_says_what_it_shows() -> None:
    """With rule, severity and confidence; a frame that no evidence names gets the claim; notes say nothing."""
    note = replace(FINDING, severity="note", frames=(99,))
    comments = comments_of(article_report(findings=(FINDING, note)), 0)
    assert comments == {
        22: ("rpctrace [pac-xforest-u2u, high, 0.65] use-session-key is set in ap-options",),
        23: (
            "rpctrace [pac-xforest-u2u, high, 0.65] The server could not have the ticket's PAC validated across the"
            " forest trust",
        ),
    }
    assert comments_of(article_report(), 1) == {}


def test_what_speaks_against_says_so_and_hostile_text_is_safe() -> None:
    """No control of a capture reaches a comment."""
    items = tuple(replace(FINDING.evidence[0], supports=False, text=text) for text in HOSTILE_TEXTS)
    (comments,) = comments_of(article_report(findings=(replace(FINDING, evidence=items, frames=(22,)),)), 0).values()
    assert all(text.startswith("rpctrace [pac-xforest-u2u, high, 0.65] against: ") for text in comments)
    assert all(text.isprintable() for text in comments)


def test_evidence_is_the_call_its_legs_and_the_exchange_of_its_ticket() -> None:
    """Not other calls of the connection; other captures have their own. All frames of the exchange are known."""
    ticket = replace(TICKET, exchange="krb-1")
    failed = refused_call(ticket=ticket)
    bind = answered_call(id="bind", kind="bind", auth=KERBEROS, request_frames=(11,), reply_frames=(12, 13))
    other = answered_call(id="other", request_frames=(31,), reply_frames=(32,))
    issued = exchange("krb-1", 1, **{**refused(), "ticket": tgt("A")}, request_frames=(99, 101))
    report = article_report(calls=(bind, failed, other), kerberos=(issued,))
    extract = extract_of(report, 0)
    assert extract.frames == {11, 12, 13, 22, 23, 99, issued.request_frame, issued.reply_frame}
    assert extract_of(report, 1).frames == set()
    low, high = sorted((Endpoint("10.2.0.21", 49834), Endpoint("10.3.0.33", 52042)))
    assert (low, high) in extract.connections
    assert (len(extract.connections), extract.whole) == (2, frozenset())


def test_who_waited_in_vain_is_known() -> None:
    """Of what the evidence is: a call, an exchange, an attempt to connect without an answer; nobody else."""
    silent = replace(refused_call(outcome="unanswered"), client=Host("10.0.0.1", 1, None))
    asked = exchange("krb-1", 1, outcome="unanswered", client=Host("10.0.0.2", 1, None))
    tried = replace(EVENT, capture=0, kind="no_answer", client=Host("10.0.0.3", 1, None), frames=(22,))
    others = (
        replace(silent, id="other", connection="tcp-5", client=Host("10.0.0.4", 1, None), request_frames=(70,)),
        replace(tried, kind="refused", client=Host("10.0.0.5", 1, None)),
    )
    report = article_report(
        calls=(silent, others[0]), kerberos=(asked,), events=(tried, others[1]),
        findings=(replace(FINDING, concerns=("krb-1",)),),
    )  # fmt: skip
    assert extract_of(report, 0).waiting == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    assert extract_of(article_report(), 0).waiting == set()


def test_a_call_that_evidence_points_to_comes_with_its_connection() -> None:
    """The frame alone would tell a colleague nothing."""
    shown = answered_call(id="shown", connection="tcp-9", kind="request", request_frames=(40, 41), reply_frames=(42,))
    bind = answered_call(id="bind", connection="tcp-9", kind="bind", request_frames=(38,), reply_frames=(39,))
    pointing = replace(FINDING, evidence=(replace(FINDING.evidence[0], frame=42),))
    report = article_report(calls=(bind, shown, refused_call()), findings=(pointing,))
    assert extract_of(report, 0).frames >= {38, 39, 40, 41, 42, 22, 23}


def about(*calls: str, severity: str = "high", concerns: tuple[str, ...] = ()) -> Finding:
    """A finding about records, without evidence or frames of its own."""
    return replace(FINDING, severity=severity, calls=calls, concerns=concerns, evidence=(), frames=())


def seconds_of(told: Report, finding: Finding) -> set[float]:
    """When the records were asked of which a frame is in the extract."""
    frames = extract_of(replace(told, findings=(finding,)), 0).frames
    return {second / 2 for second in range(200) if frame_at(second / 2) in frames}


def test_other_security_contexts_are_kept_up_to_the_failed_call() -> None:
    """What a PDU breaks may be what another context of the connection said; what came behind does not matter."""
    mine, other = kerberos(context_id=1), kerberos(context_id=7)
    first, failed = bound(1, auth=mine), faulted(5, 40, auth=mine)
    others = [call(f"other-{at}", at, kind="alter_context", outcome="accepted", auth=other) for at in (2, 3, 50)]
    leg = call("leg", 51, kind="auth3", outcome="not captured", auth=mine)
    elsewhere = bound(4, id="elsewhere", connection="tcp-0-1")
    told = report(first, *others[:2], failed, others[2], leg, elsewhere)
    assert seconds_of(told, about(failed.id)) == {1, 2, 3, 40, 51}
    many = [call(f"other-{at}", at, kind="alter_context", outcome="accepted", auth=other) for at in range(2, 30)]
    assert seconds_of(report(first, *many, failed), about(failed.id)) == {1, 40, *range(2, 2 + LEGS_BEFORE)}


def test_the_last_answered_requests_before_the_failed_call_are_kept() -> None:
    """Of the connection and of the security context, before what failed first in it: that it had worked."""
    mine, other = kerberos(context_id=1), kerberos(context_id=7)
    requests = [answered(at, f"request-{at}", auth=mine if at < 5 else other) for at in range(2, 9)]
    failed = [faulted(5, at, id=f"failed-{at}", auth=mine) for at in (20, 22)]
    told = report(bound(1, auth=mine), *requests, failed[0], answered(21, "between", opnum=9), failed[1])
    assert seconds_of(told, about("failed-20", "failed-22")) == {1, 4, 8, 20, 22}


def test_before_a_context_that_was_never_set_up_nothing_is_missing() -> None:
    """A gap could have held its first leg; where so much came before that there is a gap, nothing proves it."""
    failed = faulted(5, 40, auth=kerberos(context_id=9))
    requests = [answered(at, f"request-{at}") for at in range(2, 30)]
    few = report(bound(1), *requests[: LEGS_BEFORE - 1], failed)
    assert seconds_of(few, about(failed.id)) == {40, *range(1, LEGS_BEFORE + 1)}
    assert seconds_of(report(bound(1), *requests, failed), about(failed.id)) == {1, 29, 40}


def test_what_makes_a_finding_low_is_kept() -> None:
    """The later call with its connection, the later logon, the earlier ticket, and the logon of a referral path."""
    failed, again = faulted(5, 2), bound(9, id="again", connection="tcp-0-1")
    calls = report(bound(1), failed, again, answered(10, connection="tcp-0-1"), answered(11, "more", opnum=9))
    assert seconds_of(calls, about(failed.id, severity="low")) == {1, 2, 9, 10}
    logons = report(
        *(ntlm_authentication(f"auth-{at}", at, outcome=how) for at, how in ((1, "rejected"), (9, "accepted")))
    )
    assert 9 in seconds_of(logons, about(concerns=("auth-1",), severity="low"))
    asked = report(
        as_exchange("krb-1", 1, tgt("A")),
        exchange("krb-2", 2, **{**refused(24), "kind": "AS", "sname": ("krbtgt", "A")}),
    )
    assert seconds_of(asked, about(concerns=("krb-2",), severity="low")) == {1, 2}


def test_what_is_grave_all_the_same_needs_no_success() -> None:
    """Nor does a failure that is not in the extract."""
    failed = faulted(5, 2)
    told = report(bound(1), failed, answered(10, connection="tcp-0-1"), faulted(6, 3, id="other", connection="tcp-0-2"))
    assert seconds_of(told, about(failed.id)) == {1, 2}


def test_that_the_secure_channel_of_a_server_was_captured_is_kept() -> None:
    """One call of it, where a ticket was refused: one that worked; the server's, not another's."""
    auth = kerberos("AP-REQ")
    failed = bound(
        40, id="failed", connection="tcp-0-9", outcome="rejected", reply="bind_nak", auth=auth, ticket=TICKET
    )
    ends = {"client": Host(SERVER, 50000, None), "server": Host("10.77.0.99", 135, None), "connection": "tcp-0-1"}
    member = [
        answered(at, f"channel-{at}", secure_channel=channel("NetrServerReqChallenge", status), **ends)
        for at, status in ((3, 0xC0000022), (4, 0), (5, 0))
    ]
    told = report(bound(2, **ends), *member, failed)
    assert seconds_of(told, about("failed")) == {2, 4, 40}
    assert seconds_of(replace(told, calls=(*told.calls[:-1], replace(failed, ticket=None))), about("failed")) == {40}
    assert seconds_of(report(failed), about("failed")) == {40}


def test_an_answer_that_did_not_fit_comes_with_the_one_over_tcp() -> None:
    """The next of the same client and realm; without it nobody seems to have answered."""
    too_big = {**refused(52, "KRB_ERR_RESPONSE_TOO_BIG"), "kind": "AS", "realm": "A", "carried_in": "kdc_udp"}
    fitting = [
        as_exchange(f"krb-{at}", at, tgt("A"), **{"carried_in": "kdc_tcp", "realm": "A", **how})
        for at, how in (
            (1, {}),
            (3, {"realm": "OTHER"}),
            (4, {"client": Host("10.77.0.7", 1, None)}),
            (5, {}),
            (6, {}),
        )
    ]
    told = report(fitting[0], exchange("krb-2", 2, **too_big), *fitting[1:])
    assert seconds_of(told, about(concerns=("krb-2",))) == {2, 5}


def test_the_calls_are_looked_through_as_often_for_many_findings() -> None:
    """A report may hold a hundred thousand of them, and every part of the extract asks for those of the findings."""
    looks: list[int] = []

    class Calls(tuple[Call, ...]):
        def __iter__(self) -> Iterator[Call]:
            looks.append(1)
            return super().__iter__()

    failed = [refused_call(id=f"call-{number}", connection=f"tcp-{number}") for number in range(50)]
    counts = []
    for severity, number in (("low", 1), ("low", 50), ("high", 50)):
        findings = [replace(FINDING, calls=(each.id,), severity=severity) for each in failed[:number]]
        told = article_report(calls=Calls(failed), findings=tuple(findings))
        looks.clear()
        assert extract_of(told, 0).frames == {22, 23}
        counts.append(len(looks))
    assert counts[0] == counts[1] >= counts[2]
    assert counts[0] < 10
