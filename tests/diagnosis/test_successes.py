"""What was got later from the same server, and who is logged on there."""

from __future__ import annotations

from incident_records import ntlm_authentication, report
from judging import activation, answered, bound, faulted, interface

from rpctrace.diagnosis.evidence import Evidence


def test_the_same_operation_later() -> None:
    """The next one after the failure; a request without an operation number is like those without one."""
    failed = faulted(5)
    calls = (answered(1, "before"), failed, answered(3, "next"), answered(4, "last"), answered(5, "other", opnum=9))
    found = Evidence(report(*calls)).successes.worked_later(failed)
    assert found is not None
    assert found.id == "next"


def test_an_interface_that_was_refused_beside_an_accepted_one_is_no_success() -> None:
    """Only contexts with result 0 count."""
    failed = bound(1, outcome="rejected", reply="bind_nak")
    beside = bound(3, id="again", interfaces=(interface(result=2, reason=1), interface("other", 0, 0, 1)))
    assert Evidence(report(failed, beside)).successes.worked_later(failed) is None
    assert Evidence(report(failed, bound(3, id="again"))).successes.worked_later(failed) is not None


def test_an_answer_that_says_that_it_failed_is_no_success() -> None:
    """E_ACCESSDENIED in the answer of an activation."""
    first, again = activation(2, 0x80070005), activation(3, 0x80070005, "again")
    assert Evidence(report(first, again)).successes.worked_later(first) is None
    assert Evidence(report(first, activation(3, 0, "given"))).successes.worked_later(first) is not None


def test_sessions_are_those_of_the_two_hosts() -> None:
    """In order, of one protocol."""
    late, early = ntlm_authentication("auth-2", 2), ntlm_authentication("auth-1", 1)
    other = ntlm_authentication("auth-3", 1, server=early.client)
    ldap = ntlm_authentication("auth-4", 1, carried_in="ldap")
    successes = Evidence(report(late, early, other, ldap)).successes
    assert [each.id for each in successes.sessions(early)] == ["auth-1", "auth-2"]
    assert [each.id for each in successes.sessions(early, "ldap")] == ["auth-4"]
