"""What a command loads before it answers: lists of modules, because times differ between machines and these do not."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
CAPTURE = "captures/remote-assistance/expert.pcapng"

# Nothing that a command here has a use for; each costs milliseconds, some of them a tenth of a second.
NEVER = {
    "asyncio", "concurrent", "difflib", "fractions", "impacket", "jinja2", "multiprocessing", "numpy", "pyasn1",
    "pyshark", "rich", "scapy", "statistics", "subprocess", "tomllib",
}  # fmt: skip
# Loaded by tabulate, so no command without a table has them.
WITH_TABULATE = {
    "email", "html", "importlib.metadata", "pathlib", "random", "socket", "tabulate", "tempfile", "zipfile",
}  # fmt: skip
COMPRESSION = {"bz2", "lz4", "lzma", "rpctrace.capture.framed", "zstandard"}
READING = {
    "rpctrace.analysis", "rpctrace.assembly", "rpctrace.capture", "rpctrace.conversations", "rpctrace.diagnosis",
    "rpctrace.network", "rpctrace.protocols", "rpctrace.report", "rpctrace.stream", "rpctrace.tally",
}  # fmt: skip
OTHER_COMMANDS = {
    "rpctrace.console.checking", "rpctrace.console.doctor", "rpctrace.console.explaining",
    "rpctrace.console.summing_logs", "rpctrace.console.verifying", "rpctrace.expectations", "rpctrace.explanation",
    "rpctrace.hotfix", "rpctrace.log_reading", "rpctrace.log_summary", "rpctrace.logs", "rpctrace.rule_explanation",
    "rpctrace.selection", "rpctrace.spellings", "rpctrace.tshark", "rpctrace.verification",
}  # fmt: skip
TEXT = {"rpctrace.render.table", "rpctrace.render.short_report", "rpctrace.render.full_tables"}
OTHER_RENDERINGS = {
    "rpctrace.render.csv", "rpctrace.render.markdown", "rpctrace.render.netmon", "csv", "textwrap",
    "rpctrace.render.html", "rpctrace.render.html_page", "rpctrace.render.story", "jinja2",
}  # fmt: skip
# Readers of what the capture does not hold: it is one file of Kerberos, DCOM and bare DCE/RPC, over TCP.
CARRIERS = {
    "hashlib", "rpctrace.capture.netmon", "rpctrace.correlation.captures", "rpctrace.correlation.log_lines",
    "rpctrace.correlation.log_subjects", "rpctrace.limits", "rpctrace.protocols.dcerpc.activity",
    "rpctrace.protocols.dcerpc.datagram", "rpctrace.protocols.dcerpc.extended_error",
    "rpctrace.protocols.http.connection", "rpctrace.protocols.http.headers", "rpctrace.protocols.ldap.connection",
    "rpctrace.protocols.ldap.messages", "rpctrace.protocols.smb.session", "rpctrace.scan.merging",
}  # fmt: skip
# All of ours that a command without a capture may have.
FRONT = {
    "rpctrace", "rpctrace.cli", "rpctrace.console", "rpctrace.console.exit_status", "rpctrace.console.streams",
    "rpctrace.encoding", "rpctrace.encoding.text", "rpctrace.errors", "rpctrace.version",
}  # fmt: skip
EXPLAIN = {
    "rpctrace.console.explaining", "rpctrace.constructor", "rpctrace.encoding.labelled", "rpctrace.explanation",
    "rpctrace.knowledge", "rpctrace.knowledge.impacket_names", "rpctrace.knowledge.tables", "rpctrace.named_tuple",
}  # fmt: skip


@cache
def loaded_by(*words: str) -> frozenset[str]:
    """Every module that is loaded when the command has ended (not those of the interpreter's own start)."""
    program = (
        "import sys; before = set(sys.modules); from rpctrace.cli import main; status = main(sys.argv[1:]);"
        "sys.stderr.write('\\n' + ' '.join(set(sys.modules) - before)); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=CHECKOUT, capture_output=True, encoding="utf-8", check=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    return frozenset(done.stderr.rpartition("\n")[2].split())


def and_below(names: set[str], loaded: frozenset[str]) -> set[str]:
    """Those of `loaded` that are one of `names` or inside one."""
    return {module for module in loaded if any(module == name or module.startswith(name + ".") for name in names)}


def ours(loaded: frozenset[str]) -> set[str]:
    return and_below({"rpctrace"}, loaded)


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (("--version",), WITH_TABULATE | COMPRESSION | {"csv", "dataclasses", "decimal", "json", "shutil"}),
        (("--help",), WITH_TABULATE | {"csv", "dataclasses", "decimal", "json"}),
        (("explain", "0x721"), WITH_TABULATE | COMPRESSION | {"dataclasses", "decimal", "json", "shutil"}),
        (("analyze", CAPTURE), CARRIERS | OTHER_COMMANDS | (OTHER_RENDERINGS - {"csv", "textwrap"}) | {"decimal"}),
        (
            ("analyze", "--json", CAPTURE),
            CARRIERS | OTHER_COMMANDS | (OTHER_RENDERINGS - {"csv"}) | TEXT | WITH_TABULATE | COMPRESSION
            | {"decimal", "shutil"},
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_loads_nothing_that_it_has_no_use_for(words: tuple[str, ...], unwanted: set[str]) -> None:
    assert and_below(NEVER | unwanted, loaded_by(*words)) == set()


@pytest.mark.parametrize(
    ("words", "allowed"),
    [(("--version",), FRONT), (("--help",), FRONT), (("explain", "0x721"), FRONT | EXPLAIN)],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_without_a_capture_loads_these_of_ours_and_no_others(
    words: tuple[str, ...], allowed: set[str]
) -> None:
    assert ours(loaded_by(*words)) == allowed


def test_a_table_is_what_loads_tabulate() -> None:
    """So the list of what comes with it stays true, and is no list of what nothing ever loads."""
    assert "tabulate" in loaded_by("analyze", CAPTURE)


@pytest.mark.parametrize("words", [("analyze", CAPTURE), ("analyze", "--json", CAPTURE)], ids=" ".join)
def test_a_capture_is_read_by_the_parts_named_here(words: tuple[str, ...]) -> None:
    """The names on which the other tests of this file rest exist: a renamed part cannot slip through them."""
    loaded = loaded_by(*words)
    assert loaded >= READING
    assert {f"rpctrace.render.{'json' if '--json' in words else 'table'}", "rpctrace.render.registry"} <= loaded


def test_the_unwanted_parts_of_ours_exist() -> None:
    for name in OTHER_COMMANDS | OTHER_RENDERINGS | CARRIERS | TEXT | READING | FRONT | EXPLAIN:
        if name.startswith("rpctrace"):
            place = CHECKOUT.joinpath(*name.split("."))
            assert place.with_suffix(".py").is_file() or place.is_dir(), name
