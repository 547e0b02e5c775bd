"""Failed calls -> groups of failures that read the same: one row of the short report, with every call still in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rpctrace.render.words import frames_words, interface_words, presented_words, result_words
from rpctrace.render.words import Signs, ticket_words
from rpctrace.report import Call, display_filter

LONGEST_PLAIN_FILTER_FRAMES = 40  # beyond it runs of frames are written as ranges


@dataclass(frozen=True, slots=True)
class Failure:
    """Calls of one capture that failed in the same way between the same hosts, in the order of the report."""

    calls: tuple[Call, ...]

    @property
    def first(self) -> Call:
        return self.calls[0]

    @property
    def frames(self) -> tuple[int, ...]:
        """Every frame of every call, and those that presented the tickets, ascending."""
        frames: set[int] = set()
        for call in self.calls:
            frames.update(call.request_frames, call.reply_frames)
            if call.ticket is not None:
                frames.add(call.ticket.frame)
        return tuple(sorted(frames))


def _likeness(call: Call) -> tuple[object, ...]:
    presented = ticket_words(call.ticket) if call.ticket is not None else presented_words(call)
    where = (call.capture, call.client.address, call.server.address, call.server.port, call.pipe)
    return (*where, call.kind, interface_words(call), result_words(call), presented)


def failures(calls: Iterable[Call]) -> tuple[Failure, ...]:
    """The failed ones of `calls`, alike ones together, each group where its first call stands."""
    groups: dict[tuple[object, ...], list[Call]] = {}
    for call in calls:
        if call.failed:
            groups.setdefault(_likeness(call), []).append(call)
    return tuple(Failure(tuple(group)) for group in groups.values())


def _ranges(frames: tuple[int, ...]) -> list[str]:
    """Ascending frame numbers as Wireshark's set members: three or more in a row become `first..last`."""
    members: list[str] = []
    start = 0
    for place in range(1, len(frames) + 1):
        if place < len(frames) and frames[place] == frames[place - 1] + 1:
            continue
        run = frames[start:place]
        members.extend([f"{run[0]}..{run[-1]}"] if len(run) > 2 else map(str, run))
        start = place
    return members


def filter_words(frames: tuple[int, ...]) -> str:
    """The Wireshark display filter that shows exactly these frames, as short as it goes."""
    if len(frames) <= LONGEST_PLAIN_FILTER_FRAMES:
        return display_filter(frames)
    return f"frame.number in {{{', '.join(_ranges(frames))}}}"


def group_frames_words(failure: Failure, signs: Signs) -> str:
    """`22 -> 23`, and for a group the first and the last call's."""
    first = frames_words(failure.first, signs)
    return first if len(failure.calls) == 1 else f"{first} ...\n{frames_words(failure.calls[-1], signs)}"
