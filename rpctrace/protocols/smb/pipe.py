"""An open pipe: its channel, and what of it the two directions have told so far."""

from __future__ import annotations

import re
from struct import Struct
from typing import NamedTuple

from rpctrace.encoding.text import decode_text, decode_utf16
from rpctrace.protocols.dissector import Channel
from rpctrace.protocols.smb.operation import LOOK_OCTETS, Span
from rpctrace.stream.stream import Direction

FileKey = tuple[int, int | bytes | None]
Tree = tuple[int, int]

# C706 12.6.3.1: version, type, flags, data representation, fragment length, authentication length
_HEADER = re.compile(
    rb"\x05[\x00\x01][\x00\x02\x03\x0b-\x13].(?:([\x10\x11])|[\x00\x01])[\x00-\x03]\x00\x00(....)", re.DOTALL
)
_LENGTHS = (Struct(">HH"), Struct("<HH"))
_HEADER_OCTETS = 16


def begins_a_pdu(octets: bytes) -> bool:
    """Whether a file's data that begins so is DCE/RPC; fewer octets than a header has are not."""
    match = _HEADER.match(octets) if len(octets) >= LOOK_OCTETS else None
    if match is None:
        return False
    fragment, authentication = _LENGTHS[match[1] is not None].unpack(match[2])
    return bool(fragment >= _HEADER_OCTETS + authentication)


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


class Pipe:
    """`sure` once it is known to be a pipe: by its tree, or because DCE/RPC was seen in it. `offsets`: the octets of
    each direction so far; `losses`: how many of the connection's lost octets its channel was told of."""

    __slots__ = ("channel", "key", "losses", "offsets", "session", "sure", "tree")

    def __init__(self, channel: Channel, session: int, tree: Tree | None, losses: tuple[int, int], *, sure: bool):
        self.channel = channel
        self.session = session
        self.tree = tree
        self.sure = sure
        self.key: FileKey | None = None
        self.offsets = [0, 0]
        self.losses = list(losses)


class Way(NamedTuple):
    """One direction of a pipe: 0 is what its client writes."""

    pipe: Pipe
    direction: Direction
