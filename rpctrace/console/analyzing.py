"""The command `analyze`: captures and choices -> reports on standard output and in files, and an exit status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from rpctrace.console import output_files, streams
from rpctrace.console.exit_status import ExitStatus, strongest
from rpctrace.console.progress import ProgressLine
from rpctrace.errors import CaptureError, UsageError
from rpctrace.record import record

if TYPE_CHECKING:
    from rpctrace.analysis import Options
    from rpctrace.render.rendering import Rendering
    from rpctrace.report import Report
    from rpctrace.selection import Selection

CallsChoice = Literal["default", "all", "notable"]


@record
class AnalyzeChoices:
    """What the command line asked for; the words of filters are still as they were typed."""

    captures: tuple[str, ...]
    format: str | None = None
    table: str | None = None
    outputs: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    fail_on: str | None = None
    calls: CallsChoice = "default"
    netmon_utc_offset_minutes: int | None = None
    max_unpacked_octets: int | None = None
    netlogon: tuple[str, ...] = ()
    netlogon_year: Mapping[str, int] | None = None
    netlogon_utc_offset_minutes: int | None = None
    plain: bool = False
    jobs: int = 1
    redact: bool = False
    redact_key: str | None = None
    strict: bool = False
    force: bool = False
    color: streams.ColorChoice = "auto"
    verbosity: int = 0
    quiet: bool = False
    realms: Mapping[str, str] | None = None


def analyze_command(choices: AnalyzeChoices) -> ExitStatus:
    from rpctrace.analysis import Options

    if choices.table is not None and choices.format not in (None, "text"):
        raise UsageError(f"--table is a form of text and does not go with {choices.format}")
    if (*choices.captures, *choices.netlogon).count("-") > 1:
        raise UsageError("standard input (-) can be read once")
    if choices.netlogon_year:
        from rpctrace.console.summing_logs import check_years

        check_years(choices.netlogon_year, choices.netlogon)
    to_output, to_files = _renderings(choices)
    key = _redact_key(choices)
    selection = _selection(choices, key)
    for path in choices.outputs:
        output_files.check_output(path, (*choices.captures, *choices.netlogon), choices.force)
    wanted = [*(rendering for _, rendering in to_files), *([to_output] if to_output else [])]
    options = Options(
        calls=choices.calls,
        plain=choices.plain,
        pdus=any(rendering.needs_pdus for rendering in wanted),
        netmon_utc_offset_minutes=choices.netmon_utc_offset_minutes,
        max_unpacked_octets=choices.max_unpacked_octets,
        jobs=choices.jobs,
        netlogon_year=choices.netlogon_year,
        netlogon_utc_offset_minutes=choices.netlogon_utc_offset_minutes,
        redact_key=key,
        realms=choices.realms,
    )
    report, status = read_captures(choices.captures, options, choices.quiet, choices.netlogon)
    if not report.captures:
        return status
    status = strongest(status, _how_it_read(report, choices))
    selected = _selected(report, selection, choices)
    for path, rendering in to_files:
        _write_file(path, rendering, selected, choices)
    if to_output is not None:
        _write_output(to_output, selected, choices)
    return strongest(status, _judged(selected, choices.fail_on))


def _renderings(choices: AnalyzeChoices) -> tuple[Rendering | None, list[tuple[str, Rendering]]]:
    """What goes to standard output (nothing where only files were asked for), and what goes into which file."""
    from rpctrace.render.registry import rendering_for_file, rendering_named

    to_files = [(path, rendering_for_file(path)) for path in choices.outputs]
    for _, rendering in to_files:
        if rendering.require is not None:
            rendering.require()
    if to_files and choices.format is None and choices.table is None:
        return None, to_files
    return rendering_named(choices.format or "text"), to_files


def _redact_key(choices: AnalyzeChoices) -> bytes | None:
    """The user's, or one that nobody knows again."""
    if choices.redact_key is not None:
        if not choices.redact_key:
            raise UsageError("--redact-key needs a text that nobody guesses")
        return choices.redact_key.encode("utf-8", "surrogateescape")
    if not choices.redact:
        return None
    from secrets import token_bytes

    return token_bytes(32)


def _redacted_hosts(hosts: Sequence[str], key: bytes) -> tuple[str, ...]:
    """What is looked for is called otherwise in the report."""
    from rpctrace.pseudonyms import Pseudonyms

    if any("/" in host for host in hosts):
        raise UsageError("--host NETWORK does not go with --redact: the network has another address then")
    names = Pseudonyms(key)
    return tuple(names.name(host) or "" for host in hosts)


def _selection(choices: AnalyzeChoices, key: bytes | None) -> Selection | None:
    hosts = choices.hosts if key is None else _redacted_hosts(choices.hosts, key)
    parts = (hosts, choices.interfaces, choices.statuses, choices.since, choices.until)
    if all(part is None or part == () for part in parts):  # an empty word is a word, and refused below
        return None
    from rpctrace.selection import selection_of

    return selection_of(*parts)


def read_captures(
    captures: Sequence[str], options: Options, quiet: bool, logs: Sequence[str] = ()
) -> tuple[Report, ExitStatus]:
    """The report on the captures and logs that can be read; others are named on standard error: the status is 3."""
    from rpctrace.analysis import analyze

    errors: list[CaptureError] = []

    def unreadable(error: CaptureError) -> None:
        errors.append(error)
        streams.tell(error)

    with ProgressLine(quiet) as progress:
        report = analyze(captures, options, progress, unreadable, netlogon=logs)
    return report, ExitStatus.UNREAD if errors else ExitStatus.DONE


def _how_it_read(report: Report, choices: AnalyzeChoices) -> ExitStatus:
    status = ExitStatus.DONE
    for capture in report.captures:
        if not capture.complete:
            where = "" if capture.stopped_at is None else f", reading stopped at octet {capture.stopped_at}"
            streams.tell(f"{capture.path}: read in part{where}")
            status = ExitStatus.UNREAD
        elif capture.frames == 0:
            streams.tell(f"{capture.path}: holds no frame")
            status = ExitStatus.UNREAD
    for log in report.logs:
        if not log.complete:
            streams.tell(f"{log.path}: read in part, reading stopped at octet {log.stopped_at}")
            status = ExitStatus.UNREAD
    if status is ExitStatus.DONE and not report.complete:
        streams.say("rpctrace: a limit was reached and octets were left unread; the report names it")
        status = ExitStatus.UNREAD
    if choices.strict and (report.problems or report.limits) and status is ExitStatus.DONE:
        streams.say("rpctrace: --strict: not everything could be read; the report lists the problems")
        status = ExitStatus.UNREAD
    return status


def _selected(report: Report, selection: Selection | None, choices: AnalyzeChoices) -> Report:
    if selection is None:
        return report
    from rpctrace.selection import select

    selected = select(report, selection)
    if not choices.quiet:
        streams.say(f"rpctrace: the filters leave {len(selected.calls)} of {len(report.calls)} calls")
    return selected


def _write_output(rendering: Rendering, report: Report, choices: AnalyzeChoices) -> None:
    from rpctrace.render.rendering import RenderOptions

    options = RenderOptions(
        table=choices.table,
        width_columns=streams.width_columns(),
        verbosity=choices.verbosity,
        color=streams.use_color(choices.color),
        encoding_is_utf8=streams.encoding_is_utf8(),
    )
    streams.write(lambda out: rendering.render(report, out, options))


def _write_file(path: str, rendering: Rendering, report: Report, choices: AnalyzeChoices) -> None:
    from rpctrace.render.rendering import RenderOptions

    options = RenderOptions(verbosity=choices.verbosity)
    octets = rendering.octets
    if octets is None:
        output_files.write_whole(path, lambda out: rendering.render(report, out, options))
    else:
        output_files.write_octets(path, lambda out: octets(report, out, options))
    if not choices.quiet:
        streams.tell(f"wrote {path}")


def _judged(report: Report, fail_on: str | None) -> ExitStatus:
    """Whether a finding is as severe as --fail-on says, or more."""
    if fail_on is None:
        return ExitStatus.DONE
    from rpctrace.report import SEVERITIES

    severe = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return ExitStatus.FOUND if any(finding.severity in severe for finding in report.findings) else ExitStatus.DONE
