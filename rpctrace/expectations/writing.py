"""A Report, and the file that was there -> the text that `check --update` writes.

What is still met stays as it is, with its comments; what is not met goes; what nobody describes is added: failed calls
and findings above a note, or everything where the file says `exact = true`. What must not be there, and what
`[require]` wants, is never changed. The comments of an entry go with the one that takes its place, or to the end.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from rpctrace.encoding.text import safe_text
from rpctrace.expectations.blocks import Block, layout_of
from rpctrace.expectations.generated import Generated, generated, is_by_default
from rpctrace.expectations.keys import CALL, KINDS
from rpctrace.expectations.reading import entry_of, read_expectation
from rpctrace.expectations.values import Kind
from rpctrace.report import Report

_INVITATION = "made to be read and edited"
_GONE = "# Of entries that are gone:"
_TOP_LINE = re.compile(r"(\s*[\"']?(?P<key>failed|calls|complete)[\"']?\s*=\s*)(?P<value>\w+)(.*)")


def written(report: Report, capture_name: str, before: str | None = None) -> str:
    """The text for a capture. Raises `UsageError` where `before` is laid out in a way that cannot be edited."""
    if before is None:
        failed = sum(call.failed for call in report.calls)
        head = f"# What {safe_text(capture_name)} shows. Written by rpctrace check --update; {_INVITATION}."
        top, blocks, tail = [head, f"failed = {failed}"], _added(report, {}, False), []
    else:
        exact = read_expectation(before, capture_name).exact
        layout = layout_of(before, capture_name)
        top, tail = list(layout.top), list(layout.tail)
        blocks = _merged(report, layout.blocks, exact, tail)
    lines = _top(top, report)
    for block in blocks:
        lines += ["", *block]
    if tail:
        lines += ["", *tail]
    return "\n".join(lines).strip("\n") + "\n"


def _top(lines: list[str], report: Report) -> list[str]:
    """The lines at the top with today's numbers; those that are not there are not added, but for `complete`."""
    today = {
        "failed": str(sum(call.failed for call in report.calls)),
        "calls": str(len(report.calls)),
        "complete": str(report.complete).lower(),
    }
    found, changed = set(), []
    for line in lines:
        match = _TOP_LINE.fullmatch(line)
        if match is None:
            changed.append(line)
            continue
        found.add(match["key"])
        if match["key"] != "complete" or not report.complete or match["value"] == "true":
            changed.append(f"{match[1]}{today[match['key']]}{match[4]}")
    return changed if report.complete or "complete" in found else [*changed, "complete = false"]


_Text = list[str]


def _added(report: Report, described: dict[str, set[int]], exact: bool) -> list[_Text]:
    return [
        list(block.lines) for kind in KINDS.values() for block in _missing(report, kind, described, exact)
    ]


def _missing(report: Report, kind: Kind, described: dict[str, set[int]], exact: bool) -> list[Generated]:
    """Blocks for records that nobody describes and that somebody should."""
    known = described.get(kind.table, set())

    def is_wanted(place: int, record: Any) -> bool:
        return place not in known and (is_by_default(kind, record) or (exact and kind.counts(record)))

    return generated(report, kind, is_wanted)


def _merged(report: Report, blocks: Iterable[Block], exact: bool, tail: list[str]) -> list[_Text]:
    """The blocks in their places, those that are not met replaced; new ones after the last of their kind."""
    described: dict[str, set[int]] = {table: set() for table in KINDS}
    met: list[Block | None] = []
    kept = list(blocks)
    for block in kept:
        places = _described(report, block)
        met.append(block if places is not None else None)
        described.get(block.table, set()).update(places or ())
    texts: list[tuple[str, _Text]] = []
    gone: list[str] = []
    for block, still in zip(kept, met, strict=True):
        if still is not None:
            texts.append((block.table, [*block.head, *block.lines]))
            continue
        successor = _successor(report, block, described)
        if successor is None:
            gone += block.remarks
            continue
        described[block.table].update(successor.places)
        texts.append((block.table, [*block.head, *_in_the_words_of(block, successor.lines)]))
    for kind in KINDS.values():
        for new in _missing(report, kind, described, exact):
            texts.insert(_place_for(kind.table, texts), (kind.table, list(new.lines)))
    if gone:
        tail += [*([_GONE] if _GONE not in tail else []), *gone]
    return [text for _, text in texts]


def _described(report: Report, block: Block) -> set[int] | None:
    """The places of the records that a block describes; None where it is not met. Blocks of other tables stay."""
    kind = KINDS.get(block.table)
    if kind is None:
        return set()
    entry = entry_of(block.values, kind, 0)
    places = {place for place, record in enumerate(kind.records(report)) if entry.describes(record)}
    is_met = bool(places) if entry.count is None else entry.count == len(places)
    return places if is_met else None


def _successor(report: Report, block: Block, described: dict[str, set[int]]) -> Generated | None:
    """The block for records that nobody describes which is most like one that is not met, if it is like it at all."""
    best, most = None, 0.0
    known = described[block.table]
    kind = KINDS[block.table]

    def may_follow(place: int, record: Any) -> bool:
        """A call that is answered follows no call that failed."""
        alike = kind is not CALL or record.failed or block.values.get("outcome") == record.outcome
        return alike and place not in known

    for candidate in generated(report, kind, may_follow):
        values = tomllib.loads("\n".join(candidate.lines[1:]))
        likeness = _likeness(block.values, values)
        if likeness > most:
            best, most = candidate, likeness
    return best if most >= 0.5 else None


def _likeness(before: dict[str, Any], now: dict[str, Any]) -> float:
    """The share of the keys of `before`, without those that change with every capture, that are the same now."""
    lasting = [key for key in before if not key.endswith(("frame", "frames", "confidence")) and key != "count"]
    return sum(before[key] == now.get(key) for key in lasting) / len(lasting) if lasting else 0.0


def _in_the_words_of(block: Block, lines: Iterable[str]) -> list[str]:
    """New lines, but where an old one says the same it stays, with its comment; and so do comments in the block."""
    said: dict[str, str] = {}
    remarks = []
    for line in block.lines[1:]:
        try:
            values = tomllib.loads(line)
        except ValueError:  # a part of a value over several lines
            continue
        if values:
            said[repr(values)] = line
        elif line.strip():
            remarks.append(line)
    header, *rest = lines
    return [header, *remarks, *(said.get(repr(tomllib.loads(line)), line) for line in rest)]


def _place_for(table: str, texts: list[tuple[str, _Text]]) -> int:
    """After the last block of its kind, else after those of the kinds before it, else first."""
    order = list(KINDS)
    wanted = order.index(table)
    before = [place for place, (other, _) in enumerate(texts) if other in order and order.index(other) <= wanted]
    return before[-1] + 1 if before else 0
