"""Proves: a record becomes a question and an answer with the frames and times that it has, on the common clock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import (
    AUTHENTICATION,
    EVENT,
    LATER_NS,
    START_NS,
    answered_call,
    article_report,
    full_report,
    refused_call,
)
from story_values import log_entry, logon

from rpctrace.correlation.timeline import Timeline
from rpctrace.render.steps import (
    Step,
    authentication_step,
    call_step,
    event_step,
    exchange_step,
    log_step,
)
from rpctrace.report import Clock

CLOCK = Timeline(())


def test_the_article_s_call() -> None:
    step = call_step(refused_call(), CLOCK)
    assert (step.question, step.question_detail) == (
        "alter_context IClassFactory", "AP-REQ: novice@child.domainA.COM (user-to-user)",
    )  # fmt: skip
    assert (step.answer, step.answer_detail) == ("fault", "RPC_S_SEC_PKG_ERROR 0x00000721")
    assert (step.question_tone, step.answer_tone, step.family) == ("auth", "failure", "RPC")
    assert (step.asked_frame, step.answered_frame, step.asked_ns) == (22, 23, START_NS)


@pytest.mark.parametrize(
    ("step", "question", "answer"),
    [
        (call_step(answered_call(), CLOCK), ("RemoteCreateInstance", "IClassFactory"), ("response", "")),
        (call_step(logon(), CLOCK), ("NetrLogonSamLogonEx", "sealed"), ("response", "")),
        (
            exchange_step(full_report().kerberos[0], CLOCK),
            ("TGS-REQ", "RPCSS/novice.domainb.com"),
            ("KRB-ERROR", "KDC_ERR_S_PRINCIPAL_UNKNOWN (7)"),
        ),
        (
            exchange_step(replace(full_report().kerberos[0], error=None, reply="TGS-REP", referral_to="B"), CLOCK),
            ("TGS-REQ", "RPCSS/novice.domainb.com"),
            ("TGS-REP", "referral to B"),
        ),
        (
            authentication_step(AUTHENTICATION, CLOCK),
            ("smb ntlm", "novice@child.domainA.COM (user-to-user)"),
            ("rejected", "KRB_AP_ERR_MODIFIED (41)"),
        ),
        (event_step(EVENT, CLOCK), ("connection refused", "\\pipe\\spoolss"), ("", "")),
        (
            log_step(log_entry(2, "Entered"), "a", "b", None),
            ("Generic logon", "child.DomainA.COM"),
            ("", ""),
        ),
        (
            log_step(log_entry(3, "Returns"), "a", "b", None),
            ("", ""),
            ("Generic logon returns", "STATUS_NO_SUCH_USER"),
        ),
    ],
)
def test_what_a_record_asks_and_hears(step: Step, question: tuple[str, str], answer: tuple[str, str]) -> None:
    assert (step.question, step.question_detail) == question
    assert (step.answer, step.answer_detail) == answer


def test_a_line_stands_where_it_is_put_and_has_the_time_of_its_clock() -> None:
    returns = log_step(log_entry(3, "Returns"), "a", "b", 7)
    assert (returns.asked_ns, returns.answered_ns, returns.log_time) == (None, 7, "10:15:16")
    assert log_step(log_entry(3, "Entered", time=None), "a", "b", 7).log_time is None


def test_captures_share_a_clock_where_it_was_found() -> None:
    report = article_report(clocks=(Clock(0, 0, 0, 0, 5), Clock(1, 0, -1_500, 20, 5), Clock(2, 2, 0, 0, 5)))
    clock = Timeline(report.clocks)
    assert clock.common_ns(1, LATER_NS) == LATER_NS - 1_500
    assert clock.common_ns(2, LATER_NS) == LATER_NS
    assert clock.common_ns(0, None) is None
    assert (clock.shared(0, 1), clock.shared(1, 2), clock.shared(None, 2)) == (True, False, True)


def test_a_step_without_an_answer_lasts_no_time() -> None:
    call = answered_call(outcome="unanswered", reply=None, reply_frames=(), reply_ns=None)
    step = call_step(call, CLOCK)
    assert step.first_ns == step.last_ns == START_NS
    assert step.answer_tone == "failure"
