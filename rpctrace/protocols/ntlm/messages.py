"""NTLM messages (NEGOTIATE, CHALLENGE, AUTHENTICATE): octets -> names, flags and versions.

Challenges, responses, session keys and integrity codes are never kept: only that they are there and how long they are.
A cut or damaged message gives what could be read: other fields are None, `complete` is False and `problem` holds the
first reason. `ParseError` only where not even the kind of message could be told.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntFlag
from typing import TypeVar

from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Layout, Octets, Reader
from rpctrace.encoding.text import decode_text, decode_utf16
from rpctrace.encoding.times import filetime_to_ns
from rpctrace.errors import Malformed, Truncated
from rpctrace.named_tuple import NamedTuple
from rpctrace.record import record

SIGNATURE = b"NTLMSSP\0"
_LAYER = "ntlm"
_NTLM_V1_RESPONSE_OCTETS = 24  # [MS-NLMP] 2.2.2.6
_AV_PAIRS_IN_RESPONSE = 44  # [MS-NLMP] 2.2.2.8, 2.2.2.7: NTProofStr and the fixed part of NTLMv2_CLIENT_CHALLENGE
_SHORT_NEGOTIATE_OCTETS = 16  # early clients end behind the flags
MAXIMUM_AV_PAIRS = 64  # ten identifiers are defined
_BUFFER, _VERSION, _AV_PAIR = Layout("HHI"), Layout("BBH3xB"), Layout("HH")  # [MS-NLMP] 2.2.1, 2.2.2.10, 2.2.2.1
_Value = TypeVar("_Value")


# [MS-NLMP] 2.2.1
class MessageType(OpenEnum):
    NEGOTIATE = 1
    CHALLENGE = 2
    AUTHENTICATE = 3


# [MS-NLMP] 2.2.2.5. Messages keep the flags as an integer: IntFlag remembers every combination it ever meets.
class NegotiateFlags(IntFlag):
    UNICODE = 0x00000001
    OEM = 0x00000002
    REQUEST_TARGET = 0x00000004
    SIGN = 0x00000010
    SEAL = 0x00000020
    DATAGRAM = 0x00000040
    LM_KEY = 0x00000080
    NTLM = 0x00000200
    ANONYMOUS = 0x00000800
    OEM_DOMAIN_SUPPLIED = 0x00001000
    OEM_WORKSTATION_SUPPLIED = 0x00002000
    ALWAYS_SIGN = 0x00008000
    TARGET_TYPE_DOMAIN = 0x00010000
    TARGET_TYPE_SERVER = 0x00020000
    EXTENDED_SESSION_SECURITY = 0x00080000
    IDENTIFY = 0x00100000
    REQUEST_NON_NT_SESSION_KEY = 0x00400000
    TARGET_INFO = 0x00800000
    VERSION = 0x02000000
    KEY_128 = 0x20000000
    KEY_EXCHANGE = 0x40000000
    KEY_56 = 0x80000000


# [MS-NLMP] 2.2.2.10
class Version(NamedTuple):
    """Of the operating system, and the revision of NTLM that it speaks."""

    major: int
    minor: int
    build: int
    revision: int


# [MS-NLMP] 2.2.2.1
class AvId(OpenEnum):
    EOL = 0
    NETBIOS_COMPUTER_NAME = 1
    NETBIOS_DOMAIN_NAME = 2
    DNS_COMPUTER_NAME = 3
    DNS_DOMAIN_NAME = 4
    DNS_TREE_NAME = 5
    FLAGS = 6
    TIMESTAMP = 7
    SINGLE_HOST = 8
    TARGET_NAME = 9
    CHANNEL_BINDINGS = 10


# [MS-NLMP] 2.2.2.1
@record
class TargetInfo:
    """The AV pairs that name somebody: the server, and (`target_name`) the service that the client meant to reach."""

    netbios_computer: str | None = None
    netbios_domain: str | None = None
    dns_computer: str | None = None
    dns_domain: str | None = None
    dns_tree: str | None = None
    flags: int | None = None
    timestamp_ns: int | None = None
    target_name: str | None = None


# [MS-NLMP] 2.2.1.1
@record
class Negotiate(Partial):
    """NEGOTIATE_MESSAGE: what the client can do."""

    flags: int | None
    domain: str | None
    workstation: str | None
    version: Version | None

    @property
    def message_type(self) -> MessageType:
        return MessageType.NEGOTIATE


# [MS-NLMP] 2.2.1.2
@record
class Challenge(Partial):
    """CHALLENGE_MESSAGE: who the server is."""

    target_name: str | None
    flags: int | None
    target_info: TargetInfo | None
    version: Version | None

    @property
    def message_type(self) -> MessageType:
        return MessageType.CHALLENGE


# [MS-NLMP] 2.2.1.3
@record
class Authenticate(Partial):
    """AUTHENTICATE_MESSAGE: who the client says it is.

    `target_info` is what an NTLMv2 response says of the server; `mic_present` is told by its flags (None: not known).
    """

    nt_response_length_octets: int | None
    domain: str | None
    user: str | None
    workstation: str | None
    flags: int | None
    version: Version | None
    target_info: TargetInfo | None
    mic_present: bool | None

    @property
    def message_type(self) -> MessageType:
        return MessageType.AUTHENTICATE

    @property
    def response_version(self) -> int | None:
        """1 or 2; None without an NT response."""
        if not self.nt_response_length_octets:
            return None
        return 1 if self.nt_response_length_octets <= _NTLM_V1_RESPONSE_OCTETS else 2

    @property
    def anonymous(self) -> bool | None:
        """[MS-NLMP] 3.2.5.1.2: neither a user name nor a response."""
        if self.user is None or self.nt_response_length_octets is None:
            return None
        return not self.user and not self.nt_response_length_octets


NtlmMessage = Negotiate | Challenge | Authenticate


def parse_message(octets: Octets) -> NtlmMessage:
    """One message -> value."""
    reader = Reader(octets, _LAYER)
    if reader.take(len(SIGNATURE)) != SIGNATURE:
        raise Malformed(_LAYER, 0, "no signature")
    kind = reader.u32()
    if kind not in _READERS:
        raise Malformed(_LAYER, len(SIGNATURE), f"message type {kind}")
    name, read = _READERS[kind]
    return read(_Message(memoryview(octets), f"{_LAYER}.{name}"))


class _Buffer(NamedTuple):
    """Where a field lies: [MS-NLMP] 2.2.1 Len (MaxLen is ignored) and BufferOffset, from the start of the message."""

    length: int
    offset: int


class _Message:
    """A message being read: its fixed part in order until a cut, its payload by offsets."""

    __slots__ = ("_cut", "_fixed", "layer", "octets", "problems")

    def __init__(self, octets: memoryview, layer: str) -> None:
        self.octets = octets
        self.layer = layer
        self.problems = FirstProblem()
        self._cut = False
        self._fixed = Reader(octets, layer)
        self._fixed.skip(len(SIGNATURE) + 4)

    def fixed(self, read: Callable[[Reader], _Value]) -> _Value | None:
        """The next part of the fixed fields; None from the first one on that is cut."""
        if self._cut:
            return None
        try:
            return read(self._fixed)
        except Truncated as error:
            self._cut = True
            self.problems.note(error)
            return None

    def version(self, flags: int | None) -> Version | None:
        """The next field where the flags say that it is filled."""
        return self.fixed(_version) if flags is not None and flags & _VERSION_FLAG else None

    def payload(self, buffer: _Buffer | None) -> memoryview | None:
        if buffer is None:
            return None
        end = buffer.offset + buffer.length
        if buffer.length and end > len(self.octets):
            available = max(0, len(self.octets) - buffer.offset)
            self.problems.note(Truncated(self.layer, buffer.offset, buffer.length, available))
            return None
        return self.octets[buffer.offset : end]

    def text(self, buffer: _Buffer | None, flags: int | None) -> str | None:
        """UTF-16 where the flags say so, else OEM: a code page that nobody names, so octets that are not UTF-8 stay."""
        octets = self.payload(buffer)
        if octets is None or flags is None:
            return None
        return decode_utf16(octets) if flags & _UNICODE_FLAG else decode_text(octets)


def _buffer(reader: Reader) -> _Buffer:
    length, _maximum, offset = reader.integers(_BUFFER)
    return _Buffer(length, offset)


def _version(reader: Reader) -> Version:
    return Version._make(reader.integers(_VERSION))


# [MS-NLMP] 2.2.1.1
def _negotiate(message: _Message) -> Negotiate:
    flags = message.fixed(Reader.u32)
    if flags is not None and len(message.octets) == _SHORT_NEGOTIATE_OCTETS and not flags & _NAMES_OR_VERSION:
        return Negotiate(flags, "", "", None)
    domain, workstation = message.fixed(_buffer), message.fixed(_buffer)
    version = message.version(flags)
    oem = NegotiateFlags.OEM.value  # both names, whatever the flags offer
    return Negotiate(
        flags, message.text(domain, oem), message.text(workstation, oem), version, problem=message.problems.error
    )


# [MS-NLMP] 2.2.1.2
def _challenge(message: _Message) -> Challenge:
    target_name, flags = message.fixed(_buffer), message.fixed(Reader.u32)
    message.fixed(_skip_challenge)
    # Servers older than both end here.
    more = flags is not None and flags & _TARGET_INFO_OR_VERSION
    target_info = message.fixed(_reserved_and_buffer) if more else None
    version = message.version(flags)
    name = message.text(target_name, flags)
    pairs = message.payload(target_info)
    info = None if pairs is None else _target_info(pairs, message)
    return Challenge(name, flags, info, version, problem=message.problems.error)


def _skip_challenge(reader: Reader) -> None:
    reader.skip(8)


def _reserved_and_buffer(reader: Reader) -> _Buffer:
    reader.skip(8)
    return _buffer(reader)


# [MS-NLMP] 2.2.1.3
def _authenticate(message: _Message) -> Authenticate:
    lm_response, nt_response = message.fixed(_buffer), message.fixed(_buffer)
    domain, user, workstation = message.fixed(_buffer), message.fixed(_buffer), message.fixed(_buffer)
    session_key, flags = message.fixed(_buffer), message.fixed(Reader.u32)
    version = message.version(flags)
    names = tuple(message.text(buffer, flags) for buffer in (domain, user, workstation))
    response = message.payload(nt_response)
    for unread in (lm_response, session_key):
        message.payload(unread)  # notes a cut
    info = None
    mic_present = None if response is None else False
    if response is not None and len(response) > _NTLM_V1_RESPONSE_OCTETS:
        info = _target_info(response[_AV_PAIRS_IN_RESPONSE:], message)
        mic_present = bool((info.flags or 0) & _AV_FLAG_MIC)
    length = None if nt_response is None else nt_response.length
    return Authenticate(
        length, names[0], names[1], names[2], flags, version, info, mic_present, problem=message.problems.error
    )


# [MS-NLMP] 2.2.2.1
def _target_info(octets: memoryview, message: _Message) -> TargetInfo:
    pairs = _av_pairs(octets, message)
    texts = {av_id: decode_utf16(pairs[av_id]) for av_id in _AV_TEXTS if av_id in pairs}
    flags, timestamp = pairs.get(AvId.FLAGS, b""), pairs.get(AvId.TIMESTAMP, b"")
    return TargetInfo(
        netbios_computer=texts.get(AvId.NETBIOS_COMPUTER_NAME),
        netbios_domain=texts.get(AvId.NETBIOS_DOMAIN_NAME),
        dns_computer=texts.get(AvId.DNS_COMPUTER_NAME),
        dns_domain=texts.get(AvId.DNS_DOMAIN_NAME),
        dns_tree=texts.get(AvId.DNS_TREE_NAME),
        flags=int.from_bytes(flags, "little") if len(flags) == 4 else None,
        timestamp_ns=filetime_to_ns(int.from_bytes(timestamp, "little")) if len(timestamp) == 8 else None,
        target_name=texts.get(AvId.TARGET_NAME),
    )


def _av_pairs(octets: memoryview, message: _Message) -> dict[int, memoryview]:
    """AV pairs up to MsvAvEOL; of an identifier given twice the first counts."""
    reader = Reader(octets, f"{message.layer}.AV_PAIR")
    found: dict[int, memoryview] = {}
    try:
        for _ in range(MAXIMUM_AV_PAIRS):
            av_id, length = reader.integers(_AV_PAIR)
            found.setdefault(av_id, reader.take(length))
            if av_id == _EOL:
                return found
    except Truncated as error:
        message.problems.note(error)
        return found
    message.problems.note(Malformed(reader.layer, reader.offset, f"more than {MAXIMUM_AV_PAIRS} pairs"))
    return found


_EOL = AvId.EOL.value
_AV_TEXTS = (
    AvId.NETBIOS_COMPUTER_NAME,
    AvId.NETBIOS_DOMAIN_NAME,
    AvId.DNS_COMPUTER_NAME,
    AvId.DNS_DOMAIN_NAME,
    AvId.DNS_TREE_NAME,
    AvId.TARGET_NAME,
)
_AV_FLAG_MIC = 0x00000002
# As plain numbers, like the flags of a message.
_UNICODE_FLAG, _VERSION_FLAG = NegotiateFlags.UNICODE.value, NegotiateFlags.VERSION.value
_TARGET_INFO_OR_VERSION = (NegotiateFlags.TARGET_INFO | NegotiateFlags.VERSION).value
_NAMES_OR_VERSION = (
    NegotiateFlags.OEM_DOMAIN_SUPPLIED | NegotiateFlags.OEM_WORKSTATION_SUPPLIED | NegotiateFlags.VERSION
).value
_READERS: dict[int, tuple[str, Callable[[_Message], NtlmMessage]]] = {
    MessageType.NEGOTIATE: ("NEGOTIATE", _negotiate),
    MessageType.CHALLENGE: ("CHALLENGE", _challenge),
    MessageType.AUTHENTICATE: ("AUTHENTICATE", _authenticate),
}
