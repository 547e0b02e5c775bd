"""A Report -> the page as values: every text and number that the template writes, in the order of the page."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rpctrace.encoding.text import safe_text
from rpctrace.record import record
from rpctrace.render.beside import beside_lines
from rpctrace.render.codes import MOST_CODES, CodeWords, codes_of
from rpctrace.render.drawing import span_words
from rpctrace.render.finding_text import more_seen
from rpctrace.render.hosts import HostBook
from rpctrace.render.html_table import Table, table_of
from rpctrace.render.ladder import Ladder, ladder
from rpctrace.render.links import is_plain_link
from rpctrace.render.nothing_failed import errors_answered, nothing_failed, seen_beside
from rpctrace.render.places import frame_chip
from rpctrace.render.referral_picture import NARROW as NARROW_PICTURE
from rpctrace.render.referral_picture import ReferralPicture, referral_picture
from rpctrace.render.story import Story, StoryBook, story_of
from rpctrace.render.timeline import NARROW, Timeline, timeline
from rpctrace.render.unseen import Unseen, unseen
from rpctrace.render.words import (
    UNICODE_SIGNS,
    capture_words,
    clock_words,
    confidence_words,
    counted,
    principal_words,
    stopped_words,
    time_words,
)
from rpctrace.report import WHOLE, EvidenceItem, Finding, ReferralPath, Report, display_filter

MOST_TOLD = 20  # findings with pictures
MOST_LISTED = 100  # findings by a line
MOST_PATHS = 2
MOST_BESIDE = 30
MOST_OTHERS = 6  # titles below the verdict
MOST_OPERATIONS = 40
MOST_REASONS = 4  # of a verdict's confidence
_TRAILING_ZEROS = re.compile(r"(\.\d{3}\d*?)0+(?= UTC)")


@record
class Evidence:
    """One piece: `weight` as it is written, "" for what the rule requires; `share` the same in percent, for its bar."""

    text: str
    chip: str
    filter: str
    weight: str
    share: int


@record
class Reference:
    text: str
    is_link: bool


@record
class Way:
    """One referral path, drawn for a desk and for a telephone."""

    caption: str
    wide: ReferralPicture
    narrow: ReferralPicture


@record
class RivalWords:
    title: str
    rule: str
    confidence: str


@record
class Told:
    """One finding with all that is shown of it; `where` says in which capture the filter holds."""

    number: int
    title: str
    severity: str
    rule: str
    confidence: str
    percent: int
    words: str
    summary: str
    filter: str
    where: str
    seen: tuple[Evidence, ...]
    more_seen: str
    fits: tuple[Evidence, ...]
    against: tuple[Evidence, ...]
    limited_by: tuple[str, ...]
    missing: tuple[str, ...]
    next_steps: tuple[str, ...]
    rivals: tuple[RivalWords, ...]
    references: tuple[Reference, ...]
    story: Story | None
    zero: str
    ladder: Ladder | None
    timeline: Timeline | None
    narrow_timeline: Timeline | None
    ways: tuple[Way, ...]
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def between(self) -> str:
        return dict(self.facts).get("Between", "")

    @property
    def reasons(self) -> tuple[Evidence, ...]:
        """What weighs most for it."""
        return self.fits[:MOST_REASONS]


@record
class Other:
    """Findings that read the same, for the list below the verdict: the first one's number, and how many."""

    number: int
    title: str
    times: int


@record
class Verdict:
    """The head of the page where no finding is: `tone` fine, warning or plain."""

    tone: str
    title: str
    text: str


@record
class Tile:
    number: str
    text: str
    tone: str


@record
class CaptureRow:
    number: str
    path: str
    facts: tuple[tuple[str, str], ...]


@record
class OperationRow:
    client: str
    server: str
    interface: str
    operation: str
    count: int
    failed: int
    median: str
    largest: str


@record
class Page:
    """All of it. `listed`: findings told by a line; `notes`: of severity note; `remarks`: what was left out where."""

    title: str
    tool: str
    captures: tuple[CaptureRow, ...]
    command: str
    verdict: Verdict
    told: tuple[Told, ...]
    others: tuple[Other, ...]
    listed: tuple[Told, ...]
    more_findings: int
    notes: tuple[Told, ...]
    tiles: tuple[Tile, ...]
    beside: tuple[str, ...]
    more_beside: int
    codes: tuple[CodeWords, ...]
    more_codes: int
    operations: tuple[OperationRow, ...]
    more_operations: int
    table: Table
    unseen: tuple[Unseen, ...]


def page_of(report: Report, command: Sequence[str] = ()) -> Page:
    """`command` as in `RenderOptions`."""
    book, hosts = StoryBook(report), HostBook(report)
    worth = [each for each in report.findings if each.severity != "note"]
    notes = [each for each in report.findings if each.severity == "note"]
    told = tuple(_told(each, number, report, book, hosts) for number, each in enumerate(worth[:MOST_TOLD], 1))
    listed = tuple(
        _bare(each, number, report, book) for number, each in enumerate(worth[MOST_TOLD:MOST_LISTED], MOST_TOLD + 1)
    )
    beside = [line.replace("\n", " ") for line in beside_lines(report, UNICODE_SIGNS)]
    codes = codes_of(report)
    verdict = _verdict(report)
    return Page(
        title=f"{told[0].title if told else verdict.title} \u2013 rpctrace",
        tool=f"{report.tool.name} {report.tool.version}",
        captures=tuple(_captures(report)),
        command=_command(report, command),
        verdict=verdict,
        told=told,
        others=tuple(_others(told[1:]))[:MOST_OTHERS],
        listed=listed,
        more_findings=max(len(worth) - MOST_LISTED, 0),
        notes=tuple(_bare(each, number, report, book) for number, each in enumerate(notes[:MOST_LISTED], 1)),
        tiles=tuple(_tiles(report)),
        beside=tuple(beside[:MOST_BESIDE]),
        more_beside=max(len(beside) - MOST_BESIDE, 0),
        codes=codes[:MOST_CODES],
        more_codes=max(len(codes) - MOST_CODES, 0),
        operations=tuple(_operations(report, hosts)),
        more_operations=max(len(report.summary) - MOST_OPERATIONS, 0),
        table=table_of(report),
        unseen=tuple(unseen(report)),
    )


# Findings


def _others(told: Sequence[Told]) -> Iterator[Other]:
    titles = Counter(each.title for each in told)
    first = {each.title: each.number for each in reversed(told)}
    yield from (Other(first[title], title, times) for title, times in titles.items())


def _bare(finding: Finding, number: int, report: Report, book: StoryBook) -> Told:
    """A finding without its pictures."""
    captures = len(report.captures)
    evidence = [(item, _evidence(item, captures)) for item in finding.evidence]
    fits = [shown for item, shown in evidence if item.side == "fits"]
    where = f"capture {finding.capture + 1}" if captures > 1 and finding.capture is not None else ""
    return Told(
        number=number,
        title=finding.title,
        severity=finding.severity,
        rule=finding.rule,
        confidence=f"{finding.confidence:.2f}",
        percent=round(finding.confidence * 100),
        words=confidence_words(finding.confidence),
        summary=finding.summary,
        filter=finding.display_filter,
        where=where,
        more_seen=more_seen(finding, report, book.records, UNICODE_SIGNS),
        seen=tuple(shown for item, shown in evidence if item.side == "seen"),
        fits=tuple(sorted(fits, key=lambda item: -item.share)),
        against=tuple(shown for item, shown in evidence if item.side == "against"),
        limited_by=finding.limited_by,
        missing=finding.missing,
        next_steps=finding.next_steps,
        rivals=tuple(RivalWords(each.title, each.rule, f"{each.confidence:.2f}") for each in finding.rivals),
        references=tuple(Reference(each, is_plain_link(each)) for each in finding.references),
        story=None,
        zero="",
        ladder=None,
        timeline=None,
        narrow_timeline=None,
        ways=(),
    )


def _told(finding: Finding, number: int, report: Report, book: StoryBook, hosts: HostBook) -> Told:
    bare = _bare(finding, number, report, book)
    story = story_of(finding, book)
    if story is None:
        return bare
    return replace(
        bare,
        story=story,
        zero=_TRAILING_ZEROS.sub(r"\1", time_words(story.zero_time)),
        ladder=ladder(story, hosts, len(report.captures)),
        timeline=timeline(story),
        narrow_timeline=timeline(story, NARROW),
        ways=tuple(_ways(story, report, book)),
        facts=tuple(_facts(story, hosts)),
    )


def _facts(story: Story, hosts: HostBook) -> Iterator[tuple[str, str]]:
    """What failed, in four lines."""
    focus = story.focus
    yield "Asked", focus.question
    if focus.question_detail:
        yield "With", focus.question_detail
    if focus.asker and focus.answerer:
        yield "Between", " \u2192 ".join(map(hosts.whole_title, (focus.asker, focus.answerer)))
    answer = ", ".join(filter(None, (focus.answer, focus.answer_detail)))
    if answer:
        took = f" after {span_words(story.window_ns[1] - story.window_ns[0])}" if story.window_ns else ""
        yield "Answer", f"{answer}{took}"


def _evidence(item: EvidenceItem, captures: int) -> Evidence:
    chip, shows = frame_chip(item.frame, item.capture, captures), ""
    if item.frame is not None:
        shows = display_filter((item.frame,))
    elif item.log_line is not None:
        chip = f"{safe_text(item.log_line.file.replace(chr(92), '/').rpartition('/')[2])}:{item.log_line.line}"
    weight = "" if item.weight in (0, WHOLE) else f"{item.weight:.2f}"
    return Evidence(item.text, chip, shows, weight, round(min(max(item.weight, 0), 1) * 100) if weight else 0)


def _ways(story: Story, report: Report, book: StoryBook) -> Iterator[Way]:
    """The referral paths that the story leads over, that of the ticket presented first."""
    keys = {step.key for step in story.steps}
    paths = [path for path in report.referral_paths if any(f"exchange {hop}" in keys for hop in path.exchanges[-1:])]
    shown = (book.calls[key.removeprefix("call ")] for key in keys if key.startswith("call "))
    presented = {call.ticket.exchange for call in shown if call.ticket is not None}

    def nearness(path: ReferralPath) -> tuple[bool, bool, int]:
        return story.issued_in not in path.exchanges, path.exchanges[-1] not in presented, -len(path.realms)

    paths.sort(key=nearness)
    for path in paths[:MOST_PATHS]:
        who = principal_words(path.cname) or safe_text(path.client.address)
        caption = f"{who} asks for {principal_words(path.sname) or 'a ticket'}"
        wide = referral_picture(path, book.exchanges, len(report.captures))
        yield Way(caption, wide, referral_picture(path, book.exchanges, len(report.captures), NARROW_PICTURE))


# The rest of the page


def _verdict(report: Report) -> Verdict:
    failed = sum(call.failed for call in report.calls)
    if failed:
        rules = "no rule says more about why" if not report.findings else "there are only weak hypotheses about why"
        return Verdict("warning", f"{counted(failed, 'call')} failed", f"See the table for each; {rules}.")
    title, errors = nothing_failed(report), errors_answered(report.calls)
    seen = seen_beside(report)
    beside = "; ".join(each.text for each in seen)
    if not report.captures:
        return Verdict("plain", title, "")
    if not report.calls:
        tone = "warning" if any(each.refused for each in seen) else "plain"
        return Verdict(tone, title, f"Below is what else was read{': ' if beside else ''}{beside}.")
    fine = "fine" if report.complete and not seen and not errors else "warning"
    answered = sum(call.outcome in ("answered", "accepted") for call in report.calls)
    text = f"{answered} of {counted(len(report.calls), 'call')} {'was' if len(report.calls) == 1 else 'were'} answered"
    text += "." if errors else ", and no answer refuses anything."
    if unknown := sum(call.end_unknown for call in report.calls):
        text += f" How {unknown} ended was not captured."
    return Verdict(fine, title, f"{text} Beside calls: {beside}." if beside else text)


def _tiles(report: Report) -> Iterator[Tile]:
    failed = sum(call.failed for call in report.calls)
    frames = sum(each.frames for each in report.captures)
    starts = [each.first_ns for each in report.captures if each.first_ns is not None]
    ends = [each.last_ns for each in report.captures if each.last_ns is not None]
    took = f" in {span_words(max(ends) - min(starts))}" if starts and ends else ""
    several = f", {len(report.captures)} captures" if len(report.captures) > 1 else ""
    at_least = "+" if any(limit.name == "calls_kept" for limit in report.limits) else ""
    yield Tile(_grouped(frames), f"frames{took}{several}", "plain")
    yield Tile(_grouped(len(report.calls)) + at_least, "RPC calls", "plain")
    turned_away = sum(each.outcome == "rejected" for each in report.authentications)
    errors = errors_answered(report.calls)
    beside = f"; {errors} answered with an error" if errors else ""
    if turned_away:
        beside += f"; {counted(turned_away, 'other authentication')} refused"
    refused = sum(each.refused for each in report.kerberos)
    if failed:
        tone = "failure"
    elif turned_away or errors:
        tone = "warning"
    else:
        tone = "fine" if report.calls and not refused else "plain"
    yield Tile(_grouped(failed), f"failed{beside}", tone)
    exchanges = f"Kerberos exchanges, {refused} refused" if refused else "Kerberos exchanges"
    yield Tile(_grouped(len(report.kerberos)), exchanges, "warning" if refused else "plain")
    yield Tile(_grouped(sum(each.gaps for each in report.streams)), "gaps in connections", "plain")
    doubts = len(report.problems) + len(report.limits)
    yield Tile(_grouped(doubts), "unread or limited", "warning" if doubts else "plain")


def _grouped(number: int) -> str:
    """Thousands apart by a space, as SI has it."""
    return f"{number:,}".replace(",", " ")


def _operations(report: Report, hosts: HostBook) -> Iterator[OperationRow]:
    ordered = sorted(report.summary, key=lambda each: (-each.failed, -each.count))
    for each in ordered[:MOST_OPERATIONS]:
        yield OperationRow(
            client=hosts.title(each.client),
            server=hosts.title(each.server),
            interface=each.interface or "",
            operation=each.operation or "",
            count=each.count,
            failed=each.failed,
            median="" if each.median_ns is None else span_words(each.median_ns),
            largest="" if each.largest_ns is None else span_words(each.largest_ns),
        )


def _captures(report: Report) -> Iterator[CaptureRow]:
    for place, capture in enumerate(report.captures):
        facts = [("what", capture_words(capture)), ("size", f"{_grouped(capture.bytes)} octets")]
        if capture.last_time is not None:
            facts += [("first frame", time_words(capture.first_time)), ("last frame", time_words(capture.last_time))]
        for clock in report.clocks:
            if clock.capture == place and clock.capture != clock.reference:
                facts.append(("clock", clock_words(clock)))
        if not capture.complete:
            facts.append(("not complete", stopped_words(capture.stopped_at)))
        yield CaptureRow(f"[{place + 1}] " if len(report.captures) > 1 else "", capture.path, tuple(facts))


def _command(report: Report, command: Sequence[str]) -> str:
    """What makes this page again, for a POSIX shell; where nobody says of what, the files that it is of."""
    logs = dict.fromkeys(log.path for log in report.logs)
    files = (*(each.path for each in report.captures), *(word for path in logs for word in ("--netlogon", path)))
    words = (shlex.quote(safe_text(word)) for word in command or files)
    return " ".join(("rpctrace", "analyze", *words, "-o report.html"))
