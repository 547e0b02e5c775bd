"""The samples that the tests of the page share: the article's incident, read once, and stories made by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from report_values import KERBEROS, START_NS, TICKET, article_report, full_report, refused_call

import rpctrace
from rpctrace.render.steps import Step
from rpctrace.render.story import Story
from rpctrace.report import Call, EvidenceItem, Host, LogEntry, LogLine, Report, SecureChannel

SAMPLES = Path(__file__).parents[1] / "captures"
CHANNEL = SecureChannel(
    operation="NetrLogonSamLogonEx",
    is_logon=True,
    sealed=True,
    request_octets=400,
    response_octets=60,
    computer=None,
    account=None,
    channel_type=None,
    channel_type_name=None,
    logon_level=None,
    logon_level_name=None,
    domain=None,
    user=None,
    workstation=None,
    package=None,
    status=None,
    status_hex=None,
    status_name=None,
)


@cache
def incident() -> Report:
    """Both captures of the article's incident: expert's and novice's."""
    return rpctrace.analyze([str(SAMPLES / "remote-assistance" / f"{name}.pcapng") for name in ("expert", "novice")])


@cache
def logged_incident() -> Report:
    """The same with the log of the domain controller that the server asked."""
    folder = SAMPLES / "remote-assistance"
    captures = [str(folder / f"{name}.pcapng") for name in ("expert", "novice")]
    return rpctrace.analyze(captures, netlogon=[str(folder / "netlogon.log")])


def logon(**changes: Any) -> Call:
    """What the article's server asks its domain controller 1 ms after the call and hears 4 ms later."""
    call = refused_call(
        id="call-7",
        connection="tcp-9",
        kind="request",
        client=Host("10.3.0.33", 50021, None),
        server=Host("10.3.0.10", 49157, None),
        request_frames=(40,),
        reply_frames=(41,),
        request_ns=START_NS + 1_000_000,
        reply_ns=START_NS + 5_000_000,
        outcome="answered",
        reply="response",
        status=None,
        status_hex=None,
        status_name=None,
        fault=None,
        ticket=None,
        auth=replace(KERBEROS, mechanism="netlogon", token=None),
        opnum=39,
        operation="NetrLogonSamLogonEx",
        secure_channel=CHANNEL,
    )
    return replace(call, **changes)


def log_entry(line: int, phase: str, **changes: Any) -> LogEntry:
    """A line of the domain controller's log about the article's call."""
    entry = replace(
        full_report().log_entries[0], line=line, phase=phase, calls=("call-3",), time_ns=START_NS + line * 1_000_000
    )
    if phase == "Entered":
        entry = replace(entry, status=None, status_hex=None, status_name=None)
    return replace(entry, **changes)


def logged_report() -> Report:
    """The article's call with the logon that it caused, and what the log of the domain controller says of it."""
    entered, returned = log_entry(2, "Entered", partner=3), log_entry(3, "Returns", partner=2)
    report = article_report()
    said = EvidenceItem(True, "the log names the result", None, None, LogLine("netlogon.log", 3), 0.8)
    finding = replace(report.findings[0], evidence=(*report.findings[0].evidence, said))
    calls, logs = (*report.calls, logon()), full_report().logs
    return replace(report, calls=calls, logs=logs, log_entries=(entered, returned), findings=(finding,))


def step(key: str, asked_ns: int | None, answered_ns: int | None, **changes: Any) -> Step:
    made = Step(
        key=key,
        family="RPC",
        asker="10.0.0.1",
        answerer="10.0.0.2",
        capture=0,
        asked_ns=asked_ns,
        answered_ns=answered_ns,
        asked_frame=1,
        answered_frame=2,
        question="bind",
        question_detail="epmapper",
        answer="bind_ack",
        answer_detail="",
    )
    return replace(made, **changes)


def story(*steps: Step, **changes: Any) -> Story:
    """The last step is the one that failed."""
    made = Story(
        steps=steps,
        focus=steps[-1],
        zero_time="2012-03-04T09:15:02.000000000Z",
        issued_in=None,
        left_out=0,
        alike=0,
    )
    return replace(made, **changes)


__all__ = [
    "CHANNEL", "SAMPLES", "TICKET", "incident", "log_entry", "logged_incident", "logged_report", "logon", "step",
    "story",
]  # fmt: skip
