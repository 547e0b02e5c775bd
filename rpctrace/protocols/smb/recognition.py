"""How SMB over TCP is known by its octets alone: behind the four octets of a session packet, or by its signature."""

from __future__ import annotations

import re

from rpctrace.protocols.smb.framing import MAXIMUM_SEARCH_OCTETS, SIGNATURE_OCTETS, find_message
from rpctrace.scan.candidates import Recogniser

# RFC 1002 4.3: a session message with one of SMB, or a session request (two encoded names), its answers.
_HEAD = re.compile(
    rb"\x00...[\xfc-\xff]SMB|\x81\x00\x00\x44\x20[A-P]|\x82\x00\x00\x00|\x83\x00\x00\x01|\x84\x00\x00\x06", re.DOTALL
)
_FIRST = b"\x00\x81\x82\x83\x84"


def begins(octets: bytes) -> bool:
    """Whether a connection may begin so. Of fewer octets than the signature ends with, only the first one decides."""
    if len(octets) < SIGNATURE_OCTETS:
        return octets[:1] in _FIRST
    return _HEAD.match(octets) is not None


def occurs(octets: bytes) -> bool:
    """Whether the head of a message stands in `octets`."""
    return b"SMB" in octets and find_message(octets) is not None


def is_other(_octets: bytes) -> bool:
    """No octets of a file tell that what carries it is not SMB."""
    return False


RECOGNISER = Recogniser(
    "smb", SIGNATURE_OCTETS + 2, begins, occurs, is_other, MAXIMUM_SEARCH_OCTETS, frozenset(), _FIRST
)
