"""Proves: every rendering is found by name and suffix, and no text of a capture reaches any output as a raw control."""

from __future__ import annotations

import io
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from report_values import HOSTILE_TEXTS, article_report, empty_report, full_report, hostile_report

from rpctrace.errors import UsageError
from rpctrace.render.registry import ENTRIES, Entry, rendering_for_file, rendering_named
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.table import TABLE_NAMES
from rpctrace.report import Report

# Parquet is no text; its own test reads it.
TEXTS = [entry.name for entry in ENTRIES if entry.load().octets is None]
REPOSITORY = Path(__file__).parents[2]
OPTIONS = [
    *(RenderOptions(table=name, verbosity=1) for name in TABLE_NAMES),
    RenderOptions(),
    RenderOptions(verbosity=2),
    RenderOptions(width_columns=60, encoding_is_utf8=False),
    RenderOptions(width_columns=120, verbosity=1),
]


def rendered(name: str, report: Report, options: RenderOptions) -> str:
    out = io.StringIO(newline="")
    rendering_named(name).render(report, out, options)
    return out.getvalue()


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_control_bidi_or_surrogate_character_reaches_an_output(name: str, options: RenderOptions, text: str) -> None:
    output = rendered(name, hostile_report(text), options)
    output.encode("utf-8")
    allowed = "\r\n" if name == "csv" else "\n"
    bad = {character for character in output if not character.isprintable() and character not in allowed}
    assert not bad
    assert not any(
        unicodedata.category(character) in ("Cc", "Cf", "Cs")
        for character in output.strip(allowed + "\n")
        if character not in allowed
    )


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("report", [empty_report(), article_report(), full_report()])
def test_the_same_report_gives_the_same_text(name: str, report: Report) -> None:
    assert rendered(name, report, RenderOptions()) == rendered(name, report, RenderOptions())


@pytest.mark.parametrize("options", OPTIONS)
def test_without_utf_8_the_report_s_own_words_are_ascii(options: RenderOptions) -> None:
    ascii_options = RenderOptions(options.table, options.width_columns, options.verbosity, False, False)
    assert all(rendered(entry.name, full_report(), ascii_options).isascii() for entry in ENTRIES if entry.name in TEXTS)


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("report.json", "json"),
        ("REPORT.JSON", "json"),
        ("a.b.jsonl", "jsonl"),
        ("calls.csv", "csv"),
        ("report.txt", "text"),
        ("report.md", "markdown"),
        ("report.html", "html"),
        ("REPORT.HTM", "html"),
    ],
)
def test_a_suffix_chooses_the_rendering(file_name: str, name: str) -> None:
    assert rendering_for_file(file_name) is rendering_named(name)


@pytest.mark.parametrize("file_name", ["report", "report.exe", "json", "report.json.bak"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(file_name: str) -> None:
    with pytest.raises(UsageError, match=r"\.json"):
        rendering_for_file(file_name)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="netmon"):
        rendering_named("xml")


def test_names_and_suffixes_are_unique() -> None:
    names = [entry.name for entry in ENTRIES]
    suffixes = [suffix for entry in ENTRIES for suffix in entry.suffixes]
    assert len(set(names)) == len(names)
    assert len(set(suffixes)) == len(suffixes)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_says_what_its_rendering_says(entry: Entry) -> None:
    rendering = entry.load()
    assert (rendering.name, rendering.suffixes) == (entry.name, entry.suffixes)


def test_every_rendering_has_its_entry() -> None:
    folder = REPOSITORY / "rpctrace" / "render"
    written = {path.stem for path in folder.glob("*.py") if "\nRENDERING = " in path.read_text(encoding="utf-8")}
    assert written == {entry.home for entry in ENTRIES}


def test_the_registry_loads_without_heavy_libraries() -> None:
    heavy = ["tabulate", "rich", "click", "jinja2", "scapy", "impacket", "pyshark", "jsonschema"]
    program = f"import sys, rpctrace.render.registry; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
