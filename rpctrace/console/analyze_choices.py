"""What `analyze` was asked for, and the words of a command line that makes the same report again.

Nothing stands in them that a redacted report does not show: names that were given are called by what the help calls
them, and files as the report does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from rpctrace.console import streams
from rpctrace.record import record

if TYPE_CHECKING:
    from rpctrace.report import Report

_Words = Callable[[Any], Iterator[str]]
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


def words_again(choices: AnalyzeChoices, report: Report) -> tuple[str, ...]:
    """Captures and the options that shape the report, as they were given; those at their default are left out."""
    if choices.redact or choices.redact_key is not None:
        choices = _redacted(choices, report)
    words = [f"./{path}" if path.startswith("-") and path != "-" else path for path in choices.captures]
    for name, written in SHAPING.items():
        words += written(getattr(choices, name))
    return tuple(words)


def _redacted(choices: AnalyzeChoices, report: Report) -> AnalyzeChoices:
    years = choices.netlogon_year or {}
    return replace(
        choices,
        captures=tuple(capture.path for capture in report.captures),
        netlogon=tuple(log.path for log in report.logs),
        netlogon_year={f"FILE{n}" if file else "": year for n, (file, year) in enumerate(years.items(), 1)},
        hosts=("HOST",) * len(choices.hosts),
        realms={"HOST": "REALM"} if choices.realms else None,
        redact_key=None if choices.redact_key is None else "TEXT",
    )


def _flag(option: str) -> _Words:
    return lambda given: iter((option,) if given else ())


def _value(option: str, default: object = None) -> _Words:
    return lambda given: iter(() if given == default else (option, str(given)))


def _each(option: str) -> _Words:
    def words(given: Iterable[str]) -> Iterator[str]:
        for value in given:
            yield from (option, value)

    return words


def _zone(option: str) -> _Words:
    def words(minutes: int | None) -> Iterator[str]:
        if minutes is not None:
            hours, rest = divmod(abs(minutes), 60)
            yield from (option, f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}")

    return words


def _realms(given: Mapping[str, str] | None) -> Iterator[str]:
    for host, realm in (given or {}).items():
        yield from ("--realm", f"{host}={realm}")


def _years(given: Mapping[str, int] | None) -> Iterator[str]:
    for file, year in (given or {}).items():
        yield from ("--netlogon-year", f"{file}={year}" if file else str(year))


SHAPING: dict[str, _Words] = {
    "hosts": _each("--host"),
    "interfaces": _each("--interface"),
    "statuses": _each("--status"),
    "since": _value("--since"),
    "until": _value("--until"),
    "realms": _realms,
    "calls": _value("--calls", "default"),
    "netmon_utc_offset_minutes": _zone("--netmon-utc-offset"),
    "netlogon": _each("--netlogon"),
    "netlogon_year": _years,
    "netlogon_utc_offset_minutes": _zone("--netlogon-utc-offset"),
    "max_unpacked_octets": _value("--max-unpacked"),
    "plain": _flag("--plain"),
    "redact": _flag("--redact"),
    "redact_key": _value("--redact-key"),
}
# What is known by another option, or changes where a report goes and what the exit status is, but not what it says.
NOT_SHAPING = frozenset((
    "captures", "format", "table", "outputs", "fail_on", "jobs", "strict", "force", "color", "verbosity", "quiet",
))  # fmt: skip
