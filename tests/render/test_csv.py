"""Proves: the CSV is RFC 4180, one flat row a call, and no cell starts a formula."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from report_values import HOSTILE_TEXTS, KERBEROS, TICKET, article_report, full_report, hostile_report, refused_call

from rpctrace.render.csv import COLUMNS, cell, render
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Report


def text_of(report: Report) -> str:
    out = io.StringIO(newline="")
    render(report, out, RenderOptions())
    return out.getvalue()


def rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(report), newline="")))


def test_the_article_s_call_as_a_row() -> None:
    row = rows(article_report())[1]
    shown = {name: value for name, value in row.items() if value}
    assert shown == {
        "id": "call-3",
        "capture": "0",
        "connection": "tcp-1",
        "kind": "alter_context",
        "transport": "ncacn_ip_tcp",
        "client_address": "10.2.0.21",
        "client_port": "49834",
        "server_address": "10.3.0.33",
        "server_port": "52042",
        "call_id": "2",
        "interface_uuid": "00000001-0000-0000-c000-000000000046",
        "interface_name": "IClassFactory",
        "request_frames": "22",
        "request_ns": "1330852502000000000",
        "request_time": "2012-03-04T09:15:02.000000000Z",
        "reply_frames": "23",
        "reply_ns": "1330852502042000000",
        "reply_time": "2012-03-04T09:15:02.042000000Z",
        "reply": "fault",
        "outcome": "faulted",
        "failed": "true",
        "status": "1825",
        "status_hex": "0x00000721",
        "status_name": "RPC_S_SEC_PKG_ERROR",
        "auth_context_id": "0",
        "auth_mechanism": "kerberos",
        "auth_level_name": "PKT_PRIVACY",
        "auth_token": "AP-REQ",
        "ticket_realm": "child.domainA.COM",
        "ticket_sname": "novice",
        "ticket_etype": "18",
        "ticket_etype_name": "aes256-cts-hmac-sha1-96",
        "ticket_ap_options": "use-session-key mutual-required",
        "ticket_user_to_user": "true",
        "ticket_presented_in": "alter_context",
        "ticket_frame": "22",
        "partial": "false",
    }


def test_lines_end_with_cr_lf_and_all_have_the_columns() -> None:
    lines = text_of(full_report()).split("\r\n")
    assert lines[-1] == ""
    assert "\n" not in "".join(lines)
    assert lines[0] == ",".join(name for name, _ in COLUMNS)
    assert len(lines) == 1 + len(full_report().calls) + 1


def test_quotes_commas_and_lists() -> None:
    call = refused_call(
        request_frames=(20, 22), ticket=replace(TICKET, sname=("host", 'a"b,c')), notes=("one", "two, three")
    )
    text = text_of(article_report(calls=(call,)))
    assert '"host/a""b,c"' in text
    row = rows(article_report(calls=(call,)))[0]
    assert (row["request_frames"], row["ticket_sname"], row["notes"]) == ("20 22", 'host/a"b,c', "one; two, three")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\tx", "'\\x09x"),
        ("\rx", "'\\x0dx"),
        ("\0x", "'\\x00x"),
        ("\uff1d1", "'\uff1d1"),
        (-1, "-1"),
        ("a=b", "a=b"),
        ("", ""),
        (None, ""),
        (True, "true"),
        ("1e5", "1e5"),
        ("\x1b[31m", "\\x1b[31m"),
    ],
)
def test_a_cell(value: str | int | None, expected: str) -> None:
    assert cell(value) == expected


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_stays_in_its_cell_and_starts_no_formula(text: str) -> None:
    report = hostile_report(text)
    read = rows(report)
    assert len(read) == len(report.calls)
    for row in read:
        assert None not in row
        assert not [value for value in row.values() if value.startswith(("=", "+", "-", "@"))]


def test_a_call_without_security_has_empty_cells() -> None:
    row = rows(article_report(calls=(refused_call(auth=None, ticket=None),)))[0]
    assert not [name for name, value in row.items() if name.startswith(("auth_", "ticket_")) and value]
    assert replace(KERBEROS, ntlm=None) == KERBEROS
