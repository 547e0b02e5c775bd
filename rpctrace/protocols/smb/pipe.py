"""An open pipe: its channel, what of it the two directions have told so far, and the session that it belongs to."""

from __future__ import annotations

import re
from struct import Struct

from rpctrace.encoding.text import decode_text, decode_utf16
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dissector import Channel
from rpctrace.protocols.smb.operation import LOOK_OCTETS, Span
from rpctrace.stream.stream import Direction

FileKey = tuple[int, int | bytes | None]
Tree = tuple[int, int]

# C706 12.6.3.1: version, type, flags, data representation, fragment length, authentication length
_HEADER = re.compile(
    rb"\x05[\x00\x01][\x00\x02\x03\x0b-\x13].(?:([\x10\x11])|[\x00\x01])[\x00-\x03]\x00\x00(....)", re.DOTALL
)
_BEGUN = re.compile(rb"\x05(?:[\x00\x01]|\Z)")
_LENGTHS = (Struct(">HH"), Struct("<HH"))
_HEADER_OCTETS = 16


def begins_a_pdu(octets: bytes) -> bool:
    """Whether a file's data that begins so is DCE/RPC; fewer octets than a header has are not."""
    match = _HEADER.match(octets) if len(octets) >= LOOK_OCTETS else None
    if match is None:
        return False
    fragment, authentication = _LENGTHS[match[1] is not None].unpack(match[2])
    return bool(fragment >= _HEADER_OCTETS + authentication)


def _may_begin_one(octets: bytes) -> bool:
    """Less than a header, as it was written or captured: the rest may follow."""
    return len(octets) < LOOK_OCTETS and _BEGUN.match(octets) is not None


def pipe_name(text: str) -> str:
    """A file's name as SMB 1 and SMB 2 write it -> the name of the endpoint ([MS-RPCE] 2.1.1.2), lower-case."""
    name = text.lower().lstrip("\\")
    if name.startswith("pipe\\"):
        name = name[5:].lstrip("\\")
    return f"\\pipe\\{name}"


def text_at(octets: memoryview, span: Span, *, unicode: bool) -> str | None:
    """The text at `span` without what follows its NUL; None where the capture does not hold all of it."""
    if not span.length or span.end > len(octets):
        return None
    found = octets[span.start : span.end]
    return (decode_utf16(found) if unicode else decode_text(found)).split("\0", 1)[0]


def texts_at(octets: memoryview, span: Span, *, unicode: bool) -> list[str]:
    """Texts that each end with a NUL, as far as they are there."""
    found = octets[span.start : span.end]
    return (decode_utf16(found) if unicode else decode_text(found)).split("\0")


class Session:
    """One session; `lost` are octets of unknown messages that the capture does not hold, by what they were (0 requests,
    1 answers), the last of them shown by the frame `lost_in`. `target` is the server as its client names it."""

    __slots__ = ("connections", "lost", "lost_in", "number", "pipes", "target")

    def __init__(self, number: int) -> None:
        self.number = number
        self.connections: set[object] = set()
        self.pipes: dict[Pipe, None] = {}  # in order of their opening
        self.lost = [0, 0]
        self.lost_in = [0, 0]
        self.target: str | None = None

    def lose(self, role: Direction, length_octets: int, frame_number: int) -> None:
        self.lost[role] += length_octets
        self.lost_in[role] = frame_number


class Pipe:
    """`sure`: its tree is that of pipes. `speaks`: DCE/RPC was seen in it.
    `offsets`: the octets of each direction; `losses`: how many of the session's lost octets its channel was told of."""

    __slots__ = ("channel", "key", "losses", "offsets", "session", "speaks", "sure", "tree")

    def __init__(self, channel: Channel, session: Session, tree: Tree | None, *, sure: bool) -> None:
        self.channel = channel
        self.session = session
        self.tree = tree
        self.sure = sure
        self.speaks = False
        self.key: FileKey | None = None
        self.offsets = [0, 0]
        self.losses = list(session.lost)

    def look_at(self, octets: bytes) -> None:
        """At the first octets of some data: whether they are DCE/RPC, as long as that is not known."""
        if not self.speaks:
            self.speaks = begins_a_pdu(octets) or (self.sure and _may_begin_one(octets))


class Way(NamedTuple):
    """One direction of a pipe: 0 is what its client writes."""

    pipe: Pipe
    direction: Direction
