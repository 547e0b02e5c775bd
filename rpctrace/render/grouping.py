"""Failed calls -> groups of failures that read the same: one row of the short report, with every call still in it."""

from __future__ import annotations

from collections.abc import Iterable

from rpctrace.record import record
from rpctrace.render.words import Signs, frames_words, interface_words, presented_words, result_words, ticket_words
from rpctrace.report import Call, display_filter

LONGEST_FILTER_CHARACTERS = 4000  # what is worth pasting; the finding and the JSON have every filter whole


@record
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

    @property
    def display_filter(self) -> str | None:
        """The Wireshark filter that shows these frames; None where it is too long to paste."""
        text = display_filter(self.frames)
        return text if len(text) <= LONGEST_FILTER_CHARACTERS else None


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


def group_frames_words(failure: Failure, signs: Signs) -> str:
    """`22 -> 23`, and for a group the first and the last call's."""
    first = frames_words(failure.first, signs)
    return first if len(failure.calls) == 1 else f"{first} ...\n{frames_words(failure.calls[-1], signs)}"
