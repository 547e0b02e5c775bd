"""A Story -> the ladder diagram: hosts as columns, each message an arrow in its row, the failure's rows tinted.

All coordinates are computed here, in pixels of the drawing's own width; the template only writes them down. The same
rows are read as a list where a column would be too narrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rpctrace.record import record
from rpctrace.render.drawing import BOLD, fitted, moment_words, span_words
from rpctrace.render.hosts import HostBook, HostWords
from rpctrace.render.places import frame_chip
from rpctrace.render.steps import Step
from rpctrace.render.story import LOG_HOST, Story
from rpctrace.report import display_filter

WIDTH = 1080
GUTTER = 176  # times and frames, left of the lanes
LANE_BOX = 82  # the boxes with the names of the hosts
HEAD = LANE_BOX + 12
LANE_GAP = 10  # between two boxes
ROW = 48
LAST_ROW = 36  # below the last arrow stands its detail
GAP = 34
WINDOW_MARGIN = 12
TITLE_SIZE = 12.5
DETAIL_SIZE = 11
GAP_FROM_NS = 1_000_000_000  # a pause as long as this gets a line of its own
_LABEL_LANES = 1.85  # a label may be wider than its lane: nothing else stands in its row
_TIME_ROOM, _CHIP_X = 66, 76  # the times end where the frames begin
_HOOK = 34  # how far the arrow of a host to itself reaches
_LABEL_MARGIN, _LANE_MARGIN = 12, 26  # what a text leaves free of its arrow, and of its lane
_ABOVE, _BELOW = 28, 26  # an arrow: what its texts need, where rows are tinted
_LOG_WORDS = HostWords("domain controller", "known from its log", ("writes netlogon.log",), "")


@record
class Lane:
    """One host; `x` is its line. Texts fit the box of `width` pixels around it."""

    x: float
    width: float
    title: str
    lines: tuple[str, ...]
    whole: str


@record
class Arrow:
    """One message, from `x1` to `x2` at the height `y`; `hook` if it comes back to the same host. `tone` colours it;
    `dashed`: a log tells of it. `filter` shows its frame in Wireshark, "" where it has none."""

    y: float
    x1: float
    x2: float
    label_x: float
    hook: bool
    tone: str
    dashed: bool
    time: str
    chip: str
    filter: str
    capture: int | None
    title: str
    detail: str
    whole_title: str
    whole_detail: str
    sender: str
    receiver: str
    in_window: bool


@record
class Pause:
    """A stretch of time in which nothing of the story happened."""

    y: float
    text: str


@record
class Window:
    """The rows between the request that failed and its answer."""

    y: float
    height: float
    text: str


@record
class Ladder:
    """`rows` are arrows and pauses from top to bottom."""

    gutter = GUTTER
    lane_box = LANE_BOX
    time_end, chip_x = _TIME_ROOM, _CHIP_X
    hook = _HOOK

    width: float
    height: float
    lanes: tuple[Lane, ...]
    rows: tuple[Arrow | Pause, ...]
    window: Window | None
    has_log: bool

    @property
    def arrows(self) -> tuple[Arrow, ...]:
        return tuple(row for row in self.rows if isinstance(row, Arrow))

    @property
    def tones(self) -> frozenset[str]:
        return frozenset(arrow.tone for arrow in self.arrows)

    @property
    def pauses(self) -> tuple[Pause, ...]:
        return tuple(row for row in self.rows if isinstance(row, Pause))


@record
class _Message:
    """One half of a step."""

    step: Step
    is_answer: bool
    ns: int | None


def ladder(story: Story, hosts: HostBook, captures: int) -> Ladder:
    """`captures`: how many the report has; with several, a frame says in which it is."""
    addresses = lane_order(story)
    lane_width = (WIDTH - GUTTER) / max(len(addresses), 1)
    at = {address: GUTTER + lane_width * (place + 0.5) for place, address in enumerate(addresses)}
    rows: list[Arrow | Pause] = []
    y, before, before_message = float(HEAD), None, None
    for message in messages(story.steps):
        if before is not None and message.ns is not None and message.ns - before >= GAP_FROM_NS:
            rows.append(Pause(y + GAP, f"{span_words(message.ns - before)} later"))
            y += GAP
        y += ROW + (WINDOW_MARGIN if _enters_or_leaves(before_message, message, story) else 0)
        rows.append(_arrow(message, y, at, lane_width, story, hosts, captures))
        before, before_message = message.ns if message.ns is not None else before, message
    return Ladder(
        width=WIDTH,
        height=y + LAST_ROW,
        lanes=tuple(_lane(each, at[each], lane_width, story, hosts) for each in addresses),
        rows=tuple(rows),
        window=_window(rows, story),
        has_log=any(step.log_line for step in story.steps),
    )


def lane_order(story: Story) -> tuple[str, ...]:
    """Those that only the client speaks with, the client, the server, then those that the server speaks with."""
    met = [address for step in story.steps for address in (step.asker, step.answerer)]
    of_server = {
        end
        for step in story.steps
        if story.server in (step.asker, step.answerer)
        for end in (step.asker, step.answerer)
    }
    others = [address for address in dict.fromkeys(met) if address not in (story.client, story.server)]
    left = [address for address in others if address not in of_server]
    right = [address for address in others if address in of_server]
    return tuple(dict.fromkeys((*left, story.client, story.server, *right)))


def messages(steps: Iterable[Step]) -> Iterator[_Message]:
    """The halves of all steps in the order of time; a half without a time stays beside the other."""
    found: list[tuple[int, int, int, _Message]] = []
    for place, step in enumerate(steps):
        if step.question:
            found.append((step.first_ns or 0, 0, place, _Message(step, False, step.asked_ns)))
        if step.answer and (step.answered_frame is not None or step.answered_ns is not None):
            found.append((step.last_ns or 0, 1, place, _Message(step, True, step.answered_ns)))
    # Of two at the same moment, an answer comes before the next question.
    for _, _, _, message in sorted(found, key=lambda item: (item[0], item[2], item[1])):
        yield message


def _arrow(
    message: _Message, y: float, at: dict[str, float], lane_width: float, story: Story, hosts: HostBook, captures: int
) -> Arrow:
    step, is_answer = message.step, message.is_answer
    sender, receiver = (step.answerer, step.asker) if is_answer else (step.asker, step.answerer)
    frame = step.answered_frame if is_answer else step.asked_frame
    title = step.answer if is_answer else step.question
    detail = step.answer_detail if is_answer else story.question_detail(step)
    tone = step.answer_tone if is_answer else step.question_tone
    if tone == "plain" and step.family == "Secure channel":
        tone = "channel"
    hook = sender == receiver
    x1, x2 = at[sender], at[receiver]
    room = max(lane_width * _LABEL_LANES, abs(x2 - x1) - _LABEL_MARGIN)
    half = min(room, (WIDTH - GUTTER)) / 2
    label_x = min(max((x1 + x2) / 2 + (_HOOK if hook else 0), GUTTER + half), WIDTH - half)
    return Arrow(
        y=y,
        x1=x1,
        x2=x2,
        label_x=label_x,
        hook=hook,
        tone=tone,
        dashed=step.log_line is not None,
        time=_time(message, story),
        chip=frame_chip(frame, step.capture, captures) or _log_chip(step),
        filter=display_filter((frame,)) if frame is not None else "",
        capture=step.capture,
        title=fitted(title, room, TITLE_SIZE * BOLD),
        detail=fitted(detail, room, DETAIL_SIZE),
        whole_title=title,
        whole_detail=detail,
        sender=_title(sender, hosts),
        receiver=_title(receiver, hosts),
        in_window=_is_inside(message, story),
    )


def _time(message: _Message, story: Story) -> str:
    """From the story's zero; of a line of a log what its clock shows, for it is not known to the millisecond."""
    if message.step.log_line is not None:
        return fitted(message.step.log_time or "?", _TIME_ROOM, DETAIL_SIZE)
    return moment_words(message.ns - story.zero_ns) if message.ns is not None and story.zero_ns is not None else "?"


def _is_inside(message: _Message | None, story: Story) -> bool:
    if message is None or story.window_ns is None or message.ns is None:
        return False
    return story.window_ns[0] <= message.ns <= story.window_ns[1]


def _enters_or_leaves(before: _Message | None, message: _Message, story: Story) -> bool:
    """Whether the edge of the failure's rows is between two messages."""
    return before is not None and _is_inside(before, story) != _is_inside(message, story)


def _log_chip(step: Step) -> str:
    return f"log:{step.log_line.rpartition(':')[2]}" if step.log_line else ""


def _title(address: str, hosts: HostBook) -> str:
    return _LOG_WORDS.title if address == LOG_HOST else hosts.title(address)


def _lane(address: str, x: float, lane_width: float, story: Story, hosts: HostBook) -> Lane:
    words = _LOG_WORDS if address == LOG_HOST else hosts.words(address, story.client, story.server)
    room = lane_width - _LANE_MARGIN
    named = words.title != words.address
    lines = (*words.roles[:2], *((words.address,) if named else ()))
    whole = ", ".join((words.title, *lines))
    return Lane(
        x=x,
        width=lane_width - LANE_GAP,
        title=_short_name(words.title, room),
        lines=tuple(fitted(line, room, DETAIL_SIZE) for line in lines[:3]),
        whole=f"{whole}; named by {words.named_by}" if words.named_by else whole,
    )


def _short_name(name: str, room: float) -> str:
    """A name of DNS that is too long is called by its first label; its address stands below."""
    whole = fitted(name, room, TITLE_SIZE * BOLD)
    label = name.partition(".")[0]
    return whole if whole == name or label.isdigit() else fitted(label, room, TITLE_SIZE * BOLD)


def _window(rows: list[Arrow | Pause], story: Story) -> Window | None:
    inside = [row.y for row in rows if isinstance(row, Arrow) and row.in_window]
    if story.window_ns is None or not inside:
        return None
    top = min(inside) - _ABOVE
    return Window(top, max(inside) + _BELOW - top, span_words(story.window_ns[1] - story.window_ns[0]))
