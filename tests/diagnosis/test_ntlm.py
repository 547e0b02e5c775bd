"""Users and operations that tell a failed logon from a missing permission."""

from __future__ import annotations

from dataclasses import replace

from incident_records import report
from judging import ALICE, answered, faulted, kerberos, logged_on, ntlm, ntlm_legs

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.ntlm import NtlmRecord

DENIED = faulted(5, auth=ntlm())


def test_who_was_let_in() -> None:
    """By an answered request on the same server."""
    worked = answered(5, auth=ntlm(), connection="tcp-0-1")
    assert NtlmRecord(Evidence(report(*ntlm_legs(), DENIED, worked))).let_in(DENIED)
    assert not NtlmRecord(Evidence(report(*ntlm_legs(), DENIED))).let_in(DENIED)
    elsewhere = replace(worked, capture=1)  # the same address at another time
    assert not NtlmRecord(Evidence(report(*ntlm_legs(), DENIED, elsewhere, captures=2))).let_in(DENIED)
    other = answered(5, auth=ntlm(names=replace(ALICE, user="bob")), connection="tcp-0-1")
    assert not NtlmRecord(Evidence(report(*ntlm_legs(), DENIED, other))).let_in(DENIED)


def test_what_is_denied_to_others() -> None:
    """On a context that was accepted."""
    others = [
        replace(each, id=f"other-{each.id}", connection="tcp-0-1")
        for each in (logged_on(6), faulted(5, 7, auth=kerberos()))
    ]
    record = NtlmRecord(Evidence(report(*ntlm_legs(), DENIED, *others)))
    denied = record.denied_to_others(DENIED)
    assert denied is not None
    assert denied.id == "other-faulted"
    assert record.denied_to_others(replace(DENIED, opnum=9)) is None
