"""The KDC does not know the service, and NTLM takes its place."""

from __future__ import annotations

from dataclasses import replace

from incident_records import exchange, ntlm_authentication, refused, tgs_exchange, ticket
from judging import cause, faulted, findings, has, judged, ntlm, ntlm_legs, shared
from shared_captures import needs_shared

from rpctrace.diagnosis.rules import spn_unknown_ntlm as rule

RULE = rule.RULE
ASKED = exchange("krb-1", 1, sname=("cifs", "dc1.domainb.com"), realm="DOMAINB.COM", **refused())
NTLM = ntlm_authentication("auth-1", 2, after_error="krb-1")


def test_where_ntlm_works_it_is_low() -> None:
    """About the refusal of the KDC."""
    finding = findings("built/ntlm-fallback.pcap")[RULE.name]
    assert finding.severity == "low"
    assert finding.concerns[0].startswith("krb-")
    assert RULE.name not in cause("spn-unknown-ntlm-not")


def test_where_ntlm_fails_it_is_not() -> None:
    """And the failure itself gets it as a rival of what its status says."""
    found = cause("spn-unknown-ntlm")
    assert found[RULE.name].severity == "medium"
    assert RULE.name in [rival.rule for rival in found["bad-password"].rivals]


@needs_shared
def test_real_fallbacks_are_low() -> None:
    """DCOM of Windows, and HTTP."""
    for name in ("public/dcom-classfactory-ntlm-fallback.pcap",
                 "netmon/MS-RMSOD_Example2_Win2016_X64_Win10_X64_Domain_v-yvrich.cap"):  # fmt: skip
        found = shared(name)
        assert {each.severity for each in found.values()} == {"low"}
        assert RULE.name in found


def test_clues() -> None:
    """The same host, NTLM's own causes, a ticket after all."""
    (about_kdc,) = judged(RULE, ASKED, NTLM)
    assert has(about_kdc, rule.SAME_HOST)
    failed = replace(NTLM, outcome="rejected", status=0xC000006A)
    about_kdc, about_ntlm = judged(RULE, ASKED, failed)
    assert about_kdc.hypothesis.severity is None
    assert has(about_ntlm, rule.OWN_CAUSE)
    issued = tgs_exchange("krb-2", 3, None, ticket("DOMAINB.COM", "cifs", "dc1.domainb.com"))
    assert has(judged(RULE, ASKED, issued, NTLM)[0], rule.MADE_GOOD)


def test_addresses_are_compared_whole_and_ports_not_at_all() -> None:
    """10.9.1.1 is not 10.77.0.12, though both begin with 10; cifs/10.77.0.12 is this server; a port is no name."""
    for named, target, same in (
        ("10.9.1.1", "\\\\10.77.0.12\\ipc$", False),
        ("10.77.0.12", "\\\\10.77.0.12\\ipc$", True),
        ("10.77.0.12", None, True),
        ("dc1.domainb.com:1433", None, True),
    ):
        asked = replace(ASKED, sname=("cifs", named))
        (about_kdc,) = judged(RULE, asked, replace(NTLM, target=target))
        assert has(about_kdc, rule.SAME_HOST) is same, (named, target)


def test_calls_fall_back_too() -> None:
    """The legs carry what came before; other errors are other rules'."""
    legs = ntlm_legs(2, after_error="krb-1")
    about_kdc, about_call = judged(RULE, ASKED, *legs, faulted(5, 3, auth=ntlm()))
    assert about_kdc.hypothesis.severity is None
    assert about_call.hypothesis.about.calls
    skewed = replace(ASKED, error=37)
    assert not judged(RULE, skewed, *legs)
