"""RULES, as a table of contents, and `diagnose`, which lets every rule look and weighs what they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Rule
from rpctrace.diagnosis.rules import (
    ap_modified,
    ap_replay,
    auth_type_changed,
    authlevel_unsupported,
    authtype_unknown,
    bad_password,
    bad_stub,
    call_failed,
    call_unanswered,
    client_unknown,
    connection_reset,
    context_mismatch,
    dcom_activation_failed,
    dcom_hardening,
    dyn_port_blocked,
    dyn_port_closed,
    epm_blocked,
    epm_not_registered,
    etype_nosupp,
    first_leg_rejected,
    handshake_incomplete,
    idle_drop,
    kdc_policy,
    kdc_refused,
    kdc_unreachable,
    krb_udp_toobig,
    logon_refused,
    mtu_blackhole,
    no_kerberos_attempt,
    nrpc_hardening,
    ntlm_auth3_denied,
    ntlm_minsec_mismatch,
    op_range,
    oxid_address,
    pac_dc_shutdown,
    pac_hardening_2022,
    pac_hardening_2024,
    pac_no_dc,
    pac_signature_bad,
    pac_xforest_u2u,
    protocol_error,
    pwd_expired,
    rc4_2026,
    referral_broken,
    rpc_authz_denied,
    sec_pkg_request_integrity,
    sec_pkg_unspecified,
    selective_auth,
    server_too_busy,
    skew_ap,
    skew_kdc,
    smartcard,
    spn_duplicate,
    spn_unknown,
    spn_unknown_ntlm,
    tgt_to_service,
    third_leg_refused,
    ticket_expired,
    transited_rejected,
    trust_broken,
    u2u_kdc_refuses,
    u2u_no_tgt,
    u2u_refused,
    unk_if,
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
    # RPC refuses by itself, before or beside any logon
    protocol_error.RULE,
    unk_if.RULE,
    op_range.RULE,
    bad_stub.RULE,
    context_mismatch.RULE,
    server_too_busy.RULE,
    call_unanswered.RULE,
    # The security context: types, levels, signatures
    authtype_unknown.RULE,
    authlevel_unsupported.RULE,
    auth_type_changed.RULE,
    sec_pkg_request_integrity.RULE,
    # Who may what, and NTLM
    rpc_authz_denied.RULE,
    ntlm_auth3_denied.RULE,
    ntlm_minsec_mismatch.RULE,
    logon_refused.RULE,
    no_kerberos_attempt.RULE,
    spn_unknown_ntlm.RULE,
    # DCOM, the Netlogon secure channel, trusts
    dcom_hardening.RULE,
    dcom_activation_failed.RULE,
    nrpc_hardening.RULE,
    trust_broken.RULE,
    selective_auth.RULE,
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
    """Findings, worst and surest first, then by frame; every failed call is in one that is no mere note, but for an
    interface that was refused and that nobody missed (unk-if). `realms`: host (address or name) -> its Kerberos realm,
    where the user knows it."""
    evidence = Evidence(report, realms)
    about: dict[int, list[Weighed]] = defaultdict(list)
    for rule in RULES if evidence.failures else ():
        for hypothesis in rule.find(evidence):
            others = about[hypothesis.about.number]
            if rule.last_resort and not _is_unexplained(others):
                continue
            weighed = Weighed(rule, hypothesis)
            if rule.last_resort or weighed.confidence > 0:
                others.append(weighed)
    evidence.forget()
    found: list[Finding] = []
    for number in sorted(about):
        found += _judged(about.pop(number))
    return tuple(sorted(found, key=_worst_first))


def _is_unexplained(weighed: Sequence[Weighed]) -> bool:
    """Whether nothing explains a failure well enough, nor a last resort before; these come last in `RULES`."""
    return not any(each.rule.last_resort or each.confidence >= LEAST_TO_EXPLAIN for each in weighed)


def _judged(weighed: Sequence[Weighed]) -> Iterator[Finding]:
    """Of one failure: the surest explanation, or the last resort where there is one; the others as notes."""
    ordered = sorted(weighed, key=lambda each: (not each.rule.last_resort, -each.confidence))
    if ordered:
        yield ordered[0].finding(ordered[1:])
        for each in ordered[1:]:
            yield each.finding(runner_up=True)


def _worst_first(finding: Finding) -> tuple[object, ...]:
    capture = -1 if finding.capture is None else finding.capture
    return SEVERITIES.index(finding.severity), -finding.confidence, capture, finding.frames[:1], finding.rule
