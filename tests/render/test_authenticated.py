"""Calls and authentications outside DCE/RPC stand in one table, by frame."""

from __future__ import annotations

from dataclasses import replace

from report_values import AUTHENTICATION, article_report, full_report

from rpctrace.render import authenticated
from rpctrace.render.words import ASCII_SIGNS


def test_rows_are_in_the_order_of_their_frames() -> None:
    """By capture first; calls without a token or ticket are not among them."""
    earlier = replace(AUTHENTICATION, capture=0, request_frame=3)
    rows = authenticated.authenticated(article_report(authentications=(earlier,)))
    assert [(authenticated.carrier(row), authenticated.frames(row, ASCII_SIGNS)) for row in rows] == [
        ("smb", "3 -> 21"), ("alter_context", "22 -> 23"),
    ]  # fmt: skip


def test_what_a_refused_session_setup_says() -> None:
    """All tokens, the user, NTSTATUS and the error of Kerberos; one that was accepted has no result."""
    row = authenticated.Authenticated(AUTHENTICATION)
    assert authenticated.tokens(row) == "NEGOTIATE, CHALLENGE, AUTHENTICATE"
    assert (authenticated.user(row), authenticated.reply_token(row)) == ("DOMAINB\\novice", "CHALLENGE")
    assert authenticated.result(row) == "STATUS_LOGON_FAILURE\nKRB_AP_ERR_MODIFIED (41)"
    assert authenticated.result(authenticated.Authenticated(replace(AUTHENTICATION, outcome="accepted"))) == ""


def test_columns_of_calls_are_empty_for_others() -> None:
    """A session setup has no call id."""
    column = authenticated.of_call(lambda call: call.call_id)
    assert column(authenticated.Authenticated(AUTHENTICATION), ASCII_SIGNS) == ""
    assert column(authenticated.Authenticated(full_report().calls[0]), ASCII_SIGNS) == "2"
