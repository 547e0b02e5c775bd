"""Parquet: the calls with the columns of the CSV, typed; hostile text is safe; without pyarrow one plain line and 4."""

from __future__ import annotations

import io
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from console_samples import article
from report_values import HOSTILE_TEXTS, START_NS, article_report, empty_report, full_report, hostile_report

from rpctrace import cli
from rpctrace.errors import EngineError, UsageError
from rpctrace.render import parquet
from rpctrace.render.csv import COLUMNS
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Report

needs_pyarrow = pytest.mark.skipif(
    find_spec("pyarrow") is None, reason="pyarrow is not installed (pip install '.[parquet]')"
)


def table(report: Report) -> Any:
    from pyarrow import parquet as reader

    out = io.BytesIO()
    parquet.render_octets(report, out, RenderOptions())
    return reader.read_table(io.BytesIO(out.getvalue()))


@needs_pyarrow
@pytest.mark.parametrize("report", [empty_report(), article_report(), full_report()])
def test_the_columns_of_the_csv_with_types(report: Report) -> None:
    found = table(report)
    assert {field.name: str(field.type).replace("element: ", "").replace("item: ", "") for field in found.schema} == (
        parquet.column_types()
    )
    assert found.column_names == [name for name, _ in COLUMNS]
    assert found.num_rows == len(report.calls)
    assert found.schema.metadata[b"rpctrace.schema"] == b"rpctrace.report/1"


@needs_pyarrow
def test_the_article_s_call() -> None:
    row = table(article_report()).to_pylist()[1]
    assert (row["status"], row["status_name"], row["failed"]) == (0x721, "RPC_S_SEC_PKG_ERROR", True)
    assert (row["request_frames"], row["reply_frames"]) == ([22], [23])
    assert (row["ticket_realm"], row["ticket_user_to_user"]) == ("child.domainA.COM", True)
    assert row["request_ns"] >= START_NS
    assert int(row["request_time"].timestamp()) == row["request_ns"] // 10**9


@needs_pyarrow
@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_is_safe(text: str) -> None:
    for row in table(hostile_report(text)).to_pylist():
        assert all(value.isprintable() for value in row.values() if isinstance(value, str))


@needs_pyarrow
def test_times_beyond_the_type_are_unknown() -> None:
    calls = tuple(replace(call, request_ns=2**64, request_time=None) for call in article_report().calls)
    assert table(replace(article_report(), calls=calls)).column("request_ns").to_pylist() == [None] * len(calls)


@needs_pyarrow
def test_many_calls_are_written_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_ROWS_AT_ONCE", 3)
    assert table(full_report()).column("id").to_pylist() == [call.id for call in full_report().calls]


@needs_pyarrow
def test_the_command_writes_it_and_knows_it_again(tmp_path: Path) -> None:
    """A second run replaces its own file, and no other Parquet file."""
    import pyarrow
    from pyarrow import parquet as writer

    capture, out = article(tmp_path), tmp_path / "calls.parquet"
    assert cli.main(["-q", str(capture), "-o", str(out)]) == 0
    first = out.read_bytes()
    assert cli.main(["-q", str(capture), "-o", str(out)]) == 0
    assert out.read_bytes() == first
    writer.write_table(pyarrow.table({"x": [1]}), out)
    assert cli.main(["-q", str(capture), "-o", str(out)]) == 2


def test_without_pyarrow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is read: even a capture that is not there is not looked at."""
    monkeypatch.setattr(parquet, "find_spec", lambda _name: None)
    assert cli.main([str(tmp_path / "none.pcap"), "-o", str(tmp_path / "x.parquet")]) == 4
    assert capsys.readouterr().err == (
        "rpctrace: Parquet needs pyarrow, which is not installed: pip install 'rpctrace[parquet]'\n"
    )
    with pytest.raises(EngineError):
        parquet.require()


def test_it_is_no_text() -> None:
    with pytest.raises(UsageError, match=r"-o FILE\.parquet"):
        parquet.render(empty_report(), io.StringIO(), RenderOptions())
