"""The octets of one TCP connection, in order: chunks, and gaps where the capture has none.

`direction` is 0 for octets sent by `Connection.client`, 1 for those sent by `Connection.server`. `offset` counts octets
from the first one of that direction that the connection knows of (behind the SYN, or the first captured).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from rpctrace.named_tuple import NamedTuple
from rpctrace.network.flow import Endpoint
from rpctrace.record import record

Direction = Literal[0, 1]


@record
class Connection:
    """One TCP connection of a flow (a reused port is another connection).

    `client` is the sender of the SYN, or, joined in the middle, the end with the higher port (a guess: `guessed`).
    `number` counts connections in order of appearance from 0. `tunnel` as in `Flow`.
    """

    number: int
    client: Endpoint
    server: Endpoint
    guessed: bool
    tunnel: tuple[int, ...] = ()


class Chunk(NamedTuple):
    """Octets that follow, in order, those delivered before in the same direction, all from one frame."""

    direction: Direction
    offset: int
    octets: memoryview
    frame_number: int
    timestamp_ns: int | None


class Gap(NamedTuple):
    """`length_octets` octets of a direction that the capture does not hold (lost, or cut by the snapshot length)."""

    direction: Direction
    offset: int
    length_octets: int
    frame_number: int  # the frame that showed the gap


class Close(NamedTuple):
    """The connection's end as the capture shows it: FIN or RST in `direction`, or (None) the capture or an eviction
    ended it; then `timestamp_ns` is the time of the segment that made room or took its place, None at the capture's
    end."""

    direction: Direction | None
    reset: bool
    frame_number: int | None
    timestamp_ns: int | None


class Seen(NamedTuple):
    """A segment without new octets went by: proof that `direction` was being captured at this moment."""

    direction: Direction
    frame_number: int
    timestamp_ns: int | None


class Conflict(NamedTuple):
    """Two copies of the same stream octets differ; the first copy stays."""

    direction: Direction
    offset: int
    first_frame_number: int
    frame_number: int


class IncidentKind(StrEnum):
    """`incidents` says what each proves."""

    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    RESET = "reset"
    IDLE = "idle"
    RETRANSMITTED = "retransmitted"


class Incident(NamedTuple):
    """What a connection shows of a failure below its octets.

    `direction`: who refused or reset (the last of `frames` is the reset), else who sent in vain. `frames`: the first
    few that show it, ascending. `times`: attempts refused, SYNs not answered, segments outstanding at a reset, copies
    sent. `octets`: the largest payload among them, 0 for attempts. `first_ns`, `last_ns`: the time of the first and of
    the last of all, also of those not in `frames`.
    """

    kind: IncidentKind
    direction: Direction
    frames: tuple[int, ...]
    times: int
    octets: int
    first_ns: int | None
    last_ns: int | None


StreamEvent = Chunk | Gap | Close | Seen | Conflict
