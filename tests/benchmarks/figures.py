"""Truth and report -> recall; costs -> the tables of the README."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from benchmarks.measuring import Cost, Machine

MEGABYTE, MEBIBYTE = 1_000_000, 1 << 20
UNKNOWN = "-"


class Recall(NamedTuple):
    """How many of the planted calls a report has right, and which it has not."""

    found: int
    missed: list[dict[str, Any]]

    @property
    def planted(self) -> int:
        return self.found + len(self.missed)


def _is(call: Mapping[str, Any], truth: Mapping[str, Any]) -> bool:
    ticket = call["ticket"] or {}
    return (
        call["kind"] == truth["kind"]
        and truth["request_frame"] in call["request_frames"]
        and call["status_hex"] == truth["status"]
        and ticket.get("realm") == truth["realm"]
        and "/".join(ticket.get("sname") or ()) == truth["sname"]
    )


def recall(planted: Sequence[dict[str, Any]], calls: Sequence[Mapping[str, Any]]) -> Recall:
    """Planted calls of a truth file against the calls of a report: the same frames, kind, status, realm and name."""
    answered: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for call in calls:
        for frame in call["reply_frames"]:
            answered[frame].append(call)
    missed = [truth for truth in planted if not any(_is(call, truth) for call in answered[truth["fault_frame"]])]
    return Recall(len(planted) - len(missed), missed)


class Row(NamedTuple):
    """What was measured of one corpus. None: not measured."""

    corpus: str
    octets: int
    packets: int
    cat: Cost
    rpctrace: Cost
    tshark: Cost | None = None
    two_jobs: Cost | None = None
    recall: Recall | None = None


class StartUp(NamedTuple):
    """CPU milliseconds of the runs of one command, and of as many of a Python that does nothing."""

    command: str
    milliseconds: list[float]
    bare_milliseconds: list[float]

    @property
    def median(self) -> float:
        return median(self.milliseconds) - median(self.bare_milliseconds)

    @property
    def least(self) -> float:
        return min(self.milliseconds) - min(self.bare_milliseconds)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns line up: the first is text, the others are numbers."""
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        numbers = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return f"| {' | '.join([cells[0].ljust(widths[0]), *numbers])} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(head), line(rule), *map(line, rows)])


def _seconds(cost: Cost | None) -> str:
    return UNKNOWN if cost is None else f"{cost.cpu_seconds:.2f}"


def _mebibytes(cost: Cost | None) -> str:
    return UNKNOWN if cost is None else f"{cost.peak_octets / MEBIBYTE:.0f}"


def _times(cost: Cost | None, other: Cost) -> str:
    """How many times as much CPU the first one took."""
    return UNKNOWN if cost is None or not other.cpu_seconds else f"{cost.cpu_seconds / other.cpu_seconds:.1f}"


def _cells(row: Row) -> list[str]:
    found = UNKNOWN if row.recall is None else f"{row.recall.found} of {row.recall.planted}"
    return [
        row.corpus, f"{row.octets / MEGABYTE:.0f}", f"{row.packets:,}".replace(",", " "),
        _seconds(row.tshark), _mebibytes(row.tshark), _seconds(row.rpctrace), _mebibytes(row.rpctrace),
        _times(row.tshark, row.rpctrace), _times(row.rpctrace, row.cat), found,
    ]  # fmt: skip


def corpora_table(rows: Sequence[Row]) -> str:
    head = (
        "corpus", "MB", "packets", "tshark CPU s", "MiB", "rpctrace CPU s", "MiB", "tshark ÷ rpctrace",
        "rpctrace ÷ cat", "planted found",
    )  # fmt: skip
    return markdown(head, [_cells(row) for row in rows])


def start_up_table(rows: Sequence[StartUp]) -> str:
    told = [[f"`{row.command}`", f"{row.median:.0f}", f"{row.least:.0f}"] for row in rows]
    return markdown(("start-up, CPU ms over a bare Python", "median", "least"), told)


def jobs_table(rows: Sequence[Row]) -> str:
    told = [
        [
            row.corpus, f"{row.rpctrace.wall_seconds:.2f}", f"{row.two_jobs.wall_seconds:.2f}",
            f"{row.rpctrace.wall_seconds / row.two_jobs.wall_seconds:.2f}",
        ]
        for row in rows
        if row.two_jobs is not None
    ]  # fmt: skip
    return markdown(("wall seconds", "one process", "--jobs 2", "speed-up"), told)


def machine_line(where: Machine) -> str:
    system = f"{where.processor} ({where.cores} cores, {where.system})"
    return f"{where.date}, {system}, Python {where.python}, {where.tshark}, {where.rpctrace}"


def raw(rows: Sequence[Row], start_ups: Sequence[StartUp], where: Machine) -> dict[str, Any]:
    """Everything that was measured, for programs."""

    def cost(value: Cost | None) -> dict[str, Any] | None:
        return None if value is None else value._asdict()

    return {
        "machine": where._asdict(),
        "corpora": [
            {
                **row._asdict(),
                **{name: cost(getattr(row, name)) for name in ("cat", "tshark", "rpctrace", "two_jobs")},
                "recall": row.recall and {**row.recall._asdict(), "planted": row.recall.planted},
            }
            for row in rows
        ],
        "start_up": [row._asdict() for row in start_ups],
    }
