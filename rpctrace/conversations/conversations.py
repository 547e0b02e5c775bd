"""Stream events -> observations: each TCP connection meets the dissector that recognises it, on any port.

A connection is DCE/RPC when a header is recognised in either direction; other protocols are known by their first
octets. Until that is decided, every protocol that may still be it reads along. Of connections that turn out to be
something else next to nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpctrace.conversations.dissected import DissectedReading
from rpctrace.conversations.observations import ConversationFacts, Observation
from rpctrace.conversations.rpc import RpcBook, RpcReading
from rpctrace.encoding.sorted_numbers import SortedNumbers
from rpctrace.protocols.dcerpc.recognition import RECOGNISER as DCERPC
from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.registry import RECOGNISERS, carriers
from rpctrace.stream.stream import Chunk, Close, Conflict, Connection, Direction, Gap, Seen, StreamEvent

CARRIED_KEPT = 200_000
OTHERS_KEPT = 10_000  # by who never empties the list
# Fewer octets than this are brought to a dissector although it steps over them: to leave them out costs as much.
SMALLEST_SKIP_OCTETS = 2_048

HEAD_OCTETS = max(each.head_octets for each in RECOGNISERS)

_NOTHING: Sequence[Observation] = ()


class _Undecided:
    """What one connection may still be, while that is not decided. DCE/RPC needs two framers; where a connection is
    known from its start, they are made once octets come that can be its own. `ruled_out`: the chunks that began a
    direction and cannot."""

    __slots__ = ("carriers", "may_be_rpc", "rpc", "ruled_out", "started")

    def __init__(self, rpc: RpcReading | None, *, may_be_rpc: bool, joined_late: bool) -> None:
        self.rpc = rpc
        self.may_be_rpc = may_be_rpc
        self.ruled_out: dict[Direction, Chunk] = {}
        self.carriers: dict[str, DissectedReading] = {}
        self.started = [joined_late, joined_late]  # directions whose first octets were looked at

    @property
    def is_not_rpc(self) -> bool:
        if self.rpc is not None:
            return self.rpc.is_other
        return not self.may_be_rpc or len(self.ruled_out) == 2

    @property
    def readings(self) -> Sequence[RpcReading | DissectedReading]:
        return [*([self.rpc] if self.rpc is not None else ()), *self.carriers.values()]


class _Other:
    """Stands for every connection that carries something else."""


_OTHER, _HALF_CLOSED_OTHER = _Other(), _Other()
_State = RpcReading | DissectedReading | _Undecided | _Other


class Conversations:
    """All TCP connections of a capture.

    `others` tells each connection that turned out to carry another protocol, once, when nothing can come from it any
    more. Who feeds may empty the list, and of those connections need feed nothing from then on but their `Close`.
    `stepping_over` tells where octets come that will not be looked at: who feeds may ask how many (`skips`), between
    two segments, and leave those out.
    """

    def __init__(self, *, every_pdu: bool = False) -> None:
        self.book = RpcBook(every_pdu=every_pdu)
        self._carriers, self._shared_limits = carriers(self.book.problems)
        self._live: dict[int, _State] = {}
        self.others: list[Connection] = []
        self.carried = SortedNumbers()  # of the connections that carried something, as many as `CARRIED_KEPT`
        self.stepping_over: dict[tuple[int, Direction], Connection] = {}
        self.capture_end_ns: int | None = None  # set by who feeds, before what is still open is closed

    @property
    def facts(self) -> list[ConversationFacts]:
        """The conversations that carried DCE/RPC."""
        return self.book.facts

    @property
    def problems(self) -> Problems:
        return self.book.problems

    @property
    def conflicts(self) -> list[Conflict]:
        return self.book.conflicts

    @property
    def limits(self) -> dict[str, int]:
        return self.book.limits

    def feed(self, connection: Connection, event: StreamEvent) -> Sequence[Observation]:
        """One event of one connection, in its order."""
        state = self._live.get(connection.number)
        if isinstance(state, DissectedReading):
            told = self._dissected(state, connection, event)
        elif isinstance(state, RpcReading):
            told = state.feed(event)
            if state.done:
                del self._live[connection.number]
            return told
        elif isinstance(state, _Other):
            told = _NOTHING
        else:
            told = self._undecided(state, connection, event)
        if isinstance(event, Close):
            self._closed(connection.number, event)
        return told

    def close(self) -> Iterator[Observation]:
        """The capture is at its end."""
        for number in list(self._live):
            state = self._live.pop(number)
            for reading in _readings(state):
                yield from reading.close(self.capture_end_ns) if isinstance(reading, RpcReading) else reading.close()
        yield from self.book.close(self.capture_end_ns)
        for limits in self._shared_limits:
            for name, count in limits.items():
                self.book.reach(name, count)

    def _begin(self, connection: Connection) -> _Undecided:
        late = connection.guessed
        ports = (connection.client.port, connection.server.port)
        may_be_rpc = not late or DCERPC.ports_not_searched.isdisjoint(ports)
        rpc = RpcReading(self.book, connection, joined_late=True) if late and may_be_rpc else None
        state = self._live[connection.number] = _Undecided(rpc, may_be_rpc=may_be_rpc, joined_late=late)
        if late:
            for recogniser, opened in self._carriers:
                if recogniser.ports_not_searched.isdisjoint(ports):
                    reading = DissectedReading(self.book, connection, opened(True))
                    state.carriers[recogniser.name] = reading
        return state

    def _undecided(
        self, state: _Undecided | None, connection: Connection, event: StreamEvent
    ) -> Sequence[Observation]:
        if isinstance(event, Seen):  # decides nothing
            if state is None and connection.guessed:
                state = self._begin(connection)
            for each in () if state is None else state.carriers.values():
                each.feed(event)
            return _NOTHING
        state = state or self._begin(connection)
        if isinstance(event, Chunk) and not state.started[event.direction]:
            state.started[event.direction] = True
            self._meet(state, connection, event)
        if state.rpc is None and state.may_be_rpc and self._needs_framers(state, event):
            self._frame(state, connection)
        told: list[Observation] = []
        for reading in state.readings:
            told += reading.feed(event)
            if told or (isinstance(reading, RpcReading) and reading.recognised):
                self._settle(connection, reading)
                break
        else:
            self._narrow(state, connection)
        if isinstance(event, Chunk) and self._skippable(connection, event.direction) >= SMALLEST_SKIP_OCTETS:
            self._skip(connection, event.direction)
        return told

    def _meet(self, state: _Undecided, connection: Connection, first: Chunk) -> None:
        """The first octets of a direction: the protocols that begin so read along from here."""
        head = bytes(first.octets[:HEAD_OCTETS])
        if not DCERPC.begins(head):
            state.ruled_out[first.direction] = first._replace(octets=memoryview(head))
        for recogniser, opened in self._carriers:
            if recogniser.name not in state.carriers and recogniser.begins(head):
                state.carriers[recogniser.name] = DissectedReading(self.book, connection, opened(False))

    def _needs_framers(self, state: _Undecided, event: StreamEvent) -> bool:
        """Whether an event can mean something to DCE/RPC: a direction that began otherwise never does."""
        return isinstance(event, Close) or (
            isinstance(event, Chunk | Gap) and event.direction not in state.ruled_out
        )

    def _frame(self, state: _Undecided, connection: Connection) -> None:
        """DCE/RPC reads along; it is told how a direction began that is not its own."""
        state.rpc = RpcReading(self.book, connection, joined_late=False)
        for chunk in state.ruled_out.values():
            state.rpc.feed(chunk)

    def _narrow(self, state: _Undecided, connection: Connection) -> None:
        """What turned out to be something else goes; the last one that is left is it."""
        carriers = state.carriers
        for name in [name for name, each in carriers.items() if each.is_other]:
            del carriers[name]
        if len(carriers) > 1 or not state.is_not_rpc:
            return
        if carriers:
            (left,) = carriers.values()
            self._settle(connection, left)
        else:
            self._set_aside(connection)

    def _settle(self, connection: Connection, reading: RpcReading | DissectedReading) -> None:
        """It is clear what a connection carries."""
        self._live[connection.number] = reading
        if len(self.carried) < CARRIED_KEPT:
            self.carried.add(connection.number)

    def _dissected(
        self, state: DissectedReading, connection: Connection, event: StreamEvent
    ) -> Sequence[Observation]:
        told = state.feed(event)
        if state.is_other:
            if not state.done:
                told = [*told, *state.close()]
                self._set_aside(connection)
        elif isinstance(event, Chunk) and state.skippable(event.direction) >= SMALLEST_SKIP_OCTETS:
            self._skip(connection, event.direction)
        return told

    def _closed(self, number: int, close: Close) -> None:
        """A connection is forgotten once both directions are over; of another protocol only its ends are known."""
        state = self._live.get(number)
        if state is _OTHER and close.direction is not None and not close.reset:
            self._live[number] = _HALF_CLOSED_OTHER
        elif state is not None and (
            close.direction is None
            or close.reset
            or state is _HALF_CLOSED_OTHER
            or any(reading.done for reading in _readings(state))
        ):
            del self._live[number]

    def skips(self) -> list[tuple[Connection, Direction, int]]:
        """How many of the octets that come next in a direction will not be looked at; asked once for each."""
        found = [(at, direction, self._skippable(at, direction)) for (_, direction), at in self.stepping_over.items()]
        self.stepping_over.clear()
        return [each for each in found if each[2] >= SMALLEST_SKIP_OCTETS]

    def _skippable(self, connection: Connection, direction: Direction) -> int:
        state = self._live.get(connection.number)
        return state.skippable(direction) if isinstance(state, DissectedReading) else 0

    def _skip(self, connection: Connection, direction: Direction) -> None:
        if len(self.stepping_over) < OTHERS_KEPT:
            self.stepping_over[connection.number, direction] = connection

    def _set_aside(self, connection: Connection) -> None:
        """Another protocol: of the connection nothing is kept, and who feeds is told."""
        if len(self.others) < OTHERS_KEPT:
            self.others.append(connection)
        self._live[connection.number] = _OTHER


def _readings(state: _State) -> Sequence[RpcReading | DissectedReading]:
    if isinstance(state, _Undecided):
        return state.readings
    return () if isinstance(state, _Other) else (state,)
