"""Proves: what a line says stands in its entry, numbers with their names."""

from __future__ import annotations

from pathlib import Path

import pytest
from netlogon_lines import EXAMPLES, RETURNS

from rpctrace.assembly.log_entries import log_entry, log_facts
from rpctrace.logs.line import parse_line
from rpctrace.logs.opening import Log
from rpctrace.report import LogEntry


def test_a_logon() -> None:
    assert log_entry("netlogon.log", parse_line(RETURNS, 7), 1, 6, 2) == LogEntry(
        file="netlogon.log", line=7, flag="LOGON", kind="Generic", domain="CHILD.DOMAINA.COM", user=None,
        workstation=None, via="RESOURCE-WIN73", package="Kerberos", phase="Returns", status=0xC0000064,
        status_hex="0xc0000064", status_name="STATUS_NO_SUCH_USER", time="03-14T09:26:50", thread="412",
        hosted_domain="RESOURCE", text=None, partner=6, duration_s=2, year_turns=1,
    )  # fmt: skip


def test_any_other_line() -> None:
    entry = log_entry("n", parse_line("03/11 08:16:01 [CRITICAL] [1044] NlPrintRpcDebug: no", 2))
    assert (entry.text, entry.flag, entry.kind, entry.status, entry.status_hex, entry.status_name, entry.phase) == (
        "NlPrintRpcDebug: no", "CRITICAL", None, None, None, None, None,
    )  # fmt: skip


def test_success_has_a_name() -> None:
    entry = log_entry("n", parse_line(RETURNS.replace("0xC0000064", "0x0"), 2))
    assert (entry.status, entry.status_hex, entry.status_name) == (0, "0x00000000", "STATUS_SUCCESS")


@pytest.mark.parametrize(
    ("octets", "notes"),
    [
        (RETURNS.encode(), ()),
        (EXAMPLES[0][0].encode(), ()),
        (b"[MISC] x", ()),
        (b"SamLogon: x", ()),
        (b"\0\r\n\0\0", ()),
        (b"\xff\xd8\xff\n\n13/13 10:00:00 [LOGON] x",
         ("none of its 2 lines has a time, a flag or a logon: it may be no netlogon.log",)),
        (b"x" * 5000 + b"\n" + RETURNS.encode(), ("1 line is longer than 4096 characters: the rest is not read",)),
    ],
)  # fmt: skip
def test_what_is_to_be_said_of_a_log(tmp_path: Path, octets: bytes, notes: tuple[str, ...]) -> None:
    """One that holds other things than it should is told, with its numbers; an empty one is whole."""
    (tmp_path / "n").write_bytes(octets)
    with Log(str(tmp_path / "n")) as log:
        for _ in log:
            pass
        assert log_facts(log).notes == notes
