"""RFC 2743 3.1: the frame around a mechanism's token."""

from __future__ import annotations

import pytest
from builders import kerberos as write

from rpctrace.errors import ParseError
from rpctrace.protocols.gssapi.framing import parse_frame


def test_a_frame() -> None:
    """Mechanism and what follows its identifier."""
    frame = parse_frame(write.gss_frame(write.TOKEN_AP_REQ, b"octets"))
    assert (frame.mechanism_oid, bytes(frame.token), frame.problem) == (write.KRB5, b"\x01\x00octets", None)


def test_every_truncation() -> None:
    """A value with its problem, or a ParseError."""
    whole = write.gss_frame(write.TOKEN_AP_REQ, b"octets")
    for length in range(len(whole)):
        try:
            assert parse_frame(whole[:length]).problem is not None
        except ParseError:
            assert length < len(whole) - 8


def test_no_frame() -> None:
    """Another tag is refused."""
    with pytest.raises(ParseError):
        parse_frame(b"\x30\x03\x02\x01\x05")
