"""How Kerberos over TCP (to a KDC, and password changes) is known by its octets alone: at the start of a connection,
and in the middle of one."""

from __future__ import annotations

import re

from rpctrace.protocols.kerberos.framing import (
    HEAD_LENGTH_OCTETS,
    LEAST_MESSAGE_OCTETS,
    MAXIMUM_SEARCH_OCTETS,
    OTHER_PROTOCOL,
    is_marked_message,
    message_length,
    next_mark,
)
from rpctrace.scan.candidates import DatagramRecogniser, Recogniser

# Named pipes and files carry octets of any kind; a connection joined in the middle on these ports is not searched.
SMB_PORTS = frozenset((139, 445))
KDC_PORTS = frozenset((88, 464))


def begins(octets: bytes) -> bool:
    """Whether a connection may begin so: with a mark and a message that agree. Fewer octets than both need decide
    nothing, as for the framer."""
    return len(octets) < HEAD_LENGTH_OCTETS or is_marked_message(octets)


def occurs(octets: bytes) -> bool:
    """Whether a mark and a message that agree stand in `octets`, or may begin at their end."""
    tail = max(0, len(octets) - HEAD_LENGTH_OCTETS + 1)
    return _BEGUN.search(octets, tail) is not None or next_mark(octets, 0, tail) is not None


def is_other(octets: bytes) -> bool:
    return OTHER_PROTOCOL.search(octets) is not None


def is_kerberos_datagram(octets: bytes | memoryview, source_port: int, destination_port: int) -> bool:
    """Whether a UDP datagram is a message to or from a KDC: by its port and its first octets. Its own length may be
    more than is there (the snapshot length cut it)."""
    if source_port not in KDC_PORTS and destination_port not in KDC_PORTS:
        return False
    if len(octets) < LEAST_MESSAGE_OCTETS:
        return False
    length = message_length(octets)
    return length is not None and length >= len(octets)


# A mark and a tag at the very end; less of it is too many a payload's last.
_BEGUN = re.compile(rb"\x00[\x00-\x03]..[\x6a-\x6d\x7e](?:[\x09-\x7f]?|[\x81-\x84].{0,4})\Z", re.DOTALL)

DATAGRAMS = DatagramRecogniser("kerberos", KDC_PORTS, None, 0, lambda _head: False)
_FIRST = b"\0"  # of a mark
RECOGNISER = Recogniser(
    "kerberos", HEAD_LENGTH_OCTETS, begins, occurs, is_other, MAXIMUM_SEARCH_OCTETS, SMB_PORTS, _FIRST
)
