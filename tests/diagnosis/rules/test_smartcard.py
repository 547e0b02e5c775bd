"""Logons with a certificate, by the errors that are kept for them and by what the request carried."""

from __future__ import annotations

import pytest
from causes import fired, judged, logon, named, seen, stays_silent

from rpctrace.diagnosis.rules import smartcard
from rpctrace.report import PaData

CERTIFICATE = (PaData(16, "PA-PK-AS-REQ"),)


def test_the_kdc_says_so() -> None:
    finding = fired("smartcard")
    assert "NTAuth" in finding.summary
    assert seen(finding, smartcard.STATUS_TOO.weight)


def test_a_password_that_is_refused_in_the_same_words_is_not() -> None:
    held = stays_silent("smartcard")
    assert named(held.findings, "smartcard") == []
    assert held.findings[0].rule == "kdc-refused"


@pytest.mark.parametrize("error", [62, 66, 70, 81])
def test_errors_for_certificates_need_no_more(error: int) -> None:
    assert judged(logon("krb-1", 1, error), rule="smartcard")


@pytest.mark.parametrize("error", [16, 24])
def test_other_errors_need_a_certificate_in_the_request(error: int) -> None:
    assert judged(logon("krb-1", 1, error, request_pa_data=CERTIFICATE), rule="smartcard")
    assert not judged(logon("krb-1", 1, error), rule="smartcard")


@pytest.mark.parametrize("error", [67, 68, 69, 82])
def test_the_errors_between_are_others(error: int) -> None:
    assert not judged(logon("krb-1", 1, error), rule="smartcard")
