"""Refusals because of an account, wherever they show."""

from __future__ import annotations

import pytest
from causes import log_line, logon
from incident_records import call, ntlm_authentication, report

from rpctrace.diagnosis import accounts
from rpctrace.diagnosis.accounts import Refused
from rpctrace.diagnosis.evidence import Evidence

WRONG = 0xC000006A


def refused(*records: object, **changes: object) -> list[Refused]:
    return list(accounts.refused(Evidence(report(*records, **changes)), (24,), (WRONG,)))


def test_each_place_is_named_with_who_and_where() -> None:
    """A KDC, a session setup, a call that a log explains, a line of a log alone."""
    setup = ntlm_authentication("auth-1", 1, outcome="rejected", status=WRONG)
    failed = call("call-1", 1, outcome="faulted", status=5, reply="fault")
    lines = log_line(1, WRONG, calls=("call-1",), joined_by=("time",)), log_line(2, WRONG, user="bob")
    found = refused(logon("krb-1", 1, 24), setup, failed, log_entries=lines)
    assert [(each.who, each.is_from_log_alone) for each in found] == [
        ("alice-a at 10.77.0.50", False),
        ("DOMAINB\\alice at 10.77.0.50", False),
        ("CHILD\\alice-a from WS1", False),
        ("CHILD\\bob from WS1", True),
    ]
    assert "(smb)" in found[1].where


def test_the_other_half_of_a_pair_makes_a_line_one_about_a_call() -> None:
    entered = log_line(1, WRONG, phase="Entered", calls=("call-1",), partner=2)
    assert refused(log_entries=(entered, log_line(2, WRONG, partner=1))) == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"carried_in": "smb", "status": 5}, 5),
        ({"carried_in": "ldap", "notes": ("AcceptSecurityContext error, data 52e, v1",)}, 0xC000006D),
        ({"carried_in": "ldap", "notes": ("AcceptSecurityContext error, data 52f1, v1",)}, None),
        ({"carried_in": "http", "notes": ("",)}, None),
        ({"carried_in": "smb", "status": WRONG, "mechanism": "kerberos"}, None),
    ],
)
def test_the_ntstatus_of_an_authentication(changes: dict[str, object], status: int | None) -> None:
    assert accounts.ntstatus_of(ntlm_authentication("auth-1", 1, **changes)) == status
