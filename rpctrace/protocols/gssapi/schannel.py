"""TLS as a security provider (auth type 14, Schannel): octets -> what the first record of the token says of itself."""

from __future__ import annotations

from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.errors import Malformed, Truncated
from rpctrace.record import record

_LAYER = "schannel.TLSPlaintext"
_MAJOR_VERSION = 3  # SSL 3.0 and every TLS


# RFC 8446 5.1, RFC 6520 3
class ContentType(OpenEnum):
    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23
    HEARTBEAT = 24


# RFC 8446 5.1
@record
class TlsRecord(Partial):
    """A record's header. `version` is the record layer's, 0x0303 also for TLS 1.3. `first_octet` of a handshake is its
    type (1 ClientHello, 2 ServerHello), of an alert its level."""

    content_type: ContentType
    version: int
    length_octets: int | None
    first_octet: int | None


def parse_record(octets: Octets) -> TlsRecord:
    """The record that starts the token -> value."""
    reader = Reader(octets, _LAYER, little_endian=False)
    content_type, version = ContentType(reader.u8()), reader.u16()
    if not content_type.is_known or version >> 8 != _MAJOR_VERSION:
        raise Malformed(_LAYER, 0, f"content type {int(content_type)}, version 0x{version:04x}")
    problems = FirstProblem()
    length = problems.attempt(reader.u16)
    if length is not None and length > reader.remaining:
        problems.note(Truncated(_LAYER, reader.offset, length, reader.remaining))
    first_octet = reader.u8() if length and reader.remaining else None
    return TlsRecord(content_type, version, length, first_octet, problem=problems.error)
