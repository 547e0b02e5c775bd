"""A report -> a file that is either the old one or the whole new one.

The text goes into a new file in the same folder, which then takes the name. An input is never written over, and an
existing file only if it is a report of ours or the user insists.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import BinaryIO, TextIO

from rpctrace.errors import UsageError

HEAD_OCTETS = 512
TAIL_OCTETS = 64 * 1024
# How the reports of each suffix begin; a report without a mark of its own is not known again.
_BEGINNINGS = (
    rb'\{\s*"schema": ?"rpctrace\.report/'
    rb'|\{"type":"tool","schema":"rpctrace\.report/'
    rb"|id,capture,connection,kind,transport,"
    rb'|<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites name="rpctrace '
    rb'|\{\s*"\$schema": "[^"\n]{1,200}/sarif-schema-2\.1\.0\.json",\s*"version": "2\.1\.0",\s*"runs": '
    rb'\[\s*\{\s*"tool": \{\s*"driver": \{\s*"name": "rpctrace"'
    rb"|<!doctype html>\n<!-- A report of rpctrace -->"
    rb"|## RPC failures\n\n- "
    rb"|[^\n]{1,400}; (?:at least )?\d+ calls?, \d+ failed\n"
)


def check_output(path: str, inputs: Sequence[str], force: bool) -> None:
    """Raises `UsageError` where writing to `path` would lose something, before any work is done."""
    check_folder(path)
    if not os.path.lexists(path):
        return
    for given in inputs:
        if given != "-" and os.path.exists(given) and os.path.exists(path) and os.path.samefile(given, path):
            raise UsageError(f"{path}: is an input, and is not written over")
    if not os.path.islink(path) and not os.path.isfile(path):
        raise UsageError(f"{path}: exists and is no plain file")
    if not force and not _is_report(path):
        raise UsageError(f"{path}: exists and is no report of rpctrace; --force replaces it")


def check_folder(path: str) -> None:
    """Raises `UsageError` where no file can be written at `path`, before any work is done."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UsageError(f"{path}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{path}: nothing can be written into the folder {folder}")
    if os.path.isdir(path):
        raise UsageError(f"{path}: is a directory; a file is to be written there")


def _is_report(path: str) -> bool:
    if os.path.islink(path):
        return False
    with open(path, "rb") as existing:
        head = existing.read(HEAD_OCTETS)
        if head.startswith(b"PAR1"):  # Parquet says what it holds at its end
            existing.seek(-min(existing.seek(0, os.SEEK_END), TAIL_OCTETS), os.SEEK_END)
            return b"rpctrace.report/" in existing.read(TAIL_OCTETS)
    return not head or re.match(_BEGINNINGS, head) is not None


def write_whole(path: str, produce: Callable[[TextIO], object]) -> None:
    """Writes the text that `produce` writes to `path`: all of it, or nothing (whatever ends the writing)."""

    def text(out: BinaryIO) -> None:
        wrapped = TextIOWrapper(out, encoding="utf-8", errors="backslashreplace", newline="")
        produce(wrapped)
        wrapped.flush()
        wrapped.detach()

    write_octets(path, text)


def write_octets(path: str, produce: Callable[[BinaryIO], object]) -> None:
    """The same for what is no text."""
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.urandom(6).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with open(descriptor, "wb") as out:
            produce(out)
            out.flush()
            os.fsync(out.fileno())
        if os.name == "posix":
            os.chmod(temporary, _ordinary_mode())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _ordinary_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
