"""Netlogon as a security provider (auth type 0x44): octets of its first tokens -> NL_AUTH_MESSAGE."""

from __future__ import annotations

from collections.abc import Callable

from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.encoding.text import decode_text
from rpctrace.errors import Malformed, Truncated
from rpctrace.record import record

_LAYER = "netlogon.NL_AUTH_MESSAGE"
_MAXIMUM_LABEL_OCTETS = 63  # RFC 1035 2.3.4; a larger first octet points elsewhere


class NlMessageType(OpenEnum):
    NEGOTIATE_REQUEST = 0
    NEGOTIATE_RESPONSE = 1


# [MS-NRPC] 2.2.1.3.1
@record
class NlAuthMessage(Partial):
    """Which machine account asks (a request), or that the server agrees (a response, which names nobody)."""

    message_type: NlMessageType
    netbios_domain: str | None = None
    netbios_computer: str | None = None
    dns_domain: str | None = None
    dns_host: str | None = None
    netbios_computer_utf8: str | None = None


def parse_nl_auth_message(octets: Octets) -> NlAuthMessage:
    """One token -> value. `ParseError` where it is neither a request nor a response."""
    reader = Reader(octets, _LAYER)
    message_type = NlMessageType(reader.u32())
    if not message_type.is_known:
        raise Malformed(_LAYER, 0, f"message type {message_type}")
    problems = FirstProblem()
    flags = problems.attempt(reader.u32)
    names: list[str | None] = []
    for flag, read in _NAMES if message_type is NlMessageType.NEGOTIATE_REQUEST else ():
        present = flags is not None and flags & flag and not isinstance(problems.error, Truncated)
        names.append(problems.attempt(read, reader) if present else None)
    return NlAuthMessage(message_type, *names, problem=problems.error)


def _oem_string(reader: Reader) -> str:
    """[MS-CIFS] 2.2.1.1.1 OEM_STRING: octets up to a zero."""
    found = bytearray()
    while octet := reader.u8():
        found.append(octet)
    return decode_text(bytes(found))


def _compressed_name(reader: Reader) -> str:
    """RFC 1035 4.1.4: labels up to an empty one. A pointer (from where it counts is not said) ends a name unread."""
    labels: list[str] = []
    while length := reader.u8():
        if length > _MAXIMUM_LABEL_OCTETS:
            reader.skip(1)
            raise Malformed(_LAYER, reader.offset - 2, "a pointer instead of a label")
        labels.append(decode_text(reader.take(length)))
    return ".".join(labels)


# [MS-NRPC] 2.2.1.3.1 Flags, and in their order what Buffer holds
_NAMES: tuple[tuple[int, Callable[[Reader], str]], ...] = (
    (0x00000001, _oem_string),
    (0x00000002, _oem_string),
    (0x00000004, _compressed_name),
    (0x00000008, _compressed_name),
    (0x00000010, _compressed_name),
)
