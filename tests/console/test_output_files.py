"""A report is written whole or not at all, and never over something that somebody may need."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from report_values import full_report

from rpctrace.console.output_files import check_output, write_whole
from rpctrace.errors import UsageError
from rpctrace.render.registry import ENTRIES
from rpctrace.render.rendering import RenderOptions


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    """Whatever ends the writing: the old text stays and no temporary file is left."""
    path = tmp_path / "report.json"
    path.write_text("old")
    for error in (OSError(28, "full"), KeyboardInterrupt(), ValueError("bug")):

        def produce(out: object, error: BaseException = error) -> None:
            out.write("half")  # type: ignore[attr-defined]
            raise error

        with pytest.raises(type(error)):
            write_whole(str(path), produce)
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["report.json"]


def test_success_replaces_it(tmp_path: Path) -> None:
    """Line ends as written, undecodable text as escapes, readable as the user's mask says."""
    path = tmp_path / "report.csv"
    write_whole(str(path), lambda out: out.write("a\r\nb\n\udc80"))
    assert path.read_bytes() == b"a\r\nb\n\\udc80"
    if os.name == "posix":
        mask = os.umask(0)
        os.umask(mask)
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    """T13: the link is replaced, what it points to stays."""
    target, link = tmp_path / "precious", tmp_path / "report.json"
    target.write_text("precious")
    link.symlink_to(target)
    with pytest.raises(UsageError):
        check_output(str(link), [], force=False)
    check_output(str(link), [], force=True)
    write_whole(str(link), lambda out: out.write("new"))
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("precious", "new", False)


def test_an_input_is_never_written_over(tmp_path: Path) -> None:
    """T14: not even with --force, not even by another name."""
    path = tmp_path / "x.json"
    path.write_bytes(b"\xd4\xc3\xb2\xa1")
    for name in (str(path), os.path.join(str(tmp_path), ".", "x.json")):
        with pytest.raises(UsageError, match="input"):
            check_output(name, ["-", str(path)], force=True)


def test_a_foreign_file_needs_force(tmp_path: Path) -> None:
    """And a folder, or a name in a folder that is not there, is refused at once."""
    path = tmp_path / "notes.md"
    path.write_text("# my notes\n")
    with pytest.raises(UsageError, match="--force"):
        check_output(str(path), [], force=False)
    check_output(str(path), [], force=True)
    check_output(str(tmp_path / "new.md"), [], force=False)
    with pytest.raises(UsageError):
        check_output(str(tmp_path), [], force=True)
    with pytest.raises(UsageError):
        check_output(str(tmp_path / "nowhere" / "x.md"), [], force=True)


@pytest.mark.parametrize(
    "rendering",
    [entry.load() for entry in ENTRIES if entry.suffixes and entry.name != "parquet"],
    ids=lambda each: each.name,
)
def test_our_own_reports_are_known_again(rendering: object, tmp_path: Path) -> None:
    """So that a second run may replace the first one's files."""
    if not rendering.suffixes:  # type: ignore[attr-defined]
        return
    path = tmp_path / f"report{rendering.suffixes[0]}"  # type: ignore[attr-defined]
    write_whole(str(path), lambda out: rendering.render(full_report(), out, RenderOptions()))  # type: ignore[attr-defined]
    check_output(str(path), [], force=False)
