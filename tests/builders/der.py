"""Values -> ASN.1 DER octets (X.690 8 to 11): the few types that Kerberos and SPNEGO use.

The writing twin of `rpctrace/encoding/der.py`, sharing nothing with it, so that one can prove the other.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def length_octets(length: int) -> bytes:
    """X.690 8.1.3, the shortest form (10.1)."""
    if length < 0x80:
        return bytes([length])
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def tagged(tag: int, value: bytes) -> bytes:
    """One tag-length-value; `tag` is the identifier octet."""
    return bytes([tag]) + length_octets(len(value)) + value


def sequence(*items: bytes) -> bytes:
    """SEQUENCE (also SEQUENCE OF) of elements that are encoded already; empty ones stand for absent OPTIONAL ones."""
    return tagged(0x30, b"".join(items))


def context(number: int, element: bytes | None) -> bytes:
    """`[number] EXPLICIT element`; nothing where the element is None (an absent OPTIONAL field)."""
    return b"" if element is None else tagged(0xA0 | number, element)


def application(number: int, element: bytes) -> bytes:
    """`[APPLICATION number]`, constructed."""
    return tagged(0x60 | number, element)


def integer(value: int) -> bytes:
    """INTEGER in two's complement, shortest form."""
    return tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def enumerated(value: int) -> bytes:
    """ENUMERATED."""
    return tagged(0x0A, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octet_string(value: bytes) -> bytes:
    """OCTET STRING, primitive."""
    return tagged(0x04, value)


def general_string(text: str | bytes) -> bytes:
    """GeneralString as RFC 4120 5.2.1 uses it (KerberosString); text goes out as UTF-8, octets as they are."""
    return tagged(0x1B, text.encode() if isinstance(text, str) else text)


def generalized_time(timestamp_ns: int) -> bytes:
    """KerberosTime (RFC 4120 5.2.3): `YYYYMMDDhhmmssZ`, whole seconds, rounded down."""
    moment = _EPOCH + timedelta(seconds=timestamp_ns // 1_000_000_000)
    return tagged(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def bit_string_32(flags: int) -> bytes:
    """KerberosFlags (RFC 4120 5.2.8): 32 bits, bit 0 being 0x80000000."""
    return tagged(0x03, b"\0" + flags.to_bytes(4, "big"))


def object_identifier(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted text (X.690 8.19)."""
    first, second, *rest = map(int, dotted.split("."))
    return tagged(0x06, b"".join(map(_arc, (40 * first + second, *rest))))


def _arc(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | value & 0x7F)
    return bytes(reversed(digits))
