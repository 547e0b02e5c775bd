"""Proves: the table has calls, exchanges and authentications in order, and a large capture keeps what findings say."""

from __future__ import annotations

from dataclasses import replace

from report_values import START_NS, answered_call, article_report, full_report, refused_call
from story_values import incident

from rpctrace.render.html_table import MOST_BLAMED, MOST_ROWS, table_of


def test_the_article_s_rows() -> None:
    table = table_of(incident())
    assert (len(table.rows), table.total, table.left_out) == (29, 29, 0)
    (failed,) = [row for row in table.rows if row.failed and row.kind == "rpc"]
    assert (failed.chip, failed.filter, failed.time, failed.what) == (
        "[1] 297 \u2192 298", "frame.number in {296..298}", "39.756200", "alter_context",
    )  # fmt: skip
    assert (failed.about, failed.ticket, failed.result, failed.blamed) == (
        "IClassFactory", "novice@child.domainA.COM (user-to-user)", "RPC_S_SEC_PKG_ERROR 0x00000721", True,
    )  # fmt: skip
    assert [row.time for row in table.rows] == sorted((row.time for row in table.rows), key=float)


def test_every_kind_of_record() -> None:
    rows = table_of(full_report()).rows
    assert {row.kind for row in rows} == {"rpc", "kerberos", "authentication"}
    (exchange,) = [row for row in rows if row.kind == "kerberos"]
    assert (exchange.what, exchange.about, exchange.ticket, exchange.failed) == (
        "TGS", "RPCSS/novice.domainb.com in child.domainA.COM", "expert", True,
    )  # fmt: skip
    (said,) = [row for row in rows if row.kind == "authentication"]
    assert (said.what, said.result) == ("smb ntlm", "rejected STATUS_LOGON_FAILURE")


def test_kerberos_inside_a_call_is_no_row_of_its_own() -> None:
    inside = replace(full_report().kerberos[0], carried_in="dcerpc", call="call-3")
    assert not any(row.kind == "kerberos" for row in table_of(replace(full_report(), kerberos=(inside,))).rows)


def test_a_large_capture_keeps_what_the_findings_are_about() -> None:
    many = tuple(answered_call(id=f"call-1{n:05}", request_ns=START_NS - n) for n in range(10_000))
    table = table_of(article_report(calls=(*many, refused_call())))
    assert len(table.rows) == MOST_ROWS
    assert (table.total, table.left_out, table.left_out_blamed) == (10_001, 10_001 - MOST_ROWS, 0)
    assert sum(row.blamed for row in table.rows) == 1


def test_findings_about_very_many_calls_leave_room_for_others() -> None:
    failed = tuple(refused_call(id=f"call-2{n:05}") for n in range(3_000))
    others = tuple(answered_call(id=f"call-1{n:05}") for n in range(3_000))
    report = article_report(calls=(*failed, *others))
    finding = replace(report.findings[0], calls=tuple(call.id for call in failed))
    table = table_of(replace(report, findings=(finding,)))
    assert sum(row.blamed for row in table.rows) == MOST_BLAMED
    assert len(table.rows) == MOST_ROWS
    assert table.left_out_blamed == 3_000 - MOST_BLAMED
