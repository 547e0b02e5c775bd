"""PDUs against the rules, and which rule it is."""

from __future__ import annotations

from incident_records import call
from judging import bound, faulted, findings, has, judged, kerberos, logged_on, ntlm, only

from rpctrace.diagnosis.rules import protocol_error as rule

RULE = rule.RULE


def test_it_says_what_is_broken() -> None:
    """A second bind, a context for another interface, a version, a trailer, requests at the same time."""
    for name, said in (
        ("proto-error-second-bind", "bound before"),
        ("alter-changed-syntax", "presentation context 0 stands for another interface"),
        ("nak-version", "the version"),
        ("test_ntlmssp_auth_pad_fail_auth3", "trailer of the auth3 is malformed"),
        ("test_mix_requests", "another request was open"),
    ):
        finding = findings(f"lab/{name}.pcap")[RULE.name]
        assert said in finding.summary
        assert finding.confidence > 0.8


def test_a_token_that_was_refused_is_another_matter() -> None:
    """bind_nak 0 and 9 with a token, reason 8."""
    for name in ("lab/bind-wrongkey-krb5.pcap", "built/bind-nak-extended-error.pcap", "lab/nak-auth-type.pcap"):
        assert RULE.name not in findings(name)


def test_without_a_breach_that_shows_it_is_less_sure() -> None:
    """And says that the frames do not show it."""
    weighed = only(RULE, bound(), faulted(0x1C01000B))
    assert weighed.confidence == 0.55
    assert "do not show" in weighed.hypothesis.summary


def test_further_breaches() -> None:
    """No contexts, an unfinished logon, a second one, an association group that nobody knows."""
    assert has(only(RULE, bound(), faulted(0x6C0, kind="alter_context", interfaces=())), rule.NO_CONTEXTS)
    begun = bound(auth=ntlm("NEGOTIATE", "CHALLENGE"))
    assert has(only(RULE, begun, faulted(0x1C01000B, auth=ntlm())), rule.UNFINISHED)
    worked = call("worked", 1.5, auth=kerberos())
    again = faulted(0x1C01000B, kind="auth3", auth=kerberos("AP-REQ"), interfaces=())
    assert has(only(RULE, logged_on(), worked, again), rule.SECOND_LOGON)
    nak = bound(outcome="rejected", reply="bind_nak", reject_reason=0, association_group=0x1234)
    assert has(only(RULE, nak), rule.UNKNOWN_GROUP)
    assert not judged(RULE, bound(), faulted(5))
