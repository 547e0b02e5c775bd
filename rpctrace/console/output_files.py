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
# How the reports of each suffix begin; a report without a mark of its own is not known again.
_BEGINNINGS = re.compile(
    rb'\{\s*"schema": ?"rpctrace\.report/'
    rb'|\{"type":"tool","schema":"rpctrace\.report/'
    rb"|id,capture,connection,kind,transport,"
    rb"|## RPC failures\n\n- "
    rb"|[^\n]{1,400}; (?:at least )?\d+ calls?, \d+ failed\n"
)


def check_output(path: str, inputs: Sequence[str], force: bool) -> None:
    """Raises `UsageError` where writing to `path` would lose something, before any work is done."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UsageError(f"{path}: the folder {folder} does not exist")
    if not os.path.lexists(path):
        return
    for given in inputs:
        if given != "-" and os.path.exists(given) and os.path.exists(path) and os.path.samefile(given, path):
            raise UsageError(f"{path}: is an input, and is not written over")
    if not os.path.islink(path) and not os.path.isfile(path):
        raise UsageError(f"{path}: exists and is no plain file")
    if not force and not _is_report(path):
        raise UsageError(f"{path}: exists and is no report of rpctrace; --force replaces it")


def _is_report(path: str) -> bool:
    if os.path.islink(path):
        return False
    with open(path, "rb") as existing:
        head = existing.read(HEAD_OCTETS)
    return not head or _BEGINNINGS.match(head) is not None


def write_whole(path: str, produce: Callable[[TextIO], object]) -> None:
    """Writes what `produce` writes to `path`: all of it, or nothing (whatever ends the writing)."""

    def encoded(out: BinaryIO) -> None:
        with TextIOWrapper(out, encoding="utf-8", errors="backslashreplace", newline="") as text:
            produce(text)
            text.flush()
            text.detach()

    write_whole_octets(path, encoded)


def write_whole_octets(path: str, produce: Callable[[BinaryIO], object]) -> None:
    """As `write_whole`, for what is no text."""
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
