"""What the segments of a connection show of a failure below its octets, as far as the capture proves it.

- refused: the SYN was answered by a reset that acknowledges it.
- no_answer: nothing but SYNs, and nothing came back, though the capture holds answers to that client's address: one in
  which nobody answers it may have been taken of one direction alone.
- reset: a reset of who had not closed, while octets of the other side were not acknowledged.
- retransmitted: the same octets, sent three times or more and never acknowledged.
- idle: one of the last two, right after a silence of minutes.

Attempts to connect are told together, by client address, server and port. What an established connection tells of its
usual segments is not noted for this, but for the last acknowledgement without octets; so where octets of the other side
came later, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.addresses import Addresses
from rpctrace.stream.direction import Account, DirectionState, Piece, distance
from rpctrace.stream.stream import Connection, Direction, Incident, IncidentKind

MAXIMUM_ATTEMPTS = 1_000  # clients and servers of which attempts are told
MAXIMUM_INCIDENTS = 10_000
FRAMES_TOLD = 8
WAIT_NS = 3 * NS_PER_SECOND  # RFC 6298 2: as long as the longest first timeout of a SYN
SILENCE_NS = 120 * NS_PER_SECOND
SENT_IN_VAIN = 3  # times

Recent = tuple[int, bytes, int, int | None]  # position, octets, frame, time


class Repetition(NamedTuple):
    """Octets of a direction that were sent again; `arrival` is that of their second copy."""

    position: int
    length_octets: int
    sent: int
    frames: tuple[int, ...]
    first_ns: int | None
    last_ns: int | None
    arrival: int
    silence_ns: int

    @property
    def end(self) -> int:
        return self.position + self.length_octets


def repeated(
    known: Repetition | None, sender: DirectionState, receiver: DirectionState, piece: Piece, odd_ns: int | None
) -> Repetition:
    """What is known of the first octets that are sent again and again, now that `piece` came, which brings no new one.
    `odd_ns`: the time of the last segment before it that was no usual one."""
    if known is not None and not _is_told(sender, receiver, known.end):
        if known.position == piece.position:
            frames = (*known.frames, piece.frame_number)[:FRAMES_TOLD]
            length = max(known.length_octets, piece.length_octets)
            return known._replace(
                sent=known.sent + 1, frames=frames, last_ns=piece.timestamp_ns, length_octets=length
            )
        if known.position < piece.position:
            return known
    first = next((each for each in sender.recent if each[0] == piece.position), None)
    frames, first_ns = ((), piece.timestamp_ns) if first is None else ((first[2],), first[3])
    silence_ns = 0 if first is None else silence_before(sender, receiver, first, odd_ns)
    return Repetition(
        piece.position, piece.length_octets, len(frames) + 1, (*frames, piece.frame_number), first_ns,
        piece.timestamp_ns, piece.arrival, silence_ns,
    )  # fmt: skip


def silence_before(sender: DirectionState, receiver: DirectionState, first: Recent, odd_ns: int | None) -> int:
    """How long neither side had sent octets before these, nor a keep-alive; 0 where that is not certain."""
    position, _octets, _frame, now_ns = first
    before = next((each for each in reversed(sender.recent) if each[0] < position), None)
    if before is None or before[0] + len(before[1]) != position or receiver.is_skipping:
        return 0
    times = [each for each in (before[3], receiver.progress_ns, odd_ns) if each is not None]
    return max(0, now_ns - max(times)) if times and now_ns is not None else 0


def _is_told(sender: DirectionState, receiver: DirectionState, position: int) -> bool:
    """Whether the receiver told that it has the sender's octets up to `position`."""
    if sender.acknowledged >= position:
        return True
    return receiver.told is not None and distance(receiver.told, position) >= 0


def in_vain(known: Repetition, sender: DirectionState, receiver: DirectionState) -> Incident | None:
    """At the end of a connection: octets that were sent again and again and never acknowledged."""
    if known.sent < SENT_IN_VAIN or not receiver.seen or receiver.is_skipping:
        return None
    if _is_told(sender, receiver, known.end) or receiver.progress_arrival > known.arrival:
        return None
    kind = IncidentKind.IDLE if known.silence_ns >= SILENCE_NS else IncidentKind.RETRANSMITTED
    return Incident(
        kind, sender.index, known.frames, known.sent, known.length_octets, known.first_ns, known.last_ns
    )


def reset(
    sender: DirectionState, receiver: DirectionState, frame_number: int, timestamp_ns: int | None, odd_ns: int | None
) -> Incident | None:
    """`sender` resets the connection: were octets of the receiver of this reset outstanding?"""
    last_ns = sender.progress_ns
    if not sender.is_open or last_ns is None or receiver.is_skipping or sender.is_skipping:
        return None
    waiting: list[Recent] = [
        each
        for each in receiver.recent
        if each[3] is not None and each[3] > last_ns and not _is_told(receiver, sender, each[0] + len(each[1]))
    ]
    if not waiting:
        return None
    is_idle = silence_before(receiver, sender, waiting[0], odd_ns) >= SILENCE_NS
    frames = (*[each[2] for each in waiting[: FRAMES_TOLD - 1]], frame_number)
    return Incident(
        IncidentKind.IDLE if is_idle else IncidentKind.RESET, sender.index, frames, len(waiting),
        max(len(each[1]) for each in waiting), waiting[0][3], timestamp_ns,
    )  # fmt: skip


class Attempt(NamedTuple):
    """SYNs that were refused or not answered, and the reset's frame."""

    connection: Connection
    frames: tuple[int, ...]
    syns: int
    first_ns: int | None
    last_ns: int | None


class Attempts:
    """Attempts to connect that failed, of all connections, by client address, server and port."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._kept: dict[tuple[object, ...], tuple[Connection, Incident]] = {}
        self._alone: list[Attempt] = []  # single SYNs: whether there was time to answer shows at the capture's end
        self.heard = Addresses()  # that something answered

    def refused(self, attempt: Attempt) -> None:
        self.heard.add(attempt.connection.client.address)
        self._keep(IncidentKind.REFUSED, 1, attempt, 1)

    def unanswered(self, attempt: Attempt) -> None:
        if attempt.syns > 1:
            self._keep(IncidentKind.NO_ANSWER, 0, attempt, attempt.syns)
        elif len(self._alone) < MAXIMUM_ATTEMPTS:
            self._alone.append(attempt)
        else:
            self._account.count("attempts")

    def _keep(self, kind: IncidentKind, direction: Direction, attempt: Attempt, times: int) -> None:
        connection = attempt.connection
        key = kind, connection.client.address, connection.server, connection.tunnel
        known = self._kept.get(key)
        if known is None:
            if len(self._kept) >= MAXIMUM_ATTEMPTS:
                self._account.count("attempts")
                return
            first = Incident(
                kind, direction, attempt.frames[:FRAMES_TOLD], times, 0, attempt.first_ns, attempt.last_ns
            )
            self._kept[key] = connection, first
            return
        connection, so_far = known
        firsts = [each for each in (so_far.first_ns, attempt.first_ns) if each is not None]
        lasts = [each for each in (so_far.last_ns, attempt.last_ns) if each is not None]
        frames = tuple(sorted({*so_far.frames, *attempt.frames}))[:FRAMES_TOLD]
        self._kept[key] = (
            connection if not attempt.frames or so_far.frames[0] <= attempt.frames[0] else attempt.connection,
            so_far._replace(
                frames=frames, times=so_far.times + times, first_ns=min(firsts, default=None),
                last_ns=max(lasts, default=None),
            ),
        )  # fmt: skip

    def told(self, heard: Collection[str], end_ns: int | None) -> Iterator[tuple[Connection, Incident]]:
        """At the capture's end: the failed attempts, in the order of their first frames. `heard`: addresses of which
        somebody else saw that they were answered."""
        for attempt in self._alone:
            if end_ns is not None and attempt.last_ns is not None and end_ns - attempt.last_ns >= WAIT_NS:
                self._keep(IncidentKind.NO_ANSWER, 0, attempt, 1)
        self._alone = []
        kept, self._kept = self._kept, {}
        for connection, incident in sorted(kept.values(), key=lambda each: each[1].frames):
            client = connection.client.address
            if incident.kind is IncidentKind.REFUSED or client in self.heard or client in heard:
                yield connection, incident
