"""Servers without room."""

from __future__ import annotations

from judging import answered, bound, cause, faulted, findings, has, interface, judged, only

from rpctrace.diagnosis.rules import server_too_busy as rule

RULE = rule.RULE


def test_it_fires_on_the_servers_own_words() -> None:
    """And not on the same status as the answer to an auth3, which is about its trailer."""
    assert cause("server-too-busy").keys() == {RULE.name}
    assert RULE.name not in findings("lab/test_ntlmssp_auth_pad_fail_auth3.pcap")


def test_binds_are_refused_for_it_too() -> None:
    """Reasons 1 and 2, a local limit of a context; not reason 4."""
    for reason, said in ((1, 1), (2, 1), (4, 0)):
        nak = bound(1, outcome="rejected", reply="bind_nak", reject_reason=reason)
        assert len(judged(RULE, nak)) == said
    limited = bound(1, outcome="rejected", interfaces=(interface(result=2, reason=3),))
    assert only(RULE, limited).confidence == 0.9


def test_many_make_it_surer_and_a_success_low() -> None:
    """Three refusals; one that got through."""
    refused = [faulted(0x6BB, at, id=f"call-{at}") for at in (1, 2, 3)]
    assert has(only(RULE, *refused), rule.REPEATED)
    assert only(RULE, refused[0], answered(3)).hypothesis.severity == "low"
