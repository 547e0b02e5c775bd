"""Calls that wait for the capture's end, in a fifth of the memory that their values take.

A long capture has 30 000 of them, and few kinds: but for its call id, its ticket and where its PDUs were seen, nearly
every call is like one before. So what is equal is kept once, and numbers are packed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, TypeVar, cast

from rpctrace.conversations.observations import ConversationFacts, ObservedCall
from rpctrace.protocols.dcerpc.call import Call
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.gssapi.exchange import PresentedTicket

# What is a call's own: its id, request and reply, and the ticket behind its authentication.
_ID, _CONTEXTS, _REQUEST, _SAID = map(Call._fields.index, ("call_id", "contexts", "request", "authentication"))
_NO_TIME = -(2**63)
_MET = 256
PACKED_FROM = 500  # so many first calls stay whole: to take apart what is little costs more than it saves
_Value = TypeVar("_Value")


class KeptCalls:
    """Grows, and is emptied at once."""

    def __init__(self) -> None:
        self._conversations: list[ConversationFacts] = []
        self._forms: list[Call | None] = []  # a call without what is its own; None of those in `_whole`
        self._known: dict[tuple[Any, ...], Call] = {}  # all forms
        self._values: dict[Any, Any] = {}  # contexts and authentications, and what was said
        self._met: dict[int, tuple[Any, Any]] = {}  # the last of them, by identity
        self._tickets: list[PresentedTicket | None] = []
        self._others: dict[int, tuple[Any, ...]] = {}  # by place: activity, sequence and what was said, where any is
        self._whole: dict[int, ObservedCall] = {}  # by place
        self._starts = array("q")  # where in `_numbers` each call's begin
        self._numbers = array("q")

    def __len__(self) -> int:
        return len(self._conversations)

    def add(self, observed: ObservedCall, *, whole: bool = False) -> None:
        """One more; `whole`: others know it by its identity, which it keeps."""
        conversation, call, *others = observed
        place, start = len(self._conversations), len(self._numbers)
        form: Call | None = None
        if whole or place < PACKED_FROM or not self._pack(call):
            self._whole[place] = observed
            del self._numbers[start:]
        else:
            form = self._form(call)
            if others != [None, None, None]:
                activity, sequence, said = others
                self._others[place] = (activity, sequence, said and self._values.setdefault(said, said))
        self._conversations.append(conversation)
        self._forms.append(form)
        self._tickets.append(call.ticket)
        self._starts.append(start)

    def conversations(self) -> Iterator[ConversationFacts]:
        """That of each call."""
        return iter(self._conversations)

    def taken(self) -> Iterator[ObservedCall]:
        """All of them, by the frame in which they began to be seen; equal frames stay in the order in which the calls
        were made. None is kept any longer."""
        self._known.clear()
        self._values.clear()
        self._met.clear()
        for place in sorted(range(len(self)), key=self._began):
            yield self._whole.pop(place) if place in self._whole else self._made(place)
        for numbers in (self._starts, self._numbers):
            del numbers[:]
        for values in (self._conversations, self._forms, self._tickets):
            values.clear()

    def _made(self, place: int) -> ObservedCall:
        form, at = self._forms[place], self._starts[place]
        assert form is not None
        request, behind = _unpacked(self._numbers, at + 1)
        reply, _ = _unpacked(self._numbers, behind)
        call = form._replace(
            call_id=self._numbers[at], request=request, reply=reply, ticket=self._tickets[place]
        )
        return ObservedCall(self._conversations[place], call, *self._others.pop(place, ()))

    def _form(self, call: Call) -> Call:
        """An equal one that was met before, or this. What takes long to compare is compared once and then known by its
        identity."""
        contexts, said = self._one(call.contexts), self._one(call.authentication)
        key = (
            *call[:_ID], id(contexts), *call[_CONTEXTS + 1 : _REQUEST],
            *call[_REQUEST + 2 : _SAID], id(said), *call[_SAID + 2 :],
        )  # fmt: skip
        form = self._known.get(key)
        if form is None:
            form = self._known[key] = call._replace(
                call_id=0, contexts=contexts, request=None, reply=None, authentication=said, ticket=None
            )
        return form

    def _one(self, value: _Value) -> _Value:
        met = self._met.get(id(value))
        if met is None:
            if len(self._met) >= _MET:
                self._met.clear()
            met = self._met[id(value)] = value, self._values.setdefault(value, value)
        return cast("_Value", met[1])

    def _pack(self, call: Call) -> bool:
        """Whether the numbers of a call could be packed: a forged time may be larger than what a place holds, and a
        frame that completed fragments is more than a number."""
        numbers = self._numbers
        try:
            numbers.append(call.call_id)
            for seen in (call.request, call.reply):
                if seen is None:
                    numbers.append(0)
                else:
                    frames, time_ns, offset = seen
                    if seen.all_frames is not frames:
                        return False
                    numbers.extend((len(frames), *frames, _NO_TIME if time_ns is None else time_ns, offset))
        except OverflowError:
            return False
        return True

    def _began(self, place: int) -> tuple[int, int]:
        """Frame and offset."""
        whole = self._whole.get(place)
        if whole is not None:
            seen = whole.call.request or whole.call.reply
        else:
            numbers, at = self._numbers, self._starts[place] + 1
            at += not numbers[at]  # without a request, of the reply
            count = numbers[at]
            return (numbers[at + count], numbers[at + count + 2]) if count else (0, 0)
        return (0, 0) if seen is None else (seen.frames[-1], seen.stream_offset)


def _unpacked(numbers: array[int], at: int) -> tuple[Provenance | None, int]:
    """Where a PDU was seen, and where its numbers end."""
    count = numbers[at]
    if not count:
        return None, at + 1
    *frames, time_ns, offset = numbers[at + 1 : at + count + 3]
    return Provenance(tuple(frames), None if time_ns == _NO_TIME else time_ns, offset), at + count + 3
