"""The small logic of PDU values: versions, byte order, fragments."""

from __future__ import annotations

from rpctrace.protocols.dcerpc.pdu import Header, PduType, PfcFlags, SyntaxId


def header(flags: int, *, drep: bytes = b"\x10\0\0\0", pdu_type: PduType = PduType.REQUEST) -> Header:
    return Header(5, 0, pdu_type, PfcFlags(flags), drep, 16, 0, 1)


def test_header() -> None:
    """First and last fragment, byte order by the data representation, an unknown type kept."""
    assert (header(1).first, header(1).last, header(2).first, header(2).last) == (True, False, False, True)
    assert header(3).little_endian
    assert not header(3, drep=b"\0\0\0\0").little_endian
    assert PduType(77).name == "UNKNOWN_77"


def test_syntax_version() -> None:
    """major.minor, as interfaces are written."""
    assert SyntaxId("u", 3, 1).version_text == "3.1"
