"""The command `analyze`: captures and choices -> reports on standard output and in files, and an exit status."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rpctrace.console import output_files, streams
from rpctrace.console.analyze_choices import AnalyzeChoices, words_again
from rpctrace.console.exit_status import ExitStatus, strongest
from rpctrace.console.progress import ProgressLine
from rpctrace.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from rpctrace.analysis import Options
    from rpctrace.render.rendering import Rendering, RenderOptions
    from rpctrace.report import Report
    from rpctrace.selection import Selection

_FOLDER_HINT = (
    ": name the captures in it, which are then taken for one incident, or have each looked at alone by rpctrace check"
)


def analyze_command(choices: AnalyzeChoices) -> ExitStatus:
    from rpctrace.analysis import Options
    from rpctrace.console.redact_key import key_of
    from rpctrace.render.rendering import RenderOptions

    if choices.table is not None and choices.format not in (None, "text"):
        raise UsageError(f"--table is a form of text and does not go with {choices.format}")
    if (*choices.captures, *choices.netlogon).count("-") > 1:
        raise UsageError("standard input (-) can be read once")
    if choices.netlogon_year:
        from rpctrace.console.summing_logs import check_years

        check_years(choices.netlogon_year, choices.netlogon)
    to_output, to_files = _renderings(choices)
    key = key_of(choices.redact, choices.redact_key)
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
    of_run = RenderOptions(
        table=choices.table,
        verbosity=choices.verbosity,
        command=words_again(choices, report),
    )
    for path, rendering in to_files:
        _write_file(path, rendering, selected, of_run, choices.quiet)
    if to_output is not None:
        _write_output(to_output, selected, of_run, choices.color)
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


def _redacted_hosts(hosts: Sequence[str], key: bytes) -> tuple[str, ...]:
    """What is looked for is called otherwise in the report."""
    from rpctrace.pseudonyms import Pseudonyms
    from rpctrace.spellings import host_and_port

    if any("/" in host for host in hosts):
        raise UsageError("--host NETWORK does not go with --redact: the network has another address then")
    names = Pseudonyms(key)
    parts = map(host_and_port, hosts)
    return tuple(f"[{names.name(name)}]" + (f":{port}" if port is not None else "") for name, port in parts)


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
        streams.tell(f"{error}{_FOLDER_HINT if os.path.isdir(error.path) else ''}")

    with ProgressLine(quiet) as progress:
        report = analyze(captures, options, progress, unreadable, netlogon=logs)
    return report, ExitStatus.UNREAD if errors else ExitStatus.DONE


def _how_it_read(report: Report, choices: AnalyzeChoices) -> ExitStatus:
    status = ExitStatus.DONE
    for capture in report.captures:
        if not capture.complete:
            streams.tell(f"{capture.path}: read in part, {_stopped(capture.stopped_at)}")
            status = ExitStatus.UNREAD
        elif capture.frames == 0:
            streams.tell(f"{capture.path}: holds no frame")
            status = ExitStatus.UNREAD
    for log in report.logs:
        if not log.complete:
            streams.tell(f"{log.path}: read in part, {_stopped(log.stopped_at)}")
            status = ExitStatus.UNREAD
    if status is ExitStatus.DONE and not report.complete:
        streams.say("rpctrace: a limit was reached and octets were left unread; the report names it")
        status = ExitStatus.UNREAD
    if choices.strict and (report.problems or report.limits) and status is ExitStatus.DONE:
        streams.say("rpctrace: --strict: not everything could be read; the report lists the problems")
        status = ExitStatus.UNREAD
    return status


def _stopped(offset: int | None) -> str:
    from rpctrace.render.words import stopped_words

    return stopped_words(offset)


def _selected(report: Report, selection: Selection | None, choices: AnalyzeChoices) -> Report:
    if selection is None:
        return report
    from rpctrace.selection import select

    selected = select(report, selection)
    if not choices.quiet:
        calls = f"{len(selected.calls)} of {len(report.calls)} calls"
        findings = f"{len(selected.findings)} of {len(report.findings)} findings"
        streams.say(f"rpctrace: the filters leave {calls} and {findings}")
    return selected


def _write_output(rendering: Rendering, report: Report, of_run: RenderOptions, color: streams.ColorChoice) -> None:
    from rpctrace.console.output_options import on_output

    options = on_output(of_run, color)
    streams.write(lambda out: rendering.render(report, out, options))


def _write_file(path: str, rendering: Rendering, report: Report, of_run: RenderOptions, quiet: bool) -> None:
    options = replace(of_run, table=None)
    octets = rendering.octets
    if octets is None:
        output_files.write_whole(path, lambda out: rendering.render(report, out, options))
    else:
        output_files.write_octets(path, lambda out: octets(report, out, options))
    if not quiet:
        streams.tell(f"wrote {path}")


def _judged(report: Report, fail_on: str | None) -> ExitStatus:
    """Whether a finding is as severe as --fail-on says, or more."""
    if fail_on is None:
        return ExitStatus.DONE
    from rpctrace.report import SEVERITIES

    severe = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return ExitStatus.FOUND if any(finding.severity in severe for finding in report.findings) else ExitStatus.DONE
