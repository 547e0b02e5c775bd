"""Proves: each --table shows every record of its kind with the promised columns, or says that there is none."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from report_values import UNFILTERED, article_report, empty_report, full_report

from rpctrace.render.full_tables import FULL_TABLES
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.table import render
from rpctrace.report import Report


def lines_of(name: str, report: Report, verbosity: int = 0) -> list[str]:
    out = io.StringIO(newline="")
    render(report, out, RenderOptions(table=name, verbosity=verbosity, encoding_is_utf8=False))
    return out.getvalue().splitlines()


AUTH = """\
Frames    Carried in     Call id    Mechanism    Level        Token    Realm              Sname    User-to-user    Presented in             Ticket etype             AP options                       Outcome    Result
--------  -------------  ---------  -----------  -----------  -------  -----------------  -------  --------------  -----------------------  -----------------------  -------------------------------  ---------  ------------------------------
22 -> 23  alter_context  2          kerberos     PKT_PRIVACY  AP-REQ   child.domainA.COM  novice   yes             alter_context, frame 22  aes256-cts-hmac-sha1-96  use-session-key mutual-required  faulted    RPC_S_SEC_PKG_ERROR 0x00000721
"""  # noqa: E501  # the table is as wide as it is


def test_the_authentication_of_the_article() -> None:
    assert lines_of("auth", article_report()) == AUTH.splitlines()


@pytest.mark.parametrize(
    ("name", "rows", "words"),
    [
        ("calls", 4, ("accept_never", "40", "not captured", "? -> 23", "IClassFactory RemoteCreateInstance")[1:]),
        ("faults", 3, ("bind_nak authentication_type_not_recognized", "none (ntlm, DOMAINB\\novice)", "unanswered")),
        ("auth", 3, ("NEGOTIATE", "DOMAINB\\novice", "use-session-key mutual-required", "smb", "STATUS_LOGON_FAILURE")),
        ("endpoints", 1, ("ept_map", "10.3.0.33", "samr", "ept_s_not_registered")),
        ("events", 1, ("connection refused", "1 2", "STATUS_ACCESS_DENIED")),
        (
            "kerberos",
            1,
            ("10 -> 11", "KDC_ERR_S_PRINCIPAL_UNKNOWN (7) STATUS_NO_SUCH_USER", "RPCSS/novice.domainb.com"),
        ),
        ("streams", 2, ("joined late", "1 (1460 octets)", "2 to 41", "fin")),
    ],
)
def test_rows_and_words_of_the_full_report(name: str, rows: int, words: tuple[str, ...]) -> None:
    lines = lines_of(name, full_report())
    assert len(lines) == 2 + rows
    assert all(word in "\n".join(lines) for word in words)


@pytest.mark.parametrize("name", FULL_TABLES)
def test_an_empty_table_says_so_in_one_line(name: str) -> None:
    (line,) = lines_of(name, empty_report())
    assert line.startswith("No ")
    assert line.endswith(".")
    (filtered,) = lines_of(name, replace(empty_report(), unfiltered=UNFILTERED))
    assert filtered == f"{line[:-1]} among what the filters leave."


@pytest.mark.parametrize("name", FULL_TABLES)
def test_verbosity_adds_columns_and_takes_none_away(name: str) -> None:
    plain = set(lines_of(name, full_report())[0].split("  "))
    more = set(lines_of(name, full_report(), verbosity=1)[0].split("  "))
    assert {heading.strip() for heading in plain} < {heading.strip() for heading in more}
