"""The command `netlogon`: logs -> a table of logons, the worst first, and an exit status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rpctrace.console import streams
from rpctrace.console.exit_status import ExitStatus
from rpctrace.errors import CaptureError, UsageError
from rpctrace.record import record


@record
class NetlogonChoices:
    """What the command line asked for."""

    logs: tuple[str, ...]
    as_json: bool = False
    year: Mapping[str, int] | None = None
    utc_offset_minutes: int | None = None
    max_unpacked_octets: int | None = None
    redact_key: bytes | None = None
    color: streams.ColorChoice = "auto"
    verbosity: int = 0
    quiet: bool = False


def check_years(years: Mapping[str, int] | None, logs: Sequence[str]) -> None:
    """Raises `UsageError` for a year of a log that is not given."""
    for file in years or ():
        if file and file not in logs:
            raise UsageError(f"--netlogon-year {file}=...: no log of this name is given")


def netlogon_command(choices: NetlogonChoices) -> ExitStatus:
    from rpctrace.console.output_options import on_output
    from rpctrace.log_summary import summarise
    from rpctrace.render.log_summary import render_json, render_text
    from rpctrace.render.rendering import RenderOptions
    from rpctrace.render.words import stopped_words
    from rpctrace.report import Tool
    from rpctrace.version import __version__

    if choices.logs.count("-") > 1:
        raise UsageError("standard input (-) can be read once")
    check_years(choices.year, choices.logs)
    status = ExitStatus.DONE

    def unreadable(error: CaptureError) -> None:
        nonlocal status
        status = ExitStatus.UNREAD
        streams.tell(error)

    summary = summarise(
        choices.logs,
        Tool("rpctrace", __version__),
        year=choices.year,
        utc_offset_minutes=choices.utc_offset_minutes,
        max_unpacked_octets=choices.max_unpacked_octets,
        unreadable=unreadable,
    )
    if choices.redact_key is not None:
        from rpctrace.pseudonyms import Pseudonyms
        from rpctrace.redaction import redact

        summary = redact(summary, Pseudonyms(choices.redact_key))
    for log in summary.logs:
        if not log.complete:
            status = ExitStatus.UNREAD
            streams.tell(f"{log.path}: read in part, {stopped_words(log.stopped_at)}")
        elif not log.entries:
            streams.tell(f"{log.path}: holds no line")
    options = on_output(RenderOptions(verbosity=choices.verbosity), choices.color)
    if summary.logs:
        render = render_json if choices.as_json else render_text
        streams.write(lambda out: render(summary, out, options))
    return status
