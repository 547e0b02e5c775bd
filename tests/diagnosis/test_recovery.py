"""What failed and was later done."""

from __future__ import annotations

from incident_records import as_exchange, exchange, ntlm_authentication, refused, report, tgt
from judging import answered, bound, faulted

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.recovery import recovered, recovered_logon, recovered_severity, successes_beside


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


def test_successes_beside_a_failure() -> None:
    """Of each kind of record; what came later goes before what came earlier, and without any there is none."""

    def beside(*records: object) -> list[str]:
        evidence = Evidence(report(*records))
        (failure,) = evidence.failures
        return [each.id for each in successes_beside(evidence, failure)]

    assert beside(faulted(5), answered(3)) == ["answered"]
    assert beside(faulted(5)) == []
    failed = ntlm_authentication("auth-1", 1, outcome="rejected")
    assert beside(failed, ntlm_authentication("auth-2", 2)) == ["auth-2"]
    wrong = exchange("krb-2", 2, **{**refused(24), "kind": "AS", "sname": ("krbtgt", "A")})
    before, after = as_exchange("krb-1", 1, tgt("A")), as_exchange("krb-3", 3, tgt("A"))
    assert beside(before, wrong) == ["krb-1"]
    assert beside(before, wrong, after) == ["krb-3"]
    assert beside(wrong) == []
