"""JOINS, in the order in which they need each other's results, and `correlate`, which runs them."""

from __future__ import annotations

from collections.abc import Callable

from rpctrace.correlation import captures, endpoints, fallback, host_clocks, log_lines, objects, paths, tickets
from rpctrace.report import Report

JOINS: tuple[Callable[[Report], Report], ...] = (
    captures.join,
    tickets.join,
    paths.join,
    fallback.join,
    endpoints.join,
    objects.join,
    log_lines.join,
    host_clocks.join,
)


def correlate(report: Report) -> Report:
    """The report with its records joined: called once, when all captures are read. A report that was correlated comes
    back equal; records of a single capture change in nothing but the fields that name other records."""
    for join in JOINS:
        report = join(report)
    return report
