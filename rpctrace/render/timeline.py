"""A Story -> its timeline: a bar from each question to its answer, on the clock of the ladder.

Long stretches in which nothing happened would squeeze everything else into a few pixels, so they are cut out of the
axis, and the picture says how long each was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from rpctrace.record import record
from rpctrace.render.drawing import moment_words, span_words, text_width
from rpctrace.render.steps import FAMILIES, Step
from rpctrace.render.story import Story

WIDE, NARROW = 1080, 360  # for a desk and for a telephone
GUTTER = 132
ROW = 30
BESIDE, MOST_BESIDE = 15, 4  # bars at the same time are drawn below each other
TOP = 26
AXIS_SIZE = 10.5
LEAST_BAR = 5  # pixels: a bar that can be seen
MOST_SEGMENTS, MOST_NARROW_SEGMENTS = 4, 2
CUT_FROM = 0.35  # of what is drawn: an empty stretch longer than this is cut out
_BREAK = 20
_PADDING = 12
_NICE = (1, 2, 5)


@record
class Tick:
    """A mark at `x`; its text is moved where it would leave the drawing."""

    x: float
    text_x: float
    text: str
    anchor: str


@record
class Segment:
    """A stretch of the axis that is drawn, from `start_ns` to `end_ns`, in its middle; `scale` is pixels a nanosecond,
    the same in all stretches of a timeline."""

    x: float
    width: float
    start_ns: int
    end_ns: int
    scale: float
    ticks: tuple[Tick, ...] = ()

    def place(self, ns: int) -> float:
        # whole numbers first: nanoseconds since 1970 have more digits than a float
        return self.x + self.width / 2 + (2 * ns - self.start_ns - self.end_ns) / 2 * self.scale


@record
class Cut:
    """Where time was cut out, and how much."""

    x: float
    span: str


@record
class Row:
    y: float
    text: str
    text_x: float
    text_y: float


@record
class Bar:
    """One step; `text` says all of it."""

    x: float
    y: float
    width: float
    tone: str
    dashed: bool
    text: str


@record
class Band:
    """The time of the failure."""

    x: float
    width: float
    text: str


@record
class Timeline:
    width: float
    height: float
    axis_y: float
    rows: tuple[Row, ...]
    segments: tuple[Segment, ...]
    cuts: tuple[Cut, ...]
    bars: tuple[Bar, ...]
    band: Band | None


def timeline(story: Story, width: int = WIDE) -> Timeline | None:
    """None where fewer than two moments are known: there is no time to show."""
    timed = [step for step in story.steps if step.first_ns is not None]
    moments = sorted({ns for step in timed for ns in (step.first_ns, step.last_ns) if ns is not None})
    if len(moments) < 2 or story.zero_ns is None:
        return None
    narrow = width < 600
    families = [family for family in FAMILIES if any(step.family == family for step in timed)]
    left = 0 if narrow else GUTTER
    parts = stretches(_spans(timed), MOST_NARROW_SEGMENTS if narrow else MOST_SEGMENTS)
    segments = tuple(_segments(parts, left, width, story.zero_ns))
    rows: list[Row] = []
    bars: list[Bar] = []
    bottom = float(TOP)
    for family in families:
        own = [_bar(step, segments, story) for step in timed if step.family == family]
        top = bottom + (14 if narrow else 0)
        depths = _depths(own)
        bars += [replace(bar, y=top + ROW / 2 + BESIDE * depth) for bar, depth in zip(own, depths, strict=True)]
        rows.append(Row(top + ROW / 2, family, 0, top + (2 if narrow else ROW / 2 + 4)))
        bottom = top + ROW + BESIDE * max(depths)
    return Timeline(
        width=width,
        height=bottom + 26,
        axis_y=bottom,
        rows=tuple(rows),
        segments=segments,
        cuts=tuple(_cuts(segments)),
        bars=tuple(bars),
        band=_band(story, segments),
    )


def _depths(bars: Sequence[Bar]) -> list[int]:
    """Which line of its row each bar takes, so that none hides another as long as there is room."""
    ends: list[float] = []
    depths = []
    for bar in bars:
        depth = next((place for place, end in enumerate(ends) if end <= bar.x + 0.5), len(ends))
        depth = min(depth, MOST_BESIDE - 1)
        ends += [0.0] * (depth + 1 - len(ends))
        ends[depth] = max(ends[depth], bar.x + bar.width)
        depths.append(depth)
    return depths


def _spans(steps: Sequence[Step]) -> list[tuple[int, int]]:
    return sorted((step.first_ns or 0, max(step.last_ns or 0, step.first_ns or 0)) for step in steps)


def stretches(spans: Sequence[tuple[int, int]], most: int = MOST_SEGMENTS) -> list[tuple[int, int]]:
    """The parts of time worth drawing, from (start, end) of everything in ascending order: the longest pauses are cut
    out as long as one takes more than its share."""
    busy: list[tuple[int, int]] = []
    for start, end in spans:
        if busy and start <= busy[-1][1]:
            busy[-1] = (busy[-1][0], max(busy[-1][1], end))
        else:
            busy.append((start, end))
    drawn = busy[-1][1] - busy[0][0]
    pauses = sorted(
        ((after[0] - before[1], place) for place, (before, after) in enumerate(pairwise(busy), 1)),
        reverse=True,
    )
    cuts: list[int] = []
    for length, place in pauses:
        if len(cuts) + 1 >= most or length <= CUT_FROM * drawn:
            break
        cuts.append(place)
        drawn -= length
    edges = [0, *sorted(cuts), len(busy)]
    return [(busy[a][0], busy[b - 1][1]) for a, b in pairwise(edges)]


def _segments(parts: Sequence[tuple[int, int]], left: float, width: float, zero_ns: int) -> Iterator[Segment]:
    least = max(text_width(moment_words(start - zero_ns), AXIS_SIZE) for start, _ in parts) + 8
    room = width - left - _BREAK * (len(parts) - 1)
    scale = _common_scale([end - start for start, end in parts], least, room)
    x = left
    for start, end in parts:
        wide = max(least, (end - start) * scale + 2 * _PADDING)
        bare = Segment(x, wide, start, end, scale)
        yield replace(bare, ticks=tuple(_ticks(bare, zero_ns)))
        x += wide + _BREAK


def _common_scale(spans: Sequence[int], least: float, room: float) -> float:
    """Pixels a nanosecond with which stretches of these spans, none narrower than `least`, fill `room`."""
    longest = sorted(spans, reverse=True)
    for wide in range(len(spans), 0, -1):  # how many are wider than the least
        free = room - least * (len(spans) - wide) - 2 * _PADDING * wide
        total = sum(longest[:wide])
        if free > 0 and total and longest[wide - 1] * free / total + 2 * _PADDING >= least:
            return free / total
    return max(room - least * len(spans), least - 2 * _PADDING, 1) / max(longest[0], 1)


def _ticks(segment: Segment, zero_ns: int) -> Iterator[Tick]:
    """Round moments where there is room for several; else the one with which the segment begins."""
    start, end = segment.start_ns - zero_ns, segment.end_ns - zero_ns
    step = nice_step(end - start, max(1, int(segment.width / 96)))
    first = -(-start // step) * step
    if end == start or first + step > end:
        x = segment.x + segment.width / 2
        yield Tick(x, x, moment_words(start), "middle")
        return
    right = segment.x + segment.width
    for ns in range(first, end + 1, step):
        x, text = segment.place(ns + zero_ns), moment_words(ns)
        fits = x + text_width(text, AXIS_SIZE) / 2 <= right + _BREAK / 2 - 2
        yield Tick(x, x, text, "middle") if fits else Tick(x, right, text, "end")


def nice_step(span: int, most: int) -> int:
    """The least 1, 2 or 5 times a power of ten with which a span has no more than `most` steps."""
    power = 1
    while True:
        for factor in _NICE:
            if span <= factor * power * most:
                return factor * power
        power *= 10


def _cuts(segments: Sequence[Segment]) -> Iterator[Cut]:
    for before, after in pairwise(segments):
        x = (before.x + before.width + after.x) / 2
        yield Cut(x, span_words(after.start_ns - before.end_ns))


def _place(ns: int, segments: Sequence[Segment]) -> float:
    for segment in segments:
        if segment.start_ns <= ns <= segment.end_ns:
            return segment.place(ns)
    return segments[-1].place(segments[-1].end_ns)


def _bar(step: Step, segments: Sequence[Segment], story: Story) -> Bar:
    first, last = step.first_ns or 0, step.last_ns or step.first_ns or 0
    x, end = _place(first, segments), _place(max(first, last), segments)
    width = max(end - x, LEAST_BAR)
    took = f", {span_words(last - first)}" if last > first else ""
    tone = "failure" if "failure" in (step.question_tone, step.answer_tone) else step.answer_tone
    if tone == "plain":
        tone = "channel" if step.family == "Secure channel" else step.question_tone
    moment = moment_words(first - (story.zero_ns or 0))
    if step.log_line is not None:
        moment = f"{step.log_time or '?'} by its clock"
    what = " ".join(filter(None, (step.question or step.answer, story.question_detail(step))))
    return Bar(x if end - x >= LEAST_BAR else x - LEAST_BAR / 2, 0, width, tone, bool(step.log_line),
               f"{moment}: {what}{took}")  # fmt: skip


def _band(story: Story, segments: Sequence[Segment]) -> Band | None:
    if story.window_ns is None:
        return None
    start, end = (_place(ns, segments) for ns in story.window_ns)
    return Band(start - 3, max(end - start, LEAST_BAR) + 6, span_words(story.window_ns[1] - story.window_ns[0]))
