"""Comments name what a frame shows of which finding; evidence is what a colleague needs to come to the same verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from incident_records import exchange, refused, tgt
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

from rpctrace.annotation import comments_of, extract_of
from rpctrace.network.flow import Endpoint
from rpctrace.report import Call, Host


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
    """Not other calls of the connection; other captures have their own."""
    ticket = replace(TICKET, exchange="krb-1")
    failed = refused_call(ticket=ticket)
    bind = answered_call(id="bind", kind="bind", auth=KERBEROS, request_frames=(11,), reply_frames=(12, 13))
    other = answered_call(id="other", request_frames=(31,), reply_frames=(32,))
    issued = exchange("krb-1", 1, **{**refused(), "ticket": tgt("A")})
    report = article_report(calls=(bind, failed, other), kerberos=(issued,))
    extract = extract_of(report, 0)
    assert extract.frames == {11, 12, 13, 22, 23, issued.request_frame, issued.reply_frame}
    assert extract_of(report, 1).frames == set()
    low, high = sorted((Endpoint("10.2.0.21", 49834), Endpoint("10.3.0.33", 52042)))
    assert (low, high) in extract.connections
    assert len(extract.whole) == 1


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


def test_the_calls_are_looked_through_once() -> None:
    """A report may hold a hundred thousand of them, and every part of the extract asks for those of the findings."""
    looks: list[int] = []

    class Calls(tuple[Call, ...]):
        def __iter__(self) -> Iterator[Call]:
            looks.append(1)
            return super().__iter__()

    report = article_report(calls=Calls((refused_call(),)))
    assert extract_of(report, 0).frames == {22, 23}
    assert len(looks) == 1
