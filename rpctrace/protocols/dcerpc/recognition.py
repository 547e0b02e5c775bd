"""How DCE/RPC is known by its octets alone: at the start of a connection, in the middle of one, and in a datagram."""

from __future__ import annotations

import re

from rpctrace.encoding.reader import Octets
from rpctrace.protocols.dcerpc.framing import MAXIMUM_SEARCH_OCTETS, OTHER_PROTOCOL, SIGNATURE
from rpctrace.protocols.dcerpc.parse import is_plausible, parse_header
from rpctrace.protocols.dcerpc.pdu import HEADER_LENGTH_OCTETS
from rpctrace.scan.candidates import DatagramRecogniser, Recogniser

DATAGRAM_VERSION = 4
DATAGRAM_HEADER_OCTETS = 80
# Named pipes carry PDUs inside SMB; a connection joined in the middle on these ports is not searched for bare ones.
SMB_PORTS = frozenset((139, 445))

# What stands at fixed places of a header (C706 12.6.3.1): PTYPE at 2, the data representation from 4 on.
_HEAD = re.compile(rb"..[\x00\x02\x03\x0b-\x13].[\x00\x01\x10\x11][\x00-\x03]\x00\x00", re.DOTALL)


def begins(octets: bytes) -> bool:
    """Whether a connection may begin so: with a header, of a wrong version too, since a server answers that. Fewer
    octets than a header has decide nothing, as for the framer."""
    if len(octets) < HEADER_LENGTH_OCTETS:
        return True
    return _HEAD.match(octets) is not None and is_plausible(parse_header(octets), lenient=True)


def occurs(octets: bytes) -> bool:
    """Whether what may be a header stands in `octets`, or begins at their end."""
    return _BEGUN.search(octets, max(0, len(octets) - 7)) is not None or any(
        len(octets) - match.start() < HEADER_LENGTH_OCTETS or is_plausible(parse_header(octets, match.start()))
        for match in SIGNATURE.finditer(octets)
    )


def is_other(octets: bytes) -> bool:
    return OTHER_PROTOCOL.search(octets) is not None


# Two to seven octets of the signature; one alone is too many a payload's last.
_BEGUN = re.compile(
    rb"\x05[\x00\x01](?:[\x00\x02\x03\x0b-\x13](?:.(?:[\x00\x01\x10\x11](?:[\x00-\x03]\x00?)?)?)?)?\Z", re.DOTALL
)

# [C706] 12.5.2: rpc_vers, ptype, flags (the upper five of the second set are zero), and the three octets of drep.
_DATAGRAM = re.compile(rb"\x04[\x00-\x0a].[\x00-\x07][\x00\x01\x10\x11][\x00-\x03]\x00", re.DOTALL)


def begins_datagram(octets: Octets) -> bool:
    """Whether a datagram that begins with these `DATAGRAM_HEADER_OCTETS` may be one; its length is not judged."""
    return _DATAGRAM.match(octets) is not None


DATAGRAMS = DatagramRecogniser("dcerpc", frozenset(), DATAGRAM_VERSION, DATAGRAM_HEADER_OCTETS, begins_datagram)
RECOGNISER = Recogniser(
    "dcerpc",
    HEADER_LENGTH_OCTETS,
    begins,
    occurs,
    is_other,
    MAXIMUM_SEARCH_OCTETS,
    SMB_PORTS,
)
