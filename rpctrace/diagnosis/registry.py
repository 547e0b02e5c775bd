"""RULES, as a table of contents, and `diagnose`, which lets every rule look and weighs what they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Rule
from rpctrace.diagnosis.rules import (
    ap_modified,
    ap_replay,
    call_failed,
    first_leg_rejected,
    handshake_incomplete,
    pac_dc_shutdown,
    pac_hardening_2022,
    pac_hardening_2024,
    pac_no_dc,
    pac_signature_bad,
    pac_xforest_u2u,
    sec_pkg_unspecified,
    skew_ap,
    tgt_to_service,
    third_leg_refused,
    ticket_expired,
    u2u_kdc_refuses,
    u2u_no_tgt,
    u2u_refused,
)
from rpctrace.diagnosis.weighing import LEAST_TO_EXPLAIN, Weighed
from rpctrace.report import SEVERITIES, Finding, Report

RULES: tuple[Rule, ...] = (
    # The ticket was presented, and its PAC
    pac_xforest_u2u.RULE,
    pac_no_dc.RULE,
    pac_signature_bad.RULE,
    pac_dc_shutdown.RULE,
    pac_hardening_2024.RULE,
    pac_hardening_2022.RULE,
    # The ticket was presented, and refused for itself
    skew_ap.RULE,
    ap_modified.RULE,
    ticket_expired.RULE,
    ap_replay.RULE,
    tgt_to_service.RULE,
    # The legs of an authentication
    third_leg_refused.RULE,
    first_leg_rejected.RULE,
    handshake_incomplete.RULE,
    # User-to-user
    u2u_no_tgt.RULE,
    u2u_kdc_refuses.RULE,
    u2u_refused.RULE,
    # The last resorts, the more telling first
    sec_pkg_unspecified.RULE,
    call_failed.RULE,
)


def diagnose(report: Report, realms: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    """Findings, worst and surest first, then by frame; every failed call is in one that is no mere note. `realms`: host
    (address or name) -> its Kerberos realm, where the user knows it."""
    evidence = Evidence(report, realms)
    about: dict[int, list[Weighed]] = defaultdict(list)
    for rule in RULES if evidence.failures else ():
        for hypothesis in rule.find(evidence):
            about[hypothesis.about.number].append(Weighed(rule, hypothesis))
    found = [finding for _, weighed in sorted(about.items()) for finding in _judged(weighed)]
    return tuple(sorted(found, key=_worst_first))


def _judged(weighed: Sequence[Weighed]) -> Iterator[Finding]:
    """Of one failure: the surest explanation, or the last resort where none is likely; the others as notes."""
    ranked = sorted((each for each in weighed if each.confidence > 0), key=lambda each: -each.confidence)
    explained = [each for each in ranked if not each.rule.last_resort]
    resorts = [each for each in weighed if each.rule.last_resort][:1]
    likely = explained and explained[0].confidence >= LEAST_TO_EXPLAIN
    ordered = explained if likely else [*resorts, *explained]
    if ordered:
        yield ordered[0].finding(ordered[1:])
        for each in ordered[1:]:
            yield each.finding(runner_up=True)


def _worst_first(finding: Finding) -> tuple[object, ...]:
    capture = -1 if finding.capture is None else finding.capture
    return SEVERITIES.index(finding.severity), -finding.confidence, capture, finding.frames[:1], finding.rule
