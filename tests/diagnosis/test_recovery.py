"""What failed and was later done."""

from __future__ import annotations

from incident_records import ntlm_authentication, report
from judging import answered, bound, faulted

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.recovery import recovered, recovered_logon, recovered_severity


def test_a_call_is_made_good_by_the_same_operation_later() -> None:
    """Not by another, not by an earlier one, not by another server's."""
    failed = faulted(5)
    for other, good in (
        (answered(3), True), (answered(3, opnum=9), False), (answered(1), False),
        (answered(3, server=failed.client), False),
    ):  # fmt: skip
        assert bool(recovered(Evidence(report(failed, other)), failed)) is good


def test_a_bind_is_made_good_by_the_interface() -> None:
    """By a bind, or by any request of it."""
    failed = bound(1, outcome="rejected", reply="bind_nak")
    for other in (bound(3, id="again"), answered(3, opnum=9)):
        assert recovered(Evidence(report(failed, other)), failed)
    assert not recovered(Evidence(report(failed)), failed)


def test_a_logon_is_made_good_by_the_next_over_the_same_protocol() -> None:
    """SMB by SMB."""
    failed = ntlm_authentication("auth-1", 1, outcome="rejected")
    assert recovered_logon(Evidence(report(failed, ntlm_authentication("auth-2", 2))), failed)
    assert not recovered_logon(Evidence(report(failed, ntlm_authentication("auth-2", 2, carried_in="ldap"))), failed)
    assert not recovered_logon(Evidence(report(failed, ntlm_authentication("auth-0", 0.5))), failed)


def test_severity() -> None:
    """Low, or what the caller says."""
    items = recovered(Evidence(report(faulted(5), answered(3))), faulted(5))
    assert recovered_severity(items, "high") == "low"
    assert recovered_severity((), "high") == "high"
    assert recovered_severity(()) is None
