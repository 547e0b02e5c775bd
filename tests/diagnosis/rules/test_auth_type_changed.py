"""A trailer that does not fit its security context; one that does is another matter."""

from __future__ import annotations

from incident_records import stream
from judging import answered, bound, cause, faulted, findings, has, judged, kerberos, logged_on, only

from rpctrace.diagnosis.rules import auth_type_changed as rule

RULE = rule.RULE


def test_it_fires_on_another_type_and_not_on_the_same() -> None:
    """In an alter_context, recorded and made."""
    assert "auth type 10 after 9" in cause("auth-type-changed")[RULE.name].summary
    assert RULE.name not in cause("auth-type-changed-not")
    assert findings("lab/test_spnego_change_auth_type1.pcap").keys() == {RULE.name}


def test_another_level_on_a_request() -> None:
    """Level 2 on a context of level 5."""
    weighed = only(RULE, logged_on(), faulted(5, auth=kerberos(level=2)))
    assert "auth level 2 after 5" in weighed.hypothesis.summary
    assert not judged(RULE, logged_on(), faulted(5, auth=kerberos()))


def test_a_context_that_was_never_set_up() -> None:
    """Only where the connection was captured from its beginning."""
    strange = faulted(5, auth=kerberos(context_id=7, auth_type=111, auth_type_name=None))
    weighed = only(RULE, bound(), strange, stream("tcp-0-0", 1))
    assert "security context 7" in weighed.hypothesis.summary
    assert has(weighed, rule.UNKNOWN_TYPE)
    assert not judged(RULE, bound(), strange, stream("tcp-0-0", 1, joined_late=True))
    assert not judged(RULE, strange)


def test_a_protocol_error_is_less_sure() -> None:
    """And the same accepted before refutes."""
    weighed = only(RULE, logged_on(), faulted(0x1C01000B, auth=kerberos(level=2)))
    assert has(weighed, rule.PROTOCOL_ERROR)
    assert weighed.confidence < 0.7
    accepted = answered(1.5, auth=kerberos(level=2))
    assert only(RULE, logged_on(), accepted, faulted(5, auth=kerberos(level=2))).confidence == 0
