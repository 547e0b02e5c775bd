"""Calls that wait for the capture's end, in half the memory that their values take: where PDUs were seen is packed.

A long capture has 30 000 of them, and numbers and tuples of frames, times and offsets are half of what they take. A
call whose PDUs came in one frame each is taken apart; one of several frames, or of which others know the value that
was observed, stays whole.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from rpctrace.conversations.observations import ConversationFacts, ObservedCall
from rpctrace.protocols.dcerpc.call import Call
from rpctrace.protocols.dissector import Provenance

_REQUEST_AT = Call._fields.index("request")  # the reply is behind it
_PLACES = 3  # of one PDU: frame, time, offset in its stream
_NONE = -(2**63)  # there is no time; as a frame, no PDU
_NOT_SEEN = (_NONE, _NONE, _NONE)
_new = tuple.__new__  # of a named tuple: half the cost of its own constructor


class KeptCalls:
    """Grows, and is emptied at once."""

    def __init__(self) -> None:
        self._calls: list[ObservedCall | None] = []
        self._seen = array("q")  # of each call its request, its reply

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, observed: ObservedCall, *, whole: bool = False) -> None:
        """One more; `whole`: others know it by its identity, which it keeps."""
        call = observed.call
        request, reply = call.request, call.reply
        seen = None if whole else _packed(request, reply)
        if seen is None:
            first = request or reply
            start = _NOT_SEEN if first is None else (first.frames[-1], _NONE, first.stream_offset)
            seen = array("q", (*start, *_NOT_SEEN))
        else:
            parts = (*call[:_REQUEST_AT], None, None, *call[_REQUEST_AT + 2 :])
            observed = _new(ObservedCall, (observed[0], _new(Call, parts), *observed[2:]))
        self._calls.append(observed)
        self._seen.extend(seen)

    def conversations(self) -> Iterator[ConversationFacts]:
        """That of each call."""
        return (observed.conversation for observed in self._calls if observed is not None)

    def taken(self) -> Iterator[ObservedCall]:
        """All of them, by the frame in which they began to be seen; equal frames stay in the order in which the calls
        were made. What was given is kept no longer."""
        calls, seen = self._calls, self._seen
        for place in sorted(range(len(calls)), key=self._began):
            observed, calls[place] = calls[place], None
            assert observed is not None
            call, at = observed.call, 2 * _PLACES * place
            if call.request is None and call.reply is None:
                parts = (*call[:_REQUEST_AT], _unpacked(seen, at), _unpacked(seen, at + _PLACES))
                call = _new(Call, (*parts, *call[_REQUEST_AT + 2 :]))
                observed = _new(ObservedCall, (observed[0], call, *observed[2:]))
            yield observed
        self._calls, self._seen = [], array("q")

    def _began(self, place: int) -> tuple[int, int]:
        at = 2 * _PLACES * place
        if self._seen[at] == _NONE:
            at += _PLACES
        return (0, 0) if self._seen[at] == _NONE else (self._seen[at], self._seen[at + 2])


def _packed(request: Provenance | None, reply: Provenance | None) -> array[int] | None:
    """None for what is not of this form: several frames of a PDU, or a forged time."""
    if (request is not None and len(request.frames) > 1) or (reply is not None and len(reply.frames) > 1):
        return None
    try:
        return array("q", (*_numbers(request), *_numbers(reply)))
    except OverflowError:
        return None


def _numbers(seen: Provenance | None) -> tuple[int, int, int]:
    if seen is None:
        return _NOT_SEEN
    (frame,), time_ns, offset = seen
    return frame, _NONE if time_ns is None else time_ns, offset


def _unpacked(seen: array[int], at: int) -> Provenance | None:
    frame, time_ns, offset = seen[at : at + _PLACES]
    return None if frame == _NONE else Provenance((frame,), None if time_ns == _NONE else time_ns, offset)
