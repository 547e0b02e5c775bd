"""What the rules make of the samples of captures/causes, and of records made by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from incident_records import SECOND, exchange, refused, report
from report_values import full_report
from shared_captures import OWN

from rpctrace.analysis import analyze
from rpctrace.diagnosis.registry import diagnose
from rpctrace.report import EvidenceItem, Finding, KerberosExchange, LogEntry, Report

LOG_LINE = replace(
    full_report().log_entries[0], time=None, time_ns=None, partner=None, duration_s=None, calls=(), joined_by=()
)


@cache
def sample(name: str) -> Report:
    return analyze(OWN / "causes" / f"{name}.pcap")


def named(findings: tuple[Finding, ...], rule: str) -> list[Finding]:
    return [finding for finding in findings if finding.rule == rule]


def fired(rule: str) -> Finding:
    """The one finding of a rule in its own sample, where it comes first; each of its frames is in the capture."""
    held = sample(rule)
    (finding,) = named(held.findings, rule)
    assert held.findings[0].rule == rule
    assert finding.frames
    assert max(finding.frames) <= held.captures[0].frames
    assert finding.summary.endswith(".")
    assert not finding.summary.endswith("..")
    return finding


def stays_silent(rule: str) -> Report:
    """The sample that looks alike: the rule has nothing above a note to say of it."""
    held = sample(f"{rule}-not")
    assert all(finding.severity == "note" for finding in named(held.findings, rule))
    return held


def judged(*records: Any, rule: str, until: float = 3600, **changes: Any) -> list[Finding]:
    """What a rule finds in records made by hand, of a capture from 0 s until then."""
    held = report(*records, **changes)
    facts = replace(held.captures[0], first_ns=0, last_ns=round(until * SECOND))
    return named(diagnose(replace(held, captures=(facts,))), rule)


def seen(finding: Finding, weight: float, *, supports: bool = True) -> list[EvidenceItem]:
    """The clues of this weight among the evidence of a finding."""
    return [each for each in finding.evidence if each.weight == weight and each.supports is supports]


def asked(identity: str, second: float, error: int | None = None, **changes: Any) -> KerberosExchange:
    """A TGS exchange for a web service: answered, or refused with this error."""
    said = {"sname": ("HTTP", "web.child.domaina.com"), **(refused(error, f"ERROR {error}") if error else {})}
    return exchange(identity, second, **{**said, **changes})


def logon(identity: str, second: float, error: int | None = None, **changes: Any) -> KerberosExchange:
    """An AS exchange for a ticket-granting ticket."""
    said = {"kind": "AS", "reply": "AS-REP", "sname": ("krbtgt", "CHILD.DOMAINA.COM"), **changes}
    return exchange(identity, second, **{**said, **(refused(error, f"ERROR {error}") if error else {})})


def unanswered(identity: str, second: float, **changes: Any) -> KerberosExchange:
    """A request to a KDC without a reply, on a capture that goes on."""
    lost = {"reply": None, "reply_frame": None, "reply_ns": None, "outcome": "unanswered"}
    return logon(identity, second, **{**lost, **changes})


def log_line(line: int, status: int, **changes: Any) -> LogEntry:
    """The result of a network logon in netlogon.log."""
    said = {"kind": "Network", "domain": "CHILD", "user": "alice-a", "workstation": "WS1", "package": None}
    hexadecimal = f"0x{status:08x}"
    return replace(
        LOG_LINE, **{**said, "line": line, "status": status, "status_hex": hexadecimal, "status_name": None, **changes}
    )
