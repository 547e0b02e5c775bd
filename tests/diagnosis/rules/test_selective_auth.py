"""Selective authentication, wherever its status stands."""

from __future__ import annotations

from dataclasses import replace

from incident_records import exchange, ntlm_authentication, refused, tgt
from judging import cause, faulted, has, judged, log_line, ntlm, ntlm_legs, only
from report_values import EXTENDED_ERROR

from rpctrace.diagnosis.rules import selective_auth as rule

RULE = rule.RULE
POLICY = refused(12, "KDC_ERR_POLICY")
FOREIGN = {"sname": ("cifs", "fs1"), "realm": "DOMAINB.COM", "presented": tgt("DOMAINB.COM", "DOMAINA.COM")}


def test_it_fires_on_the_status_and_not_on_another() -> None:
    """In the e-data of KDC_ERR_POLICY."""
    finding = cause("selective-auth")[RULE.name]
    assert (finding.severity, finding.confidence) == ("high", 0.98)
    assert RULE.name not in cause("selective-auth-not")


def test_the_error_alone_fits_a_foreign_ticket() -> None:
    """Without e-data it is less sure; without a foreign ticket, or in an AS exchange, it is nothing."""
    weighed = only(RULE, exchange("krb-1", 1, **FOREIGN, **POLICY))
    assert weighed.confidence == 0.6
    assert weighed.hypothesis.missing
    own = {**FOREIGN, "presented": tgt("DOMAINB.COM")}
    assert not judged(RULE, exchange("krb-1", 1, **own, **POLICY))
    assert not judged(RULE, exchange("krb-1", 1, kind="AS", **FOREIGN, **POLICY))


def test_the_netbios_name_of_a_realm_is_no_other_realm() -> None:
    """Windows asks the KDC of its own realm by it. A realm whose whole name is one label is another."""
    own = {**FOREIGN, "realm": "DOMAINB", "presented": tgt("DOMAINB.COM")}
    assert not judged(RULE, exchange("krb-1", 1, **own, **POLICY))
    alone = {**FOREIGN, "realm": "LAB", "presented": tgt("LAB", "CORP")}
    assert judged(RULE, exchange("krb-1", 1, **alone, **POLICY))


def test_a_line_without_a_domain_is_told_in_words() -> None:
    line = log_line(0xC0000413, domain=None, user=None, workstation=None, via=None)
    assert "None" not in only(RULE, log_entries=(line,)).hypothesis.summary


def test_another_status_refutes() -> None:
    """Logon hours."""
    asked = exchange("krb-1", 1, **FOREIGN, **POLICY, ntstatus=0xC000006F, ntstatus_hex="0xc000006f")
    weighed = only(RULE, asked)
    assert has(weighed, rule.OTHER_STATUS)
    assert weighed.confidence == 0


def test_authentications_logs_and_calls_tell() -> None:
    """The same NTSTATUS of SMB, in netlogon.log, and joined to a refused call; Win32 1935 in a fault."""
    over_smb = ntlm_authentication("auth-1", 1, outcome="rejected", status=0xC0000413)
    assert only(RULE, over_smb).confidence == 0.98
    assert has(only(RULE, log_entries=(log_line(0xC0000413),)), rule.STATUS)
    denied = faulted(5, auth=ntlm())
    told = judged(RULE, *ntlm_legs(), denied, log_entries=(log_line(0xC0000413, "faulted"),))
    assert len(told) == 2
    assert only(RULE, faulted(1935)).confidence == 0.98
    extended = replace(denied, extended_error=(replace(EXTENDED_ERROR, status=1935),))
    assert only(RULE, extended).confidence == 0.98
    assert not judged(RULE, denied)
