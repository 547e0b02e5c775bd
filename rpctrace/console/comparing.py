"""The command `diff`: two captures -> how the failing run differs from the good one; exit status 1 where it does."""

from __future__ import annotations

from rpctrace.comparison import compare
from rpctrace.console import streams
from rpctrace.console.analyzing import read_captures
from rpctrace.console.exit_status import ExitStatus, strongest
from rpctrace.console.output_options import on_output
from rpctrace.errors import UsageError
from rpctrace.reading import Options
from rpctrace.render.differences import render
from rpctrace.render.rendering import RenderOptions


def diff_command(
    bad: str, good: str, form: str, *, quiet: bool, color: streams.ColorChoice, redact_key: bytes | None = None
) -> ExitStatus:
    if (bad, good) == ("-", "-"):
        raise UsageError("standard input (-) can be read once")
    reading = Options(redact_key=redact_key)  # one key: a name is the same in both
    failing, one = read_captures((bad,), reading, quiet)
    working, other = read_captures((good,), reading, quiet)
    status = strongest(one, other)
    if not failing.captures or not working.captures:
        return status
    if not (failing.complete and working.complete):
        streams.say("rpctrace: a capture was read in part; what is missing there counts as a difference")
        status = ExitStatus.UNREAD
    comparison = compare(failing, working)
    options = on_output(RenderOptions(), color)
    streams.write(lambda out: render(form, comparison, failing, working, out, options))
    return strongest(status, ExitStatus.FOUND if comparison.differences else ExitStatus.DONE)
