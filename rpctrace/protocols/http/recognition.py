"""How HTTP/1.x is known by its octets alone, and which of its connections may authenticate or carry RPC.

Most HTTP of a large capture does neither, and to follow it takes several times what it takes to pass over it. So a
connection whose first request shows no token and no RPC, and whose first answer demands none, is passed over: what it
would authenticate later is not seen. `RECOGNISER` says so to those who pass over connections; with `EVERY_CONNECTION`
each is begun, and `HttpConnection` decides in the same way, unless its `every_request` follows all of HTTP.
"""

from __future__ import annotations

import re

from rpctrace.scan.candidates import Recogniser

# How much of a direction's beginning decides; a header section that is longer is followed. Of connections joined in the
# middle as much is looked at twice, and kept.
FIRST_OCTETS = 1024
# How far a connection joined late is searched for a header section that matters.
MAXIMUM_SEARCH_OCTETS = 128 * 1024
INNER_BANNER = b"ncacn_http/1.0"  # [MS-RPCH] 2.1.1.2.1: with it the server of the inner hop begins

# RFC 9112 3: method, then a target in origin, absolute, asterisk or authority form. SIP and RTSP have other targets.
_METHOD_AND_TARGET = rb"[A-Z][A-Z_-]{2,31} (?:/|\*[ ]|https?://|[\w.\[\]:-]{1,255}:\d{1,5}[ ])"
START = re.compile(rb"HTTP/1\.[01] \d|" + _METHOD_AND_TARGET)
# What may still become a start.
MAY_START = re.compile(
    rb"(?:H(?:T(?:T(?:P(?:/(?:1(?:\.(?:[01] ?)?)?)?)?)?)?)?"
    rb"|[A-Z][A-Z_-]{0,31}(?: (?:https?:/?|[\w.\[\]:-]{0,261}\*?))?)\Z"
)
HEAD_END = re.compile(rb"\r?\n\r?\n")
_SCHEME = rb"(?:negotiate|kerberos|ntlm)"
_FIRST = bytes(range(ord("A"), ord("Z") + 1)) + INNER_BANNER[:1]
# RPC, and an answer before the one that counts
_UNDECIDED = re.compile(rb"RPC_(?:IN_DATA|OUT_DATA|CONNECT) |HTTP/1\.[01] +1")
# In octets made lower case, which costs a tenth of what ignoring case does
_OF_INTEREST = re.compile(
    rb"\n(?:(?:proxy-)?authorization:[ \t]*" + _SCHEME + rb"[ \t]"
    rb"|(?:www|proxy)-authenticate:[^\r\n]*\b" + _SCHEME + rb"\b"
    rb"|rpc_(?:in|out)_data /)"
)


def is_http(octets: bytes) -> bool:
    """Whether the first octets of a direction can be HTTP's, or the banner of RPC over HTTP's inner hop."""
    banner = octets[: len(INNER_BANNER)]
    return (
        START.match(octets) is not None
        or MAY_START.match(octets) is not None
        or INNER_BANNER[: len(banner)] == banner
    )


def may_authenticate(octets: bytes) -> bool:
    """Whether they also show RPC or a token, or are too few to tell."""
    if not is_http(octets):
        return False
    if octets.startswith(INNER_BANNER) or _UNDECIDED.match(octets) or _OF_INTEREST.search(octets.lower()):
        return True
    return HEAD_END.search(octets) is None


def occurs(octets: bytes) -> bool:
    """Whether a header section in the middle of a connection has to do with authentication or RPC."""
    if octets.startswith((b"RPC_IN_DATA /", b"RPC_OUT_DATA /", INNER_BANNER)):
        return True
    return _OF_INTEREST.search(octets.lower()) is not None


def is_other(_octets: bytes) -> bool:
    return False


RECOGNISER = Recogniser(
    "http", FIRST_OCTETS, may_authenticate, occurs, is_other, MAXIMUM_SEARCH_OCTETS, frozenset((139, 445)), _FIRST
)
EVERY_CONNECTION = RECOGNISER._replace(begins=is_http)
