"""RFC 8446 5.1: the header of the first record."""

from __future__ import annotations

import pytest

from rpctrace.errors import ParseError
from rpctrace.protocols.gssapi.schannel import ContentType, parse_record


def test_a_record() -> None:
    """Type, version, and the handshake's type."""
    record = parse_record(bytes.fromhex("160301000401000000"))
    assert (record.content_type, record.version, record.first_octet) == (ContentType.HANDSHAKE, 0x0301, 1)
    assert record.complete
    assert not parse_record(bytes.fromhex("1603010004")).complete
    for octets in (b"", b"\x16", b"\x16\x03", b"\x63\x03\x01\x00\x00", b"\x16\x05\x01\x00\x00"):
        with pytest.raises(ParseError):
            parse_record(octets)
