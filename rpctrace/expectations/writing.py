"""A Report, and the file that was there -> the text that `check --update` writes.

What is still met stays as it is, with its comments; where only a count is wrong, it alone is changed; what is not met
goes; what nobody describes is added: failed calls and findings above a note, or everything where the file says `exact =
true`. What must not be there (also as `count = 0`), and what `[require]` wants, is never changed. The comments of an
entry, and its keys that agree, go with the one that takes its place, or to the end.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.expectations.blocks import Block, Statement, comment_of, layout_of
from rpctrace.expectations.described import Described
from rpctrace.expectations.generated import MOST_BLOCKS, Alike, Generated, alike, generated
from rpctrace.expectations.keys import CALL, KINDS
from rpctrace.expectations.reading import entry_of, read_expectation
from rpctrace.expectations.values import Entry, Kind
from rpctrace.report import Report

_INVITATION = "made to be read and edited"
_GONE = "# Of entries that are gone:"
_COUNT = re.compile(r"(\s*[\"']?count[\"']?\s*=\s*)[\w+-]+(.*)")
_NAMED = ("interface", "status", "reject_reason", "kerberos_error", "error")  # a name is written beside these
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
    text = "\n".join(lines).strip("\n") + "\n"
    read_expectation(text, capture_name)  # nothing is written that does not read back
    return text


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
        elif match[4].lstrip().startswith("#"):  # above a key: after the last one it would be about the first block
            keys = (place for place, each in enumerate(changed) if each.strip() and not each.lstrip().startswith("#"))
            place = next(keys, len(changed))
            changed[place:place] = [match[4].strip()]
    return changed if report.complete or "complete" in found else [*changed, "complete = false"]


_Text = list[str]


def _added(report: Report) -> list[_Text]:
    return [list(new.lines) for kind in KINDS.values() for new in _Kept(Described(kind, report), ()).missing(False)]


class _Kept:
    """The blocks of one kind, the records that they describe, and what may take the place of those that are not met."""

    def __init__(self, described: Described, blocks: Iterable[Block]) -> None:
        self._described = described
        self._known: set[int] = set()
        self._unmet: dict[int, Entry] = {}  # of blocks, by their identity: two may say the same
        self._counts: dict[int, int] = {}  # what a count should be
        for block in blocks:
            entry = entry_of(block.values, described.kind, 0)
            places = described.places_of(entry)
            if entry.count == 0:  # what must not be there
                continue
            if not places:
                self._unmet[id(block)] = entry
                continue
            self._known.update(places)
            if entry.count is not None and entry.count != len(places):
                self._counts[id(block)] = len(places)
        left = [place for place in range(len(described.records)) if place not in self._known] if self._unmet else ()
        self._groups = dict(enumerate(alike(described, left)))

    def is_met(self, block: Block) -> bool:
        return id(block) not in self._unmet

    def lines_of(self, block: Block) -> list[str]:
        """Of a block that is met, with today's count."""
        count = self._counts.get(id(block))
        return list(block.lines if count is None else _counted(block.lines, count))

    def successor(self, block: Block) -> list[str] | None:
        """The block for records that nobody describes which is most like one that is not met, if it is like it."""
        best, most = None, 0.0
        entry = self._unmet[id(block)]
        for number, group in islice(self._that_may_follow(block), MOST_BLOCKS):
            likeness = _likeness(entry, group.first)
            if likeness > most:
                best, most = number, likeness
        if best is None or most < 0.5:
            return None
        group = self._groups.pop(best)
        records = [self._described.records[place] for place in group.places]
        agreed = {check.name for check in entry.checks if all(map(check.agrees, records))}
        lines = _in_the_words_of(block, group.block().lines, self._described.kind, agreed)
        described = self._described.places_of(entry_of(_values_of(lines), self._described.kind, 0))
        self._known.update(described)
        return _counted(lines, len(described))

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
            texts.append((block.table, [*block.head, *(block.lines if ours is None else ours.lines_of(block))]))
            continue
        successor = ours.successor(block)
        if successor is None:
            gone += _remarks(block, KINDS[block.table])
            continue
        texts.append((block.table, [*block.head, *successor]))
    for table, ours in kinds.items():
        place = _place_for(table, texts)
        texts[place:place] = [(table, list(new.lines)) for new in ours.missing(exact)]
    if gone:
        tail += [*([_GONE] if _GONE not in tail else []), *gone]
    return [text for _, text in texts]


def _likeness(entry: Entry, record: Any) -> float:
    """The share of what an entry says, without what changes with every capture, that agrees with a record."""
    said = [check for check in entry.checks if check.is_written]
    lasting = [check for check in said if not check.name.endswith(("frame", "frames", "confidence"))]
    return sum(check.agrees(record) for check in lasting) / len(lasting) if lasting else 0.0


def _in_the_words_of(block: Block, lines: Iterable[str], kind: Kind, agreed: Collection[str]) -> list[str]:
    """New lines, but where what is written agrees it stays; the comments of what does not agree stay too."""
    kept: dict[str, list[str]] = {}
    remarks: list[str] = []
    comments: dict[str, str] = {}
    for statement in block.statements():
        if statement.key is None:
            remarks += filter(str.strip, statement.lines)
        elif statement.key in agreed or statement.key == "count":
            kept[statement.key] = list(statement.lines)
        elif _is_of_people(statement, kind):
            comments[statement.key] = statement.comment
    made: list[str] = []
    for line in list(lines)[1:]:
        (key,) = tomllib.loads(line)
        comment = comments.get(key)
        if key in kept:
            made += kept.pop(key)
        elif comment and not comment_of(line):
            made.append(f"{line}  {comments.pop(key)}")
        else:
            made.append(line)
    return [block.header, *remarks, *comments.values(), *made, *(line for own in kept.values() for line in own)]


def _remarks(block: Block, kind: Kind) -> Iterator[str]:
    """What people remarked above a block and in it."""
    yield from filter(str.strip, block.head)
    if comment := comment_of(block.header):
        yield comment
    for statement in block.statements():
        if statement.key is None:
            yield from filter(str.strip, statement.lines)
        elif _is_of_people(statement, kind):
            yield statement.comment


def _is_of_people(statement: Statement, kind: Kind) -> bool:
    """Whether it has a comment that is not the name that `--update` itself writes beside a number."""
    said = statement.comment.lstrip("#").strip()
    if statement.key == "opnum":
        return " " in said
    if statement.key == "rule":
        from rpctrace.diagnosis.registry import RULES

        return bool(said) and said not in {rule.title for rule in RULES}
    if statement.key not in _NAMED or not said:
        return bool(said)
    try:
        kind.keys[statement.key].wanted(said)
    except UsageError:
        return True
    return False


def _counted(lines: Iterable[str], count: int) -> list[str]:
    return [f"{match[1]}{count}{match[2]}" if (match := _COUNT.fullmatch(line)) else line for line in lines]


def _values_of(lines: Iterable[str]) -> dict[str, Any]:
    return tomllib.loads("\n".join(list(lines)[1:]))


def _place_for(table: str, texts: list[tuple[str, _Text]]) -> int:
    """After the last block of its kind, else after those of the kinds before it, else first."""
    order = list(KINDS)
    wanted = order.index(table)
    before = [place for place, (other, _) in enumerate(texts) if other in order and order.index(other) <= wanted]
    return before[-1] + 1 if before else 0
