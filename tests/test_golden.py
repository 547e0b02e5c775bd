"""What is said of every sample, as texts that a person can read; and its JSON document against the schema.

A text stands in tests/golden where it says more than that nothing was found; that of the calls always does.
`--update-golden` rewrites the texts; a change of one is explained in its commit.
"""

from __future__ import annotations

import io
import json
from functools import lru_cache
from pathlib import Path

import jsonschema
import pytest
from shared_captures import OWN, captures_in, name_of

from rpctrace.analysis import analyze
from rpctrace.render.json import schema_text
from rpctrace.render.registry import rendering_named
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Report

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = captures_in(OWN)
VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema_text()))
# Name of the text, and the table in it; None is the short report.
TABLES = {"calls": "calls", "kerberos": "kerberos", "auth": "auth", "endpoints": "endpoints", "report": None}


@lru_cache(maxsize=1)
def report_of(path: Path) -> Report:
    """Of the sample under the name that it has below captures/, where the test must be."""
    return analyze(name_of(path))


def text_of(report: Report, table: str | None) -> str:
    out = io.StringIO()
    rendering_named("text").render(report, out, RenderOptions(table=table))
    return out.getvalue()


def says_something(name: str, told: str) -> bool:
    """Not so a table without rows, nor a short report of its first line and that nothing failed."""
    lines = [line for line in told.splitlines() if line]
    said = lines[1:] if name == "report" else lines
    return name == "calls" or len(said) > 1 or not said[0].startswith("No ")


def golden_of(path: Path, name: str) -> Path:
    return GOLDEN / f"{name_of(path).replace('/', '.')}.{name}.txt"


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_texts(path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Each text is the golden one, and none is there that says nothing."""
    monkeypatch.chdir(OWN)
    for name, table in TABLES.items():
        told = text_of(report_of(path), table)
        golden, there = golden_of(path, name), says_something(name, told)
        if request.config.getoption("--update-golden"):
            golden.unlink(missing_ok=True)
            if there:
                golden.write_text(told, encoding="utf-8")
        assert golden.exists() == there, f"{golden.name}: run pytest tests/test_golden.py --update-golden"
        if there:
            assert told == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_document(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON of each sample validates."""
    monkeypatch.chdir(OWN)
    out = io.StringIO()
    rendering_named("json").render(report_of(path), out, RenderOptions())
    VALIDATOR.validate(json.loads(out.getvalue()))


def test_no_golden_text_is_left_over() -> None:
    """Each belongs to a sample and is one of the known texts; `test_texts` looks whether it should be there."""
    possible = {golden_of(path, name).name for path in SAMPLES for name in TABLES}
    there = {path.name for path in GOLDEN.iterdir()}
    assert there <= possible
    assert {golden_of(path, "calls").name for path in SAMPLES} <= there
