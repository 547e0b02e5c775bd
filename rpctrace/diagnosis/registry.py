"""RULES, as a table of contents, and `diagnose`, which lets every rule look and weighs what they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Rule
from rpctrace.diagnosis.rules import (
    bad_password,
    call_failed,
    client_unknown,
    connection_reset,
    dyn_port_blocked,
    dyn_port_closed,
    epm_blocked,
    epm_not_registered,
    etype_nosupp,
    idle_drop,
    kdc_policy,
    kdc_refused,
    kdc_unreachable,
    krb_udp_toobig,
    mtu_blackhole,
    oxid_address,
    pac_xforest_u2u,
    pwd_expired,
    rc4_2026,
    referral_broken,
    sec_pkg_unspecified,
    skew_kdc,
    smartcard,
    spn_duplicate,
    spn_unknown,
    transited_rejected,
)
from rpctrace.diagnosis.weighing import LEAST_TO_EXPLAIN, Weighed
from rpctrace.report import SEVERITIES, Finding, Report

RULES: tuple[Rule, ...] = (
    # The ticket was presented, and its PAC
    pac_xforest_u2u.RULE,
    # A KDC refused: clocks, services, encryption types, trusts, policy
    skew_kdc.RULE,
    spn_unknown.RULE,
    spn_duplicate.RULE,
    etype_nosupp.RULE,
    rc4_2026.RULE,
    transited_rejected.RULE,
    kdc_policy.RULE,
    # The account
    client_unknown.RULE,
    bad_password.RULE,
    pwd_expired.RULE,
    smartcard.RULE,
    # The way to a KDC
    kdc_unreachable.RULE,
    krb_udp_toobig.RULE,
    referral_broken.RULE,
    # The way to an endpoint
    epm_not_registered.RULE,
    epm_blocked.RULE,
    dyn_port_blocked.RULE,
    dyn_port_closed.RULE,
    oxid_address.RULE,
    # A connection that broke
    mtu_blackhole.RULE,
    idle_drop.RULE,
    connection_reset.RULE,
    # The last resorts, the more telling first
    sec_pkg_unspecified.RULE,
    call_failed.RULE,
    kdc_refused.RULE,
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
