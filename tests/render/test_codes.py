"""Proves: the codes of failures are explained once each, by the tables, and an unknown one has at least its number."""

from __future__ import annotations

from dataclasses import replace

from report_values import (
    AUTHENTICATION,
    ENDPOINT,
    EXTENDED_ERROR,
    answered_call,
    article_report,
    empty_report,
    full_report,
    refused_call,
)
from story_values import incident, log_entry

from rpctrace.explanation import explain
from rpctrace.render.codes import codes_of


def test_the_article_s_codes() -> None:
    codes = codes_of(incident())
    assert [(code.value, code.name) for code in codes] == [
        ("0x00000721", "RPC_S_SEC_PKG_ERROR"), ("27", "KDC_ERR_MUST_USE_USER2USER"),
    ]  # fmt: skip
    assert "Kerberos" in codes[0].does_not_prove
    assert codes[0].meaning
    assert codes[0].source.startswith("[MS-ERREF]")
    assert "Normal when: " in codes[1].cause


def test_every_carrier_of_a_code() -> None:
    report = replace(
        full_report(),
        calls=(refused_call(extended_error=(EXTENDED_ERROR,)), full_report().calls[1]),
        authentications=(replace(AUTHENTICATION, status=0xC000006D),),
        endpoints=(ENDPOINT,),
        log_entries=(log_entry(3, "Returns"),),
    )
    names = [code.name for code in codes_of(report)]
    assert names == [
        "RPC_S_SEC_PKG_ERROR", "STATUS_NO_SUCH_USER", "authentication_type_not_recognized",
        "KDC_ERR_S_PRINCIPAL_UNKNOWN", "STATUS_LOGON_FAILURE", "ept_s_not_registered",
    ]  # fmt: skip


def test_an_unknown_code_has_its_number() -> None:
    call = refused_call(status=0xDEAD0001, status_hex="0xdead0001", status_name=None)
    (code,) = codes_of(article_report(calls=(call,)))
    assert (code.value, code.name, code.meaning) == ("0xDEAD0001", "unknown status", "")


def test_a_code_is_explained_as_the_command_explains_it() -> None:
    """A status whose row has no meaning of its own has the borrowed one, on the page too."""
    call = refused_call(status=5, status_hex="0x00000005", status_name="ERROR_ACCESS_DENIED")
    for code in (*codes_of(incident()), *codes_of(article_report(calls=(call,)))):
        said = next(each for each in explain(code.value) if each.kind == code.kind)
        assert (code.meaning, code.proves, code.source) == (said.meaning, said.proves, said.source)
        assert code.meaning


def test_what_did_not_fail_explains_nothing() -> None:
    assert codes_of(article_report(calls=(answered_call(),))) == ()
    assert codes_of(empty_report()) == ()
