"""bind_nak 8: the server has no such package."""

from __future__ import annotations

from judging import bound, findings, has, judged, kerberos, only

from rpctrace.diagnosis.rules import authtype_unknown as rule

RULE = rule.RULE


def test_it_fires_on_reason_8_only() -> None:
    """Reason 9 is about the token."""
    assert findings("lab/nak-auth-type.pcap")[RULE.name].severity == "medium"
    assert RULE.name not in findings("built/bind-nak-extended-error.pcap")


def test_a_later_success_makes_it_low() -> None:
    """Of the same client with another type."""
    refused = bound(1, outcome="rejected", reply="bind_nak", reject_reason=8, auth=kerberos("AP-REQ"))
    again = bound(3, connection="tcp-0-1", auth=kerberos("AP-REQ", auth_type=16))
    assert only(RULE, refused).hypothesis.severity is None
    assert only(RULE, refused, again).hypothesis.severity == "low"


def test_the_type_may_be_none_that_exists_and_may_be_accepted_elsewhere() -> None:
    """For and against."""
    refused = {"outcome": "rejected", "reply": "bind_nak", "reject_reason": 8}
    strange = bound(1, **refused, auth=kerberos("unknown", auth_type=153, auth_type_name=None))
    assert has(only(RULE, strange), rule.NO_SUCH_TYPE)
    accepted = bound(0.5, connection="tcp-0-1", auth=kerberos("AP-REQ", "AP-REP"))
    assert has(only(RULE, bound(1, **refused, auth=kerberos("AP-REQ")), accepted), rule.SAME_ACCEPTED)
    assert only(RULE, bound(1, **refused)).confidence == 0.95
    assert not judged(RULE, bound())
