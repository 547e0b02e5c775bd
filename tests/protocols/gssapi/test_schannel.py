"""The first TLS record of a Schannel token, whole, cut and damaged."""

from __future__ import annotations

import pytest
from authentication_tokens import mutants

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.gssapi.schannel import ContentType, TlsRecord, parse_record

CLIENT_HELLO = bytes.fromhex("160301 0030 01 00002c 0303") + bytes(42)
ALERT = bytes.fromhex("150303 0002 0228")


@pytest.mark.parametrize(("octets", "expected"), [
    (CLIENT_HELLO, TlsRecord(ContentType.HANDSHAKE, 0x0301, 48, 1)),
    (CLIENT_HELLO + ALERT, TlsRecord(ContentType.HANDSHAKE, 0x0301, 48, 1)),
    (ALERT, TlsRecord(ContentType.ALERT, 0x0303, 2, 2)),
    (bytes.fromhex("1403030000"), TlsRecord(ContentType.CHANGE_CIPHER_SPEC, 0x0303, 0, None)),
])  # fmt: skip
def test_whole_records(octets: bytes, expected: TlsRecord) -> None:
    """Type, version, length and the octet that tells the handshake or the alert's level."""
    assert parse_record(octets) == expected
    assert parse_record(octets).complete


def test_every_truncation() -> None:
    """The header's fields stay as far as they are there; no type or version, no record."""
    for end in range(len(CLIENT_HELLO)):
        if end < 3:
            with pytest.raises(Truncated):
                parse_record(CLIENT_HELLO[:end])
            continue
        length, first = (48 if end >= 5 else None), (1 if end >= 6 else None)
        value = parse_record(CLIENT_HELLO[:end])
        assert value == TlsRecord(ContentType.HANDSHAKE, 0x0301, length, first)
        assert isinstance(value.problem, Truncated)


@pytest.mark.parametrize("octets", [b"\x19\x03\x03\0\0", b"\x16\x02\x00\0\0", b"\x80\x2e\x01\x03\x01", b"NTLMSSP\0"])
def test_what_is_no_record(octets: bytes) -> None:
    """Unknown types, and versions before SSL 3.0."""
    with pytest.raises(Malformed):
        parse_record(octets)


def test_mutants_raise_nothing_but_parse_errors() -> None:
    """2000 damaged copies."""
    read = 0
    for mutant in mutants(CLIENT_HELLO, seed=5, count=2000):
        try:
            read += bool(parse_record(mutant))
        except ParseError:
            continue
    assert read
