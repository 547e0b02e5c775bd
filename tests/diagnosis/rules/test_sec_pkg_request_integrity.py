"""0x721 to a request of an accepted context is about the message; a bare request on a protected connection is too."""

from __future__ import annotations

from dataclasses import replace

from incident_records import call
from judging import cause, faulted, findings, has, judged, kerberos, logged_on, ntlm, ntlm_legs, only
from report_values import EXTENDED_ERROR

from rpctrace.diagnosis.rules import sec_pkg_request_integrity as rule

RULE = rule.RULE
BAD = faulted(0x721, auth=kerberos())


def test_it_fires_on_a_changed_signature_and_not_on_a_failed_logon() -> None:
    """In the lab and in the sample; the first request after an NTLM auth3 is another rule's."""
    assert findings("lab/bad-signature-request.pcap").keys() == {RULE.name}
    assert RULE.name in findings("built/request-signature-refused.pcap")
    assert RULE.name not in findings("built/ntlm-auth3-sec-pkg-error.pcap")


def test_a_request_without_protection_is_told_apart() -> None:
    """Where the connection was authenticated; a connection of a stranger has nothing to protect with."""
    finding = cause("sec-pkg-request-integrity")[RULE.name]
    assert "without the protection" in finding.title
    assert RULE.name not in cause("sec-pkg-request-integrity-not")


def test_the_context_must_have_been_accepted() -> None:
    """No AP-REP, no answered request: nothing is claimed."""
    assert only(RULE, logged_on(), BAD).confidence == 0.76
    assert not judged(RULE, logged_on(auth=kerberos("AP-REQ")), BAD)
    assert not judged(RULE, BAD)


def test_clues_for_it() -> None:
    """Extended error 130, header signing that differs, earlier requests that worked, NTLM without signatures."""
    verifying = replace(BAD, extended_error=(replace(EXTENDED_ERROR, location=130),))
    assert only(RULE, logged_on(), verifying).confidence > 0.95
    third = call("third", 1.5, kind="alter_context", outcome="accepted", header_signing=True, auth=kerberos("AP-REP"))
    assert has(only(RULE, logged_on(header_signing=False), third, BAD), rule.HEADER_SIGNING)
    worked = call("worked", 1.7, auth=kerberos())
    assert has(only(RULE, logged_on(), worked, BAD), rule.EARLIER_WORKED)
    plain = replace(ntlm().ntlm, authenticate_flags=0x20080201)  # type: ignore[type-var]
    legs = ntlm_legs(names=plain)
    judged_ntlm = only(RULE, *legs, call("worked", 1.7, auth=ntlm(names=plain)), replace(BAD, auth=ntlm(names=plain)))
    assert has(judged_ntlm, rule.NO_INTEGRITY)


def test_what_speaks_against_it() -> None:
    """A third leg in an auth3 that nothing has proved; a record of a deferred leg."""
    late = call("auth3", 1.5, kind="auth3", outcome="not captured", auth=kerberos("AP-REP"), reply_frames=())
    assert has(only(RULE, logged_on(), late, BAD), rule.LATE_LEG)
    deferred = replace(BAD, extended_error=(replace(EXTENDED_ERROR, location=131),))
    assert only(RULE, logged_on(), deferred).confidence < 0.1


def test_other_answers_are_not_its_matter() -> None:
    """Another status, another PDU."""
    assert not judged(RULE, logged_on(), faulted(0x6F7, auth=kerberos()))
    assert not judged(RULE, logged_on(), replace(BAD, kind="alter_context"))
