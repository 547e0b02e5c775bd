"""One direction of a TCP connection: segments in any order -> the same octets in order, each once.

Positions are TCP sequence numbers that do not wrap (RFC 9293 3.4): `unwrap` reads a number of the wire as the one
closest to `next`. `origin` is the position of the direction's first octet, `next` the first one not delivered; what
lies beyond is parked, sorted, never overlapping. Of two copies of an octet the first one captured wins, parked or
delivered; a difference is a `Conflict`. Whether a parked octet may be delivered is not decided here but in `ordering`,
which sees both directions. Bounds: parked octets and pieces, remembered octets, conflicts told; a segment far ahead of
everything acknowledged is believed only as part of a run.
"""

from __future__ import annotations

from bisect import bisect_left

from rpctrace.named_tuple import NamedTuple
from rpctrace.stream.stream import Chunk, Conflict, Direction, Gap

WINDOW_OCTETS = 1024 * 1024  # how far ahead of what was acknowledged an octet may be
MAXIMUM_PARKED_OCTETS = 16 * 1024 * 1024
MAXIMUM_PARKED_PIECES = 16_384
MAXIMUM_CONFLICTS = 16
FAR_RUN_PIECES = 4  # that many segments in a row, each where the last one ended: the capture has lost what is before
REMEMBERED_OCTETS = 64 * 1024  # delivered octets kept to compare retransmissions with
REMEMBERED_PIECES = 32
REMEMBERED_GAPS = 8
MAXIMUM_SKIPPED_OCTETS = 16 * 1024 * 1024  # at a time
REMEMBERED_SKIPPED_OCTETS = 1 << 30  # so far back a late copy is known as skipped: less than half of all numbers
PIECE_OVERHEAD_OCTETS = 512  # what keeping one piece costs besides its octets

_NO_OCTETS = memoryview(b"")
# The directions that hold nothing share these instead of a list each, for a capture may have 100 000 of them. Nobody
# adds to these two: the first entry makes the direction's own list.
_NONE_PARKED: list[Piece] = []
_NONE_RECENT: list[tuple[int, bytes, int, int | None]] = []
# `Chunk(...)` without the Python function that NamedTuple puts before it: a chunk is made for every segment.
_new_tuple = tuple.__new__


def owned(octets: memoryview) -> bytes:
    """The octets to keep: a segment's own where it has no others, else a copy, so that no window of the capture is kept
    alive with them."""
    whole = octets.obj
    return whole if type(whole) is bytes and len(whole) == len(octets) else bytes(octets)


def distance(later: int, earlier: int) -> int:
    """From one 32-bit sequence number to another, the short way round; also of positions."""
    return ((later - earlier + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


class Piece(NamedTuple):
    """Octets at a position, what their segment acknowledged, and where in the capture it stood.

    `length_octets` is the length on the wire. Without octets it is a mark: a FIN, a RST, a segment without octets, or
    octets that the snapshot length cut off. `arrival` counts the connection's segments.
    """

    position: int
    octets: memoryview
    length_octets: int
    acknowledgement: int | None  # as on the wire; None without the ACK flag
    frame_number: int
    timestamp_ns: int | None
    arrival: int

    @property
    def end(self) -> int:
        return self.position + self.length_octets

    def part(self, start: int, end: int) -> Piece:
        """The captured octets from position `start` to `end`, owned."""
        octets = memoryview(owned(self.octets[start - self.position : end - self.position]))
        _, _, _, acknowledgement, frame_number, timestamp_ns, arrival = self
        return Piece(start, octets, len(octets), acknowledgement, frame_number, timestamp_ns, arrival)

    def mark(self, position: int) -> Piece:
        """The segment without its octets, at another position."""
        _, _, _, acknowledgement, frame_number, timestamp_ns, arrival = self
        return Piece(position, _NO_OCTETS, 0, acknowledgement, frame_number, timestamp_ns, arrival)

    def cut_off(self) -> Piece | None:
        """The mark of the octets that the snapshot length took."""
        missing = self.length_octets - len(self.octets)
        return self._replace(position=self.end - missing, octets=_NO_OCTETS, length_octets=missing) if missing else None


class Account:
    """What all directions together hold, and how often a limit was reached."""

    __slots__ = ("limits", "parked_octets", "remembered_octets")

    def __init__(self) -> None:
        self.parked_octets = 0
        self.remembered_octets = 0
        self.limits: dict[str, int] = {}

    def count(self, limit: str, times: int = 1) -> None:
        self.limits[limit] = self.limits.get(limit, 0) + times


class DirectionState:
    """The buffer of one direction; `ordering.OrderedConnection` decides when its octets go."""

    __slots__ = (
        "account", "acknowledged", "acknowledged_arrival", "acknowledged_frame", "acknowledged_ns", "conflicts",
        "conflicts_told", "far", "fin", "finished", "forgiven", "gaps", "highest", "index", "missing_until", "next",
        "origin", "overdue", "parked", "parked_octets", "progress_arrival", "progress_ns", "recent", "recent_octets",
        "reset", "seen", "skip_start", "skipped_from", "skipped_octets", "told", "waiting",
    )  # fmt: skip

    def __init__(self, index: Direction, account: Account) -> None:
        self.index: Direction = index
        self.account = account
        self.origin: int | None = None  # not settled: the lowest of the first few positions will be it
        self.next = 0
        self.highest = 0  # end of the furthest octet seen
        self.seen = False  # the capture holds a segment of this direction
        self.acknowledged = 0  # how far the other side has told to have this direction's octets
        self.acknowledged_frame = 0
        self.acknowledged_arrival = 0  # when it was first told to have more than was delivered
        self.acknowledged_ns: int | None = None
        self.forgiven = 0  # an acknowledged position that is not waited for any more
        self.missing_until = 0  # where no copy is parked up to here the snapshot length cut it
        self.overdue = 0  # holes before this position are not waited for
        self.parked = _NONE_PARKED
        self.parked_octets = 0
        self.far: tuple[Piece, ...] = ()
        self.fin: Piece | None = None
        self.reset: Piece | None = None
        self.finished = False  # the FIN was delivered
        self.waiting: Piece | None = None  # the last segment without new octets that could not be told at once
        self.progress_arrival = 0  # when octets went last, before that when the first segment came
        self.progress_ns: int | None = None
        self.conflicts: tuple[Conflict, ...] = ()  # offsets are positions until they are taken
        self.conflicts_told = 0
        self.recent = _NONE_RECENT  # position, octets, frame number, time of what was delivered
        self.recent_octets = 0
        self.gaps: tuple[tuple[int, int], ...] = ()
        self.skipped_from = 0  # where the first stretch begins that was stepped over
        self.skipped_octets = 0  # from there to the end of the last one
        self.skip_start = 0  # of the last one
        self.told: int | None = None  # what this direction acknowledged last without octets, as on the wire

    # Where the direction starts

    def meet(self, sequence: int, arrival: int, timestamp_ns: int | None) -> None:
        """The first segment of this direction; without a SYN its position is only a first guess at the origin."""
        self.seen = True
        self.progress_arrival, self.progress_ns = arrival, timestamp_ns
        if self.origin is None:
            self._set_reference(sequence)

    def begin(self, sequence: int) -> None:
        """The first octet has this sequence number: a SYN was seen, or its acknowledgement."""
        if self.origin is not None:
            return
        if self.seen:
            self._settle_at(self.unwrap(sequence))
        else:
            self._set_reference(sequence)
            self.origin = sequence

    def settle(self) -> None:
        """No SYN came: the first octet is the lowest that did. A lone one is a keep-alive's (RFC 9293 3.8.4)."""
        if len(self.parked) == 1 and self.parked[0].length_octets == 1:
            self._settle_at(self.parked[0].end)
        else:
            self._settle_at(self.parked[0].position if self.parked else self.next)

    def _set_reference(self, sequence: int) -> None:
        self.next = self.highest = self.acknowledged = self.forgiven = self.missing_until = self.overdue = sequence

    def _settle_at(self, position: int) -> None:
        highest, acknowledged = max(self.highest, position), max(self.acknowledged, position)
        self._set_reference(position)
        self.origin, self.highest, self.acknowledged = position, highest, acknowledged
        parked = self.parked
        self._release_parked()
        for piece in parked:
            self._place(piece)
        if self.fin is not None and self.fin.position < position:
            self.fin = None

    def unwrap(self, sequence: int) -> int:
        """The position closest to `next` that a sequence number of the wire can mean."""
        return self.next + distance(sequence, self.next)

    def acknowledge(self, sequence: int, frame_number: int, arrival: int, timestamp_ns: int | None) -> None:
        """The other side has everything before `sequence`; more than a window beyond what was seen is not believed."""
        position = self.next + distance(sequence, self.next)
        if self.acknowledged < position <= self.highest + WINDOW_OCTETS:
            if self.acknowledged <= self.next < position:
                self.acknowledged_arrival, self.acknowledged_ns = arrival, timestamp_ns
            self.acknowledged, self.acknowledged_frame = position, frame_number

    # Octets in

    def park(self, piece: Piece) -> bool:
        """Keeps what is new of a segment's octets; False when nothing is."""
        if self.origin is None:
            if abs(piece.position - self.next) > WINDOW_OCTETS:
                self.account.count("segments_beyond_window")
                return False
        elif piece.position > max(self.next, self.acknowledged) + WINDOW_OCTETS:
            self._run(piece)
            return True
        self.highest = max(self.highest, piece.end)
        return self._place(piece)

    def _run(self, piece: Piece) -> None:
        """A segment far ahead: forged, or the capture lost a stretch. A run of them is the latter."""
        if self.far and self.far[-1].end != piece.position:
            self.account.count("segments_beyond_window", len(self.far))
            self.far = ()
        self.far += (piece.part(piece.position, piece.end)._replace(length_octets=piece.length_octets),)
        if len(self.far) < FAR_RUN_PIECES:
            return
        run, self.far = self.far, ()
        self.overdue = run[0].position
        for far in run:
            self.highest = max(self.highest, far.end)
            self._place(far)

    def _place(self, piece: Piece) -> bool:
        """Parks the stretches of `piece` that no earlier copy covers, and compares the others."""
        position, end = piece.position, piece.position + len(piece.octets)
        new = False
        if self.origin is not None and position < self.next:
            self._compare_delivered(piece)
            position = self.next
        at = max(0, bisect_left(self.parked, (position + 1,)) - 1)  # pieces sort by position
        while position < end:
            if at < len(self.parked) and self.parked[at].position + len(self.parked[at].octets) <= position:
                at += 1
                continue
            follower = self.parked[at] if at < len(self.parked) else None
            free_until = end if follower is None else min(end, follower.position)
            if free_until > position:
                self._insert(at, piece.part(position, free_until))
                new = True
                at += 1
            if follower is None or follower.position >= end:
                break
            self._compare(piece, follower.position, follower.octets, follower.frame_number)
            self._sent_before(at, piece)
            position = follower.position + len(follower.octets)
        return self._place_cut(piece.cut_off()) or new

    def _sent_before(self, at: int, copy: Piece) -> None:
        """Of two copies the one that acknowledges less was sent first, and tells what the octets must wait for."""
        parked = self.parked[at]
        if parked.acknowledgement is None or copy.acknowledgement is None:
            return
        if distance(copy.acknowledgement, parked.acknowledgement) < 0:
            self.parked[at] = parked._replace(acknowledgement=copy.acknowledgement)

    def _place_cut(self, cut: Piece | None) -> bool:
        """Parks the mark of octets that were cut off: never inside a parked copy, and before one that starts there."""
        if cut is None or cut.end <= self.next:
            return False
        at = bisect_left(self.parked, (cut.position,))
        covered = self.parked[at - 1].position + len(self.parked[at - 1].octets) if at else cut.position
        if covered > cut.position:
            cut = cut._replace(position=covered, length_octets=cut.end - covered)
        if cut.length_octets > 0:
            self._insert(at, cut)
        return True

    def _insert(self, at: int, piece: Piece) -> None:
        if self.parked:
            self.parked.insert(at, piece)
        else:
            self.parked = [piece]
        cost = len(piece.octets) + PIECE_OVERHEAD_OCTETS
        self.parked_octets += cost
        self.account.parked_octets += cost

    @property
    def is_full(self) -> bool:
        return self.parked_octets > MAXIMUM_PARKED_OCTETS or len(self.parked) > MAXIMUM_PARKED_PIECES

    @property
    def is_open(self) -> bool:
        return self.seen and not self.finished

    @property
    def holds(self) -> bool:
        """Something waits, or the direction as a whole."""
        if self.parked or self.fin is not None or self.reset is not None or self.waiting is not None:
            return True
        return self.seen and self.origin is None

    # Two copies

    def _compare_delivered(self, piece: Piece) -> None:
        for position, octets, frame_number, _timestamp_ns in self.recent:
            self._compare(piece, position, memoryview(octets), frame_number)
        if any(start < piece.end and piece.position < end for start, end in self.gaps):
            self.account.count("segments_after_their_gap")

    def _compare(self, piece: Piece, position: int, octets: memoryview, frame_number: int) -> None:
        start = max(piece.position, position)
        end = min(piece.position + len(piece.octets), position + len(octets))
        if start >= end:
            return
        copy = bytes(piece.octets[start - piece.position : end - piece.position])
        first = bytes(octets[start - position : end - position])
        if copy == first:
            return
        if self.conflicts_told == MAXIMUM_CONFLICTS:
            self.account.count("conflicts_not_told")
            return
        self.conflicts_told += 1
        differs = next(at for at, (one, other) in enumerate(zip(first, copy, strict=True)) if one != other)
        self.conflicts += (Conflict(self.index, start + differs, frame_number, piece.frame_number),)

    def take_conflicts(self) -> list[Conflict]:
        """The conflicts found since, once it is known what their offsets count from."""
        if self.origin is None:
            return []
        found, self.conflicts = self.conflicts, ()
        return [conflict._replace(offset=conflict.offset - self.origin) for conflict in found]

    # Octets out

    def head(self) -> Piece | None:
        """What comes next in this direction and has no hole before it: parked octets, a cut, or the FIN."""
        if self.origin is None:
            return None
        if self.parked and self.parked[0].position <= self.next:
            return self.parked[0]
        return self.fin if self.fin is not None and self.fin.position <= self.next else None

    def obstacle(self) -> Piece | None:
        """The first thing held, hole or not."""
        if self.parked and (self.fin is None or self.parked[0].position <= self.fin.position):
            return self.parked[0]
        return self.fin

    def pop(self) -> Piece:
        """Takes the first parked piece off."""
        piece = self.parked.pop(0)
        cost = len(piece.octets) + PIECE_OVERHEAD_OCTETS
        self.parked_octets -= cost
        self.account.parked_octets -= cost
        return piece

    def chunk(self, octets: memoryview, frame_number: int, timestamp_ns: int | None) -> Chunk:
        """The next octets as the event that delivers them; they are remembered for a while."""
        position = self.next
        self.next = following = position + len(octets)
        if following > self.highest:
            self.highest = following
        recent, recent_octets = self.recent, self.recent_octets + len(octets) + PIECE_OVERHEAD_OCTETS
        if recent:
            recent.append((position, owned(octets), frame_number, timestamp_ns))
        else:
            self.recent = recent = [(position, owned(octets), frame_number, timestamp_ns)]
        while recent_octets > REMEMBERED_OCTETS or len(recent) > REMEMBERED_PIECES:
            recent_octets -= len(recent.pop(0)[1]) + PIECE_OVERHEAD_OCTETS
        self.account.remembered_octets += recent_octets - self.recent_octets
        self.recent_octets = recent_octets
        return _new_tuple(Chunk, (self.index, position - (self.origin or 0), octets, frame_number, timestamp_ns))

    def gap(self, position: int, frame_number: int) -> Gap:
        """Gives up the octets before `position`."""
        gap = Gap(self.index, self.next - (self.origin or 0), position - self.next, frame_number)
        self.gaps = (*self.gaps[1 - REMEMBERED_GAPS :], (self.next, position))
        self.next = position
        self.highest = max(self.highest, position)
        return gap

    # Octets that nobody looks at

    def skip(self, length_octets: int) -> int:
        """Steps over the octets that come next, as far as a FIN does not end them: whatever is here or comes of them
        counts as delivered. Gives how many these are."""
        length = min(length_octets, MAXIMUM_SKIPPED_OCTETS)
        if self.fin is not None:
            length = min(length, self.fin.position - self.next)
        if length <= 0:
            return 0
        start, until = self.next, self.next + length
        self.skip_start = self.earliest_end
        first = self.skipped_from if self.skipped_octets else start
        self.skipped_from = max(first, until - REMEMBERED_SKIPPED_OCTETS)
        self.skipped_octets = until - self.skipped_from
        self.next = until
        self.highest = max(self.highest, until)
        self._drop_before(until)
        far, self.far = self.far, ()
        for piece in far:
            if piece.end > until:
                self.park(piece)
        return length

    def _drop_before(self, position: int) -> None:
        """Of what is parked only the octets from `position` on, and the marks of those that were cut off."""
        count = bisect_left(self.parked, (position,))
        dropped = self.parked[:count]
        if not dropped:
            return
        del self.parked[:count]
        cost = sum([len(piece.octets) + PIECE_OVERHEAD_OCTETS for piece in dropped])
        self.parked_octets -= cost
        self.account.parked_octets -= cost
        last = max(dropped, key=lambda piece: (piece.end, len(piece.octets)))
        if last.octets and last.end > position:
            self._insert(0, last.part(position, last.end))
        cut = max((piece for piece in dropped if not piece.octets), key=lambda piece: piece.end, default=None)
        if cut is not None and cut.end > position:
            self._insert(0, cut._replace(position=position, length_octets=cut.end - position))

    def has_skipped(self, sequence: int, length_octets: int) -> bool:
        """Whether octets lie wholly in what was stepped over, or, of a segment without octets, where it stands."""
        ahead = (sequence - self.skipped_from) & 0xFFFF_FFFF
        return ahead < self.skipped_octets and ahead + length_octets <= self.skipped_octets

    @property
    def is_skipping(self) -> bool:
        """Nothing came yet from behind what was stepped over last."""
        return self.skipped_octets > 0 and self.next == self.skipped_from + self.skipped_octets

    @property
    def earliest_end(self) -> int:
        """Where a FIN may stand that was not seen yet: anywhere in what was stepped over last."""
        return self.skip_start if self.is_skipping else self.next

    def is_near(self, position: int) -> bool:
        return self.earliest_end - WINDOW_OCTETS <= position <= self.next + WINDOW_OCTETS

    # Letting go

    def forget(self) -> None:
        """Drops the delivered octets kept for comparison."""
        self.account.remembered_octets -= self.recent_octets
        self.recent_octets = 0
        self.recent = _NONE_RECENT

    def _release_parked(self) -> None:
        self.account.parked_octets -= self.parked_octets
        self.parked_octets = 0
        self.parked = _NONE_PARKED

    def release(self) -> None:
        """Drops everything held."""
        self.forget()
        self._release_parked()
        self.far = ()
        self.fin = self.reset = self.waiting = None
