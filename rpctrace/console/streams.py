"""Text of the commands -> standard output and standard error, safe for a terminal whatever it came from.

Data goes to standard output and everything else to standard error. A reader that went away (`| head`) is no error: the
rest is swallowed and the exit status stays that of the work.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable
from typing import Literal, TextIO

from rpctrace.encoding.text import safe_text

ColorChoice = Literal["auto", "always", "never"]


def prepare() -> None:
    """Standard streams that can print every character: what their encoding lacks becomes an escape. A stream that was
    closed before the start becomes a void, so that no file opened later takes its number."""
    sys.stdin = sys.stdin or _void("r")
    sys.stdout = sys.stdout or _void("w")
    sys.stderr = sys.stderr or _void("w")
    for stream, newline in ((sys.stdout, ""), (sys.stderr, None)):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace", newline=newline)


def _void(mode: Literal["r", "w"]) -> TextIO:
    return open(os.devnull, mode, encoding="utf-8")  # open as long as the process


def say(text: str) -> None:
    """One message to standard error; every line of it made safe."""
    try:
        sys.stderr.write("".join(f"{safe_text(line)}\n" for line in text.split("\n")))
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody can be told that nobody can be told
        return


def tell(reason: object) -> None:
    """One remark, as one line whatever the names in it hold: a line end in a file name makes no line of its own."""
    say(f"rpctrace: {safe_text(str(reason))}")


def put(text: str) -> None:
    """Data of a command to standard output, made safe line by line."""
    write(lambda out: out.write("".join(f"{safe_text(line)}\n" for line in text.split("\n"))))


def write(produce: Callable[[TextIO], object]) -> None:
    """Runs `produce` on standard output; what it writes is already safe."""
    try:
        produce(sys.stdout)
        sys.stdout.flush()
    except OSError as error:
        if not _reader_is_gone(error):
            raise
        _discard_output()


def _reader_is_gone(error: OSError) -> bool:
    # Windows reports a closed pipe as EINVAL on the standard streams.
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == 22)


def _discard_output() -> None:
    """The interpreter flushes standard output once more at its end, which must not fail again."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def encoding_is_utf8() -> bool:
    try:
        return codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    except LookupError:
        return False


def use_color(choice: ColorChoice) -> bool:
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty():
        return False
    # A plain Windows console shows escape sequences as text; Windows Terminal and others name themselves.
    return os.name != "nt" or any(os.environ.get(name) for name in ("WT_SESSION", "ANSICON", "TERM"))


def width_columns() -> int | None:
    """The terminal's width; None where standard output is no terminal, so that a pipe never changes a table."""
    if not sys.stdout.isatty():
        return None
    from shutil import get_terminal_size  # it loads every compression

    return get_terminal_size().columns
