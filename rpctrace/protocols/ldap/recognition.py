"""How LDAP over TCP is known by its octets alone, on any port: a message's head at the start of a connection, a bind in
the middle of one."""

from __future__ import annotations

import re

from rpctrace.encoding import der
from rpctrace.scan.candidates import Recogniser

MAXIMUM_SEARCH_OCTETS = 128 * 1024  # how far a connection joined late is searched for a message
HEAD_OCTETS = 13  # the longest tag, length, message id and tag of the operation
_FIRST = bytes((der.SEQUENCE,))
# RFC 4511 4.1.1: a length of up to five octets, a message id, and the tag of an operation
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)"
_START = rb"\x30" + _LENGTH + rb"\x02(?:\x01.|\x02..|\x03...|\x04....)"
HEAD = re.compile(_START + rb"([\x60\x61\x42\x63-\x69\x4a\x6b-\x6f\x50\x73\x77-\x79])", re.DOTALL)
# RFC 4511 4.2: behind the head of a bind its version, behind that of an answer its result code
_BIND = re.compile(
    _START + rb"(?:\x60" + _LENGTH + rb"\x02\x01[\x02\x03]|\x61" + _LENGTH + rb"\x0a\x01[\x00-\x7f]\x04)",
    re.DOTALL,
)


def begins(octets: bytes) -> bool:
    """Whether a connection may begin so. Fewer octets than a head has decide nothing, as for the framer."""
    if HEAD.match(octets) is not None:
        return True
    return len(octets) < HEAD_OCTETS and octets[:1] in (b"", _FIRST)


def occurs(octets: bytes) -> bool:
    """Whether a bind or its answer stands in `octets`."""
    return _BIND.search(octets) is not None


def is_other(_octets: bytes) -> bool:
    return False


RECOGNISER = Recogniser(
    "ldap", HEAD_OCTETS, begins, occurs, is_other, MAXIMUM_SEARCH_OCTETS, frozenset((139, 445)), _FIRST
)
