"""The house rules, held by a machine: floors, circles, purity, heavy imports at home, sizes, a test per file, style."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "rpctrace"
SOURCES = sorted(PACKAGE.rglob("*.py"))

# From the ground up; names on one line are siblings, which do not know each other.
FLOORS = (
    ("constructor",),
    ("emptying", "errors", "named_tuple", "record", "version"),
    ("encoding", "knowledge"),
    ("capture",),
    ("network", "logs"),
    ("stream", "scan"),
    ("protocols",),
    ("conversations", "conversation_numbers"),
    ("report",),
    ("correlation",),
    ("diagnosis",),
    ("kept_calls",),
    ("tally", "assembly", "explanation", "rule_explanation", "hotfix"),
    ("limits",),
    ("gathering",),
    ("kept",),
    ("reading", "log_reading", "log_summary"),
    ("spellings", "recounting"),
    ("selection", "expectations", "annotation", "pseudonyms"),
    ("comparison", "redaction"),
    ("analysis", "render", "tshark"),
    ("verification",),
    ("console",),
    ("cli", "pytest_plugin"),
    ("__main__",),
)
PROTOCOL_FLOORS = (
    ("dissector", "ntlm"),
    ("kerberos",),
    ("gssapi",),
    ("dcerpc", "smb", "http", "ldap"),
    ("interfaces",),
    ("registry",),
)

# Who may touch the world outside, and why.
INPUT_OUTPUT_HOMES = {
    "capture/stored.py": "the one reader of captures and logs",
    "capture/storage.py": "what of a stream must be kept to be read by offset",
    "tshark.py": "the one home of the subprocess",
    "scan/workers.py": "the processes of --jobs",
    "cli.py": "arguments and the exit status",
    "constructor.py": "compiles constructors, as dataclasses does",
    "console/": "terminals and files of the commands",
}
# Packages that cost much to load: where they may be imported, always inside a function (click: at the top of cli).
HEAVY_HOMES = {
    "click": {"cli.py", "console/manual.py"},
    "rich": {"console/progress.py"},
    "tabulate": {"render/layout.py"},
    "impacket": {"knowledge/impacket_names.py"},
    "pyshark": {"tshark.py"},
    "scapy": set(),
    "pyasn1": set(),
    "jinja2": {"render/html.py"},
    "numpy": set(),
    "pyarrow": {"render/parquet.py"},
    "lz4": {"capture/framed.py"},
    "zstandard": {"capture/framed.py"},
}
WITHOUT_A_TEST_FILE = {
    "__main__.py": "test_cli.py runs it",
    "version.py": "one constant",
    "capture/format.py": "the contract: types, and a notebook that the tests of every format use",
    "capture/frame.py": "types alone",
    "expectations/values.py": "types alone",
    "report/logs.py": "types alone",
    "diagnosis/rules/__init__.py": "empty",
}
LONGEST_FILE_LINES = 450
LONGEST_FUNCTION_LINES = 60
# Built from parts, so that this file does not name one itself.
MACHINE_PATHS = re.compile("|".join(re.escape("/" + name + "/") for name in ("work", "root", "home")))
TEXT_SUFFIXES = {".py", ".md", ".toml", ".csv", ".json", ".txt", ".yml", ".cfg", ".css", ".js", ".jinja", ""}


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in SOURCES}


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file names in an import, wherever in the file, with its line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path)}:{node.lineno}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module or "", node.lineno


def own_imports(path: Path) -> Iterator[tuple[str, int]]:
    yield from ((name, line) for name, line in imported(path) if name.split(".")[0] == "rpctrace")


def floor_of(name: str, floors: tuple[tuple[str, ...], ...]) -> int:
    (floor,) = [number for number, names in enumerate(floors) if name in names]
    return floor


def test_every_part_has_a_floor() -> None:
    """A new folder or file at the top is given its floor on purpose."""
    parts = {place(path).split("/")[0].removesuffix(".py") for path in SOURCES} - {"__init__"}
    assert parts == {name for names in FLOORS for name in names}
    protocols = {path.name.removesuffix(".py") for path in (PACKAGE / "protocols").iterdir()} - {
        "__init__", "__pycache__",
    }  # fmt: skip
    assert protocols == {name for names in PROTOCOL_FLOORS for name in names}


@pytest.mark.parametrize("path", [path for path in SOURCES if path != PACKAGE / "__init__.py"], ids=place)
def test_a_file_imports_its_own_folder_and_lower_floors(path: Path) -> None:
    """ARCHITECTURE: from the ground up it is the way of the data."""
    own = module_name(path).split(".")[1:]
    for name, line in own_imports(path):
        other = name.split(".")[1:]
        if not other:
            continue
        where = f"{place(path)}:{line} imports {name}"
        if other[0] != own[0]:
            assert floor_of(other[0], FLOORS) < floor_of(own[0], FLOORS), where
        elif own[0] == "protocols" and other[1:2] != own[1:2]:
            assert floor_of(other[1], PROTOCOL_FLOORS) < floor_of(own[1], PROTOCOL_FLOORS), where


def test_there_are_no_import_circles() -> None:
    """Also none that a late import inside a function would hide."""
    graph = {
        name: {other for other, _ in own_imports(path) if other in MODULES and other != name}
        for name, path in MODULES.items()
        if name != "rpctrace"
    }
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way, name))
        if name in done or name not in graph:
            return
        for other in sorted(graph[name]):
            visit(other, (*way, name))
        done.add(name)

    for name in graph:
        visit(name, ())


_WORLD_MODULES = {"socket", "subprocess", "logging", "tempfile", "shutil", "http", "urllib", "multiprocessing", "time"}
_WORLD_CALLS = {"open", "print", "input", "breakpoint", "exec", "eval"}
_WORLD_ATTRIBUTES = {
    ("sys", "stdout"), ("sys", "stderr"), ("sys", "stdin"), ("sys", "argv"), ("os", "environ"), ("os", "getenv"),
    ("os", "open"), ("os", "walk"), ("os", "listdir"), ("os", "scandir"),
}  # fmt: skip
_PATH_METHODS = {"read_bytes", "read_text", "write_bytes", "write_text", "iterdir", "rglob"}


def touches_the_world(path: Path) -> Iterator[str]:
    for name, line in imported(path):
        if name.split(".")[0] in _WORLD_MODULES:
            yield f"{place(path)}:{line}: imports {name}"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _WORLD_CALLS:
            yield f"{place(path)}:{node.lineno}: {node.func.id}()"
        if isinstance(node, ast.Attribute):
            known = isinstance(node.value, ast.Name) and (node.value.id, node.attr) in _WORLD_ATTRIBUTES
            if known or node.attr in _PATH_METHODS:
                yield f"{place(path)}:{node.lineno}: .{node.attr}"


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_the_world_is_touched_only_where_it_may_be(path: Path) -> None:
    """No file, socket, process, clock, environment or print outside their homes."""
    if any(place(path).startswith(home) for home in INPUT_OUTPUT_HOMES):
        return
    assert list(touches_the_world(path)) == []


def at_module_level(path: Path) -> set[int]:
    """Lines of the imports that run when the file is loaded (not those for the type checker)."""
    return {node.lineno for node in tree(path).body if isinstance(node, ast.Import | ast.ImportFrom)}


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_heavy_packages_are_imported_where_they_belong(path: Path) -> None:
    """And not before they are needed."""
    for name, line in imported(path):
        package = name.split(".")[0]
        if package in HEAVY_HOMES:
            assert place(path) in HEAVY_HOMES[package], f"{place(path)}:{line}: {name}"
            assert package == "click" or line not in at_module_level(path), f"{place(path)}:{line}: {name} at the top"


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_kinds_of_values_are_defined_in_the_cheap_way(path: Path) -> None:
    """`@record`, `@state` and the `NamedTuple` of named_tuple.py: Python's own cost 80 to 200 µs at every start."""
    taken = {
        (node.module, alias.name) for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }  # fmt: skip
    dear = {("typing", "NamedTuple"), ("collections", "namedtuple"), ("dataclasses", "dataclass")}
    assert place(path) == "named_tuple.py" or not taken & dear


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_a_file_has_its_test_file(path: Path) -> None:
    """rpctrace/capture/pcap.py -> tests/capture/test_pcap.py."""
    if path.name == "__init__.py" or place(path) in WITHOUT_A_TEST_FILE:
        return
    mirror = CHECKOUT / "tests" / path.relative_to(PACKAGE).with_name(f"test_{path.name}")
    assert mirror.is_file(), f"no {mirror.relative_to(CHECKOUT)}"


def test_the_exceptions_are_still_needed() -> None:
    """A file of the list that is gone, or has a test by now, leaves the list."""
    for name in WITHOUT_A_TEST_FILE:
        path = PACKAGE / name
        assert path.is_file(), name
        assert not (CHECKOUT / "tests" / name).with_name(f"test_{path.name}").is_file(), name


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_a_file_opens_with_what_it_does(path: Path) -> None:
    """STYLE 2: a docstring first."""
    assert ast.get_docstring(tree(path)) or not tree(path).body, place(path)


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_nobody_catches_everything(path: Path) -> None:
    """Only cli turns an unforeseen error into one line; `except BaseException` only cleans up and raises again."""
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = ast.unparse(node.type) if node.type is not None else ""
        raises_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        if caught in ("", "Exception", "BaseException"):
            assert place(path) == "cli.py" or raises_again, f"{place(path)}:{node.lineno}: except {caught}"


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_files_and_functions_fit_a_sitting(path: Path) -> None:
    """450 lines a file, 60 a function."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE_LINES
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION_LINES, f"{place(path)}:{node.lineno} {node.name}: {lines} lines"


def committed_texts() -> list[Path]:
    """What git knows of; every text of the checkout where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=False)
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else []
    paths = [CHECKOUT / name for name in names if name] or [
        path for path in CHECKOUT.rglob("*") if "/." not in f"/{path.relative_to(CHECKOUT).as_posix()}"
    ]
    return [path for path in paths if path.is_file() and path.suffix in TEXT_SUFFIXES]


def test_no_text_names_a_machine_or_forgets_its_issue() -> None:
    """No absolute path of somebody's machine; every TODO has the number of its issue."""
    for path in committed_texts():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            where = f"{path.relative_to(CHECKOUT)}:{number}: {line.strip()[:120]}"
            assert not MACHINE_PATHS.search(line), where
            if path.suffix == ".py" and path != Path(__file__):
                assert not re.search(r"\b(TODO|FIXME|XXX)\b(?!.*#\d+)", line), where


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["mypy"]], ids=" ".join)
def test_the_checkers_are_content(command: list[str]) -> None:
    """ruff and mypy --strict, as pyproject.toml sets them."""
    if find_spec(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (pip install '.[test]')")
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
