"""One connection as `FlowTable` knows it: by which keys, in which stage, and what is held until it is decided."""

from __future__ import annotations

from enum import Enum, auto

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.network.flow import Endpoint, Segment, TcpFlags
from rpctrace.scan.candidates import Recogniser
from rpctrace.scan.headers import Ends, Skips

MAXIMUM_IDLE_NS = 2 * 3600 * NS_PER_SECOND  # RFC 1122 4.2.3.6

FIN, SYN, RST, ACK = int(TcpFlags.FIN), int(TcpFlags.SYN), int(TcpFlags.RST), int(TcpFlags.ACK)
ENDS = FIN | RST

Key = bytes | tuple[bytes, tuple[int, ...]]  # the latter inside a tunnel


class Stage(Enum):
    STARTING = auto()
    SEARCHED = auto()
    LIVE = auto()
    OTHER = auto()


# A look-up in an Enum class takes ten times as long as one of a name.
STARTING, SEARCHED, LIVE = Stage.STARTING, Stage.SEARCHED, Stage.LIVE


class UndecidedDirection:
    """What is known of one direction while its flow is not decided."""

    __slots__ = ("is_other", "next", "searched", "tail")

    def __init__(self) -> None:
        self.next: int | None = None  # sequence number behind the SYN, or behind what was searched last
        self.is_other = False
        self.searched = 0
        self.tail = b""


_DECIDED = (UndecidedDirection(), UndecidedDirection())
_NOTHING_HELD: list[Segment] = []


class Flow:
    """One connection as far as it matters here."""

    __slots__ = (
        "directions", "ended", "ends", "given", "held", "held_octets", "keys", "now_ns", "searched_for", "skips",
        "skips_since", "stage", "touched",
    )  # fmt: skip

    def __init__(
        self, stage: Stage, keys: tuple[Key, Key], ends: tuple[Ends, Ends], searched_for: tuple[Recogniser, ...] = ()
    ) -> None:
        self.stage = stage
        self.searched_for = searched_for
        self.keys = keys  # of the direction first seen, of the other one
        self.ends = ends
        self.directions = (UndecidedDirection(), UndecidedDirection())
        self.held: list[Segment] = []
        self.held_octets = 0
        self.given = False  # the connection before was an attempt: the reassembly has it
        self.ended = 0  # directions that sent a FIN, both with a RST
        self.touched = True
        self.now_ns: int | None = None
        # by the sender's key: sequence number and octets of the stretch that it skips, and the same of the other one
        self.skips: dict[Key, Skips] | None = None
        self.skips_since = 0  # the frame that began or ended a connection: no stretch is known before it

    def decide(self) -> None:
        """It is ours. A capture may have 30 000 of these: what they need no more they share, and nobody changes."""
        self.stage = LIVE
        self.directions, self.held = _DECIDED, _NOTHING_HELD


OTHER = Flow(Stage.OTHER, (b"", b""), ((Endpoint("", 0), Endpoint("", 0)),) * 2)


def has_octets(flow: Flow) -> bool:
    """Whether octets are held of a direction that did not show itself as none of ours."""
    for direction, sender in zip(flow.directions, flow.ends[0], strict=True):
        if not direction.is_other and any(held.length_octets and held.source == sender for held in flow.held):
            return True
    return False


def is_in_doubt(flow: Flow, direction: UndecidedDirection, syn: Segment, first: int) -> bool:
    """Whether only the reassembly can tell if a SYN begins another connection than what is held."""
    if flow.stage is SEARCHED:  # the capture's order is not that of the wire
        return True
    if direction.next is None or direction.next == first:
        return any(int(held.flags) & RST for held in flow.held)
    # octets of the connection before, which may have been ours, or no SYN that a station sends
    if has_octets(flow) or syn.length_octets or int(syn.flags) & ENDS:
        return True
    return flow.given and not is_attempt(flow)


def is_attempt(flow: Flow) -> bool:
    """Whether nothing came but SYNs that one end sent."""
    held = flow.held
    return (
        flow.stage is STARTING
        and bool(held)
        and not any(each.is_other for each in flow.directions)
        and all(int(each.flags) & (ENDS | SYN | ACK) == SYN and not each.length_octets for each in held)
        and all(each.source == held[0].source for each in held)
    )


def turned(key: Key) -> Key:
    """The key of the other direction."""
    if not isinstance(key, bytes):
        inner = turned(key[0])
        assert isinstance(inner, bytes)
        return inner, key[1]
    half = (len(key) - 4) // 2
    return key[half:-4] + key[:half] + key[-2:] + key[-4:-2]


def is_idle(flow: Flow, now_ns: int | None) -> bool:
    return now_ns is not None and flow.now_ns is not None and now_ns - flow.now_ns >= MAXIMUM_IDLE_NS
