"""RULES, the special ones first: a failed call goes to the first rule that applies to it."""

from __future__ import annotations

from collections.abc import Sequence

from rpctrace.diagnosis.rule import Rule
from rpctrace.diagnosis.rules import call_failed, sec_pkg_unspecified
from rpctrace.report import SEVERITIES, Call, Finding

RULES: tuple[Rule, ...] = (sec_pkg_unspecified.RULE, call_failed.RULE)


def diagnose(calls: Sequence[Call]) -> tuple[Finding, ...]:
    """Findings, worst and surest first, then by frame. Every failed call is in at least one."""
    left = [call for call in calls if call.failed]
    findings: list[Finding] = []
    for rule in RULES:
        taken: list[Call] = []
        others: list[Call] = []
        for call in left:
            (taken if rule.applies(call) else others).append(call)
        findings.extend(rule.find(taken))
        left = others
    return tuple(
        sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), -f.confidence, f.capture, f.frames[:1]))
    )
