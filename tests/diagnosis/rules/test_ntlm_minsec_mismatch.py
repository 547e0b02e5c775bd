"""NTLM that is refused, and messages that lack what the other side may demand."""

from __future__ import annotations

from dataclasses import replace

from judging import ALICE, ALL_FLAGS, answered, bound, cause, faulted, has, judged, ntlm, ntlm_legs, only

from rpctrace.diagnosis.rules import ntlm_minsec_mismatch as rule

RULE = rule.RULE
WEAK = ALL_FLAGS & ~0x20080000
WEAKLY = replace(ALICE, negotiate_flags=WEAK, challenge_flags=WEAK, authenticate_flags=WEAK)


def test_it_fires_on_missing_flags_and_not_on_a_wrong_password() -> None:
    """The same refusal with all flags is a logon that failed."""
    finding = cause("ntlm-minsec-mismatch")[RULE.name]
    assert "no 128-bit keys and no NTLMv2 session security" in finding.summary
    assert finding.severity == "high"
    assert RULE.name not in cause("ntlm-minsec-mismatch-not")


def test_the_side_that_lacks_it_is_named() -> None:
    """A CHALLENGE that does not take up what NEGOTIATE offers."""
    names = replace(ALICE, challenge_flags=ALL_FLAGS & ~0x20000000)
    weighed = only(RULE, *ntlm_legs(names=names), faulted(0x721, auth=ntlm(names=names)))
    assert has(weighed, rule.SERVER_LACKS)
    assert "the CHALLENGE of NTLM offers no 128-bit keys" in weighed.hypothesis.summary


def test_a_refused_bind_counts_unless_it_is_about_something_else() -> None:
    """bind_nak 0 does; the version (4) and the type (8) do not."""
    said = ntlm("NEGOTIATE", names=replace(WEAKLY, challenge_flags=None, authenticate_flags=None))
    for reason, hypotheses in ((0, 1), (4, 0), (8, 0)):
        nak = bound(outcome="rejected", reply="bind_nak", reject_reason=reason, auth=said)
        assert len(judged(RULE, nak)) == hypotheses


def test_the_same_flags_with_success_speak_against_it() -> None:
    """On the same server."""
    other = answered(5, auth=ntlm(names=WEAKLY), connection="tcp-0-9")
    weighed = only(RULE, *ntlm_legs(names=WEAKLY), faulted(0x721, auth=ntlm(names=WEAKLY)), other)
    assert has(weighed, rule.SAME_WORKED)
    assert has(weighed, rule.BOTH_MISSING)
    assert weighed.confidence < 0.1


def test_unknown_flags_claim_nothing() -> None:
    """A cut token has none, and fault 5 is not this."""
    unknown = replace(ALICE, negotiate_flags=None, challenge_flags=None, authenticate_flags=None)
    assert not judged(RULE, *ntlm_legs(names=unknown), faulted(0x721, auth=ntlm(names=unknown)))
    assert not judged(RULE, *ntlm_legs(names=WEAKLY), faulted(5, auth=ntlm(names=WEAKLY)))
