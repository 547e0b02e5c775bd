"""One connection while scan decides whether it matters, and after that: what `flows.FlowTable` keeps of it."""

from __future__ import annotations

from enum import Enum, auto

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.flow import Segment, TcpFlags
from rpctrace.scan.candidates import Recogniser
from rpctrace.scan.headers import TCP_OCTETS, Ends, Key, Shape, ends_of, segment

MAXIMUM_IDLE_NS = 2 * 3600 * NS_PER_SECOND  # RFC 1122 4.2.3.6

FIN, SYN, RST, ACK = int(TcpFlags.FIN), int(TcpFlags.SYN), int(TcpFlags.RST), int(TcpFlags.ACK)
ENDS, CONTROL = FIN | RST, FIN | RST | SYN
_NUMBERS = 0xFFFF_FFFF  # those of TCP have 32 bits

Skips = tuple[int, int, int, int]  # what a direction skips: sequence number and number of octets; and the other one

Raw = tuple[Shape, bytes, int, int | None]  # what `headers.segment` makes a segment of: a frame, its number and time


class Held(NamedTuple):
    """A segment that waits until its flow is decided. Most are given to nobody, so they are not made before that.
    `sender`: which of `Flow.keys` it has."""

    sender: int
    flags: int
    length_octets: int
    captured_octets: int
    made_of: Segment | Raw


_NOTHING_HELD: list[Held] = []


class Stage(Enum):
    STARTING = auto()
    SEARCHED = auto()
    LIVE = auto()
    OTHER = auto()


# A look-up in an Enum class takes ten times as long as one of a name.
STARTING, SEARCHED, LIVE = Stage.STARTING, Stage.SEARCHED, Stage.LIVE


class Direction:
    """What is known of one direction while its flow is not decided."""

    __slots__ = ("is_other", "next", "searched", "tail")

    def __init__(self) -> None:
        self.next: int | None = None  # sequence number behind the SYN, or behind what was searched last
        self.is_other = False
        self.searched = 0
        self.tail = b""


class Flow:
    """One connection as far as it matters here."""

    __slots__ = (
        "directions", "ended", "ends", "given", "held", "held_octets", "keys", "now_ns", "searched_for", "skips",
        "skips_since", "stage", "touched",
    )  # fmt: skip

    def __init__(self, stage: Stage, keys: tuple[Key, Key], searched_for: tuple[Recogniser, ...] = ()) -> None:
        self.stage = stage
        self.searched_for = searched_for
        self.keys = keys  # of the direction first seen, of the other one
        self.ends: tuple[Ends, ...] = ()  # the same of a live flow
        self.directions = (Direction(), Direction())
        self.held: list[Held] = []
        self.held_octets = 0
        self.given = False  # the connection before was an attempt: the reassembly has it
        self.ended = 0  # directions that sent a FIN, both with a RST
        self.touched = True
        self.now_ns: int | None = None
        # by the sender's key: sequence number and octets of the stretch that it skips, and the same of the other one
        self.skips: dict[Key, Skips] | None = None
        self.skips_since = 0  # the frame that began or ended a connection: no stretch is known before it

    @property
    def tunnel(self) -> tuple[int, ...]:
        key = self.keys[0]
        return () if isinstance(key, bytes) else key[1]

    def decide(self) -> None:
        """It is ours. A capture may have 30 000 of these: what they need no more they share, and nobody changes."""
        self.stage = LIVE
        self.directions, self.held = SETTLED, _NOTHING_HELD
        self.ends = ends_of(self.keys[0]), ends_of(self.keys[1])

    def told(self) -> tuple[Segment, ...]:
        """The segments that are held."""
        ends = ends_of(self.keys[0]), ends_of(self.keys[1])
        return tuple([_made(each.made_of, ends[each.sender]) for each in self.held])

    def is_skipped(self, shape: Shape, octets: memoryview, at: int, captured: int, key: Key) -> bool:
        """Whether the segment in the frame at `at` lies wholly in the octets that its direction skips, or has none and
        acknowledges nothing but such of the other one; never one with FIN, SYN or RST. The flow counts as touched."""
        if self.skips is None or captured < shape.smallest_octets:
            return False
        stated, sequence, acknowledgement, offset, flags = shape.unpack_from(octets, at + shape.length_at)
        header = offset >> 4 << 2
        length = stated - shape.length_includes - header
        if flags & CONTROL or header < TCP_OCTETS or length < 0 or not stated:
            return False
        first, skipped, other_first, other_skipped = self.skips[key]
        ahead = (sequence - first) & _NUMBERS
        if (ahead < skipped and ahead + length <= skipped) or (
            not length and flags & ACK and (acknowledgement - other_first - 1) & _NUMBERS < other_skipped
        ):
            self.touched = True
            return True
        return False

    def has_skipped(self, key: Key, made: Segment, flags: int) -> bool:
        """As `is_skipped`, of a segment that was made."""
        if self.skips is None or flags & CONTROL:
            return False
        first, skipped, other_first, other_skipped = self.skips[key]
        ahead, length = (made.sequence - first) & _NUMBERS, made.length_octets
        if ahead < skipped and ahead + length <= skipped:
            return True
        acknowledges = not length and flags & ACK
        return bool(acknowledges) and (made.acknowledgement - other_first - 1) & _NUMBERS < other_skipped

    def has_octets(self) -> bool:
        """Whether octets are held of a direction that did not show itself as none of ours."""
        return any(each.length_octets and not self.directions[each.sender].is_other for each in self.held)

    def is_attempt(self) -> bool:
        """Whether nothing came but SYNs that one end sent."""
        held = self.held
        return (
            self.stage is STARTING
            and bool(held)
            and not any(each.is_other for each in self.directions)
            and all(each.flags & (ENDS | SYN | ACK) == SYN and not each.length_octets for each in held)
            and all(each.sender == held[0].sender for each in held)
        )

    def is_in_doubt(self, direction: Direction, syn: Held, first: int) -> bool:
        """Whether only the reassembly can tell if a SYN begins another connection than what is held."""
        if self.stage is SEARCHED:  # the capture's order is not that of the wire
            return True
        if direction.next is None or direction.next == first:
            return self.ended > 0 and any(each.flags & RST for each in self.held)
        # octets of the connection before, which may have been ours, or no SYN that a station sends
        if self.has_octets() or syn.length_octets or syn.flags & ENDS:
            return True
        return self.given and not self.is_attempt()

    def is_idle(self, now_ns: int | None) -> bool:
        return now_ns is not None and self.now_ns is not None and now_ns - self.now_ns >= MAXIMUM_IDLE_NS


def _made(made_of: Segment | Raw, ends: Ends) -> Segment:
    if isinstance(made_of, Segment):
        return made_of
    shape, octets, number, timestamp_ns = made_of
    made = segment(shape, memoryview(octets), 0, len(octets), number, timestamp_ns, ends)
    assert made is not None  # `headers.told` read it
    return made


OTHER = Flow(Stage.OTHER, (b"", b""))
SETTLED = OTHER.directions  # of every flow that is decided
