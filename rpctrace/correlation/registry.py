"""JOINS, in the order in which they need each other's results, and `correlate`, which runs them. What joins several
captures, or logs, is loaded where there are any."""

from __future__ import annotations

from collections.abc import Callable

from rpctrace.correlation import endpoints, fallback, host_clocks, objects, paths, tickets
from rpctrace.report import Report


def _captures(report: Report) -> Report:
    if len(report.captures) < 2:
        return report
    from rpctrace.correlation import captures

    return captures.join(report)


def _log_lines(report: Report) -> Report:
    if not report.logs:
        return report
    from rpctrace.correlation import log_lines

    return log_lines.join(report)


JOINS: tuple[Callable[[Report], Report], ...] = (
    _captures,
    tickets.join,
    paths.join,
    fallback.join,
    endpoints.join,
    objects.join,
    _log_lines,
    host_clocks.join,
)


def correlate(report: Report) -> Report:
    """The report with its records joined: called once, when all captures are read. A report that was correlated comes
    back equal; records of a single capture change in nothing but the fields that name other records."""
    for join in JOINS:
        report = join(report)
    return report
