"""A Report, and the file that was there -> the text that `check --update` writes.

What is still met stays as it is, with its comments; what is not met goes; what nobody describes is added: failed calls
and findings above a note, or everything where the file says `exact = true`. What must not be there, and what
`[require]` wants, is never changed. The comments of an entry go with the one that takes its place, or to the end.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from rpctrace.encoding.text import safe_text
from rpctrace.expectations.blocks import Block, layout_of
from rpctrace.expectations.described import Described
from rpctrace.expectations.generated import MOST_BLOCKS, Alike, Generated, alike, generated
from rpctrace.expectations.keys import CALL, KINDS
from rpctrace.expectations.reading import entry_of, read_expectation
from rpctrace.report import Report

_INVITATION = "made to be read and edited"
_GONE = "# Of entries that are gone:"
_TOP_LINE = re.compile(r"(\s*[\"']?(?P<key>failed|calls|complete)[\"']?\s*=\s*)(?P<value>\w+)(.*)")


def written(report: Report, capture_name: str, before: str | None = None) -> str:
    """The text for a capture. Raises `UsageError` where `before` is laid out in a way that cannot be edited."""
    if before is None:
        failed = sum(call.failed for call in report.calls)
        head = f"# What {safe_text(capture_name)} shows. Written by rpctrace check --update; {_INVITATION}."
        top, blocks, tail = [head, f"failed = {failed}"], _added(report), []
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


def _added(report: Report) -> list[_Text]:
    return [list(new.lines) for kind in KINDS.values() for new in _Kept(Described(kind, report), ()).missing(False)]


class _Kept:
    """The blocks of one kind, the records that they describe, and what may take the place of those that are not met."""

    def __init__(self, described: Described, blocks: Iterable[Block]) -> None:
        self._described = described
        self._known: set[int] = set()
        self._unmet: set[int] = set()  # blocks, by their identity: two may say the same
        for block in blocks:
            entry = entry_of(block.values, described.kind, 0)
            places = described.places_of(entry)
            if places if entry.count is None else len(places) == entry.count:
                self._known.update(places)
            else:
                self._unmet.add(id(block))
        left = [place for place in range(len(described.records)) if place not in self._known] if self._unmet else ()
        self._groups = dict(enumerate(alike(described, left)))

    def is_met(self, block: Block) -> bool:
        return id(block) not in self._unmet

    def successor(self, block: Block) -> Generated | None:
        """The block for records that nobody describes which is most like one that is not met, if it is like it."""
        best, most = None, 0.0
        for number, group in islice(self._that_may_follow(block), MOST_BLOCKS):
            likeness = _likeness(block.values, group.values)
            if likeness > most:
                best, most = number, likeness
        if best is None or most < 0.5:
            return None
        new = self._groups.pop(best).block()
        self._known.update(new.places)
        return new

    def _that_may_follow(self, block: Block) -> Iterator[tuple[int, Alike]]:
        """A call that is answered follows no call that failed."""
        outcome = block.values.get("outcome")
        for number, group in self._groups.items():
            first = group.first
            if self._described.kind is not CALL or first.failed or first.outcome == outcome:
                yield number, group

    def missing(self, exact: bool) -> list[Generated]:
        """Blocks for records that nobody describes and that somebody should."""
        kind, known = self._described.kind, self._known

        def is_wanted(place: int, record: Any) -> bool:
            return place not in known and (kind.is_written(record) or (exact and kind.is_demanded(record)))

        return generated(self._described, is_wanted)


def _merged(report: Report, blocks: Iterable[Block], exact: bool, tail: list[str]) -> list[_Text]:
    """The blocks in their places, those that are not met replaced; new ones after the last of their kind."""
    kept = list(blocks)
    kinds = {
        table: _Kept(Described(kind, report), [block for block in kept if block.table == table])
        for table, kind in KINDS.items()
    }
    texts: list[tuple[str, _Text]] = []
    gone: list[str] = []
    for block in kept:
        ours = kinds.get(block.table)  # blocks of other tables stay
        if ours is None or ours.is_met(block):
            texts.append((block.table, [*block.head, *block.lines]))
            continue
        successor = ours.successor(block)
        if successor is None:
            gone += block.remarks
            continue
        texts.append((block.table, [*block.head, *_in_the_words_of(block, successor.lines)]))
    for table, ours in kinds.items():
        place = _place_for(table, texts)
        texts[place:place] = [(table, list(new.lines)) for new in ours.missing(exact)]
    if gone:
        tail += [*([_GONE] if _GONE not in tail else []), *gone]
    return [text for _, text in texts]


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
