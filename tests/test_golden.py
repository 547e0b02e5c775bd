"""Every sample's calls as a text that a person can read, and its JSON document against the schema.

`--update-golden` rewrites the texts; a change of one is explained in its commit.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import jsonschema
import pytest
from shared_captures import OWN, captures_in, name_of

from rpctrace.analysis import analyze
from rpctrace.render.json import schema_text
from rpctrace.render.registry import rendering_named
from rpctrace.render.rendering import RenderOptions

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = captures_in(OWN)
VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema_text()))


def text_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(OWN)
    out = io.StringIO()
    rendering_named("text").render(analyze(name_of(path)), out, RenderOptions(table="calls"))
    return out.getvalue()


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_calls(path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The table of all calls is the golden text."""
    golden = GOLDEN / f"{name_of(path).replace('/', '.')}.calls.txt"
    told = text_of(path, monkeypatch)
    if request.config.getoption("--update-golden"):
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_document(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON of each sample validates."""
    monkeypatch.chdir(OWN)
    out = io.StringIO()
    rendering_named("json").render(analyze(name_of(path)), out, RenderOptions())
    VALIDATOR.validate(json.loads(out.getvalue()))


def test_no_golden_text_is_left_over() -> None:
    """Each belongs to a sample."""
    expected = {f"{name_of(path).replace('/', '.')}.calls.txt" for path in SAMPLES}
    assert {path.name for path in GOLDEN.glob("*.calls.txt")} == expected
