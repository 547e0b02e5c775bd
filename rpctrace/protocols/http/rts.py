"""RTS PDUs of RPC over HTTP ([MS-RPCH] 2.2.3.6): octets -> flags and commands, as far as they are there."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from rpctrace.encoding.ndr import guid_text
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.errors import Malformed, ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.record import record

HEADER_LENGTH_OCTETS = 16  # C706 12.6.3.1: common to RTS PDUs and all others
RTS = 0x14  # [MS-RPCH] 2.2.3.1: PTYPE
MAXIMUM_COMMANDS = 64  # the longest sequence defined has six
_LAYER = "rpch.rts"
_IPV4, _IPV6 = 0, 1
_ADDRESS_PADDING_OCTETS = 12


# [MS-RPCH] 2.2.3.6
class RtsFlag(OpenEnum):
    """Names of single bits; a PDU keeps its flags as one integer."""

    PING = 0x0001
    OTHER_CMD = 0x0002
    RECYCLE_CHANNEL = 0x0004
    IN_CHANNEL = 0x0008
    OUT_CHANNEL = 0x0010
    EOF = 0x0020
    ECHO = 0x0040


# [MS-RPCH] 2.2.3.5
class CommandType(OpenEnum):
    RECEIVE_WINDOW_SIZE = 0x0
    FLOW_CONTROL_ACK = 0x1
    CONNECTION_TIMEOUT = 0x2
    COOKIE = 0x3
    CHANNEL_LIFETIME = 0x4
    CLIENT_KEEPALIVE = 0x5
    VERSION = 0x6
    EMPTY = 0x7
    PADDING = 0x8
    NEGATIVE_ANCE = 0x9
    ANCE = 0xA
    CLIENT_ADDRESS = 0xB
    ASSOCIATION_GROUP_ID = 0xC
    DESTINATION = 0xD
    PING_TRAFFIC_SENT_NOTIFY = 0xE


class FlowControlAck(NamedTuple):
    """[MS-RPCH] 2.2.3.4"""

    bytes_received: int
    available_window: int
    channel_cookie: str


class Command(NamedTuple):
    """`value` by type: a number, the text of a cookie (a UUID), of an address, a flow control acknowledgement, or None
    where there is nothing but the type."""

    command_type: CommandType
    value: int | str | FlowControlAck | None


@record
class RtsPdu(Partial):
    """`flags` None where the cut is before them."""

    flags: int | None
    commands: tuple[Command, ...]

    def values(self, command_type: CommandType) -> tuple[int | str | FlowControlAck | None, ...]:
        return tuple(each.value for each in self.commands if each.command_type == command_type)

    @property
    def cookies(self) -> tuple[str, ...]:
        return tuple(str(value) for value in self.values(CommandType.COOKIE))

    @property
    def virtual_connection(self) -> str | None:
        """The cookie of the virtual connection that a channel joins with this PDU: the first one behind a version, when
        that of the channel follows (CONN/A1, A2, B1, B2 and those of recycling, 2.2.4)."""
        if not self.commands or self.commands[0].command_type != CommandType.VERSION:
            return None
        cookies = self.cookies
        return cookies[0] if len(cookies) > 1 else None


def parse_rts(octets: Octets) -> RtsPdu:
    """One whole PDU with its header, or the front of one -> value. `ParseError` where it is none."""
    reader = Reader(octets, _LAYER)
    header = reader.take(HEADER_LENGTH_OCTETS)
    if header[0] != 5 or header[2] != RTS:
        raise Malformed(_LAYER, 0, f"version {header[0]}, PDU type {header[2]}")
    reader = Reader(octets, _LAYER, little_endian=bool(header[4] & 0x10))
    reader.skip(HEADER_LENGTH_OCTETS)
    problems = FirstProblem()
    flags = problems.attempt(reader.u16)
    count = problems.attempt(reader.u16) or 0
    commands: list[Command] = []
    try:
        if count > MAXIMUM_COMMANDS:
            raise Malformed(_LAYER, HEADER_LENGTH_OCTETS + 2, f"{count} commands")
        for _ in range(count):
            commands.append(_command(reader))
    except ParseError as error:
        problems.note(error)
    return RtsPdu(flags, tuple(commands), problem=problems.error)


def _command(reader: Reader) -> Command:
    at = reader.offset
    command_type = CommandType(reader.u32())
    if command_type not in _READERS:
        raise Malformed(_LAYER, at, f"command type {int(command_type)}")
    return Command(command_type, _READERS[command_type](reader))


def _nothing(_reader: Reader) -> None:
    return None


def _cookie(reader: Reader) -> str:
    return guid_text(bytes(reader.take(16)), little_endian=reader.little_endian)


def _flow_control_ack(reader: Reader) -> FlowControlAck:
    return FlowControlAck(reader.u32(), reader.u32(), _cookie(reader))


def _padding(reader: Reader) -> int:
    count = reader.u32()
    reader.skip(count)
    return count


def _client_address(reader: Reader) -> str:
    at, kind = reader.offset, reader.u32()
    if kind not in (_IPV4, _IPV6):
        raise Malformed(_LAYER, at, f"address type {kind}")
    address = ip_address(bytes(reader.take(4 if kind == _IPV4 else 16)))
    reader.skip(_ADDRESS_PADDING_OCTETS)
    return str(address)


# [MS-RPCH] 2.2.3.5.1 to 2.2.3.5.15
_READERS: dict[int, Callable[[Reader], int | str | FlowControlAck | None]] = {
    CommandType.RECEIVE_WINDOW_SIZE: Reader.u32,
    CommandType.FLOW_CONTROL_ACK: _flow_control_ack,
    CommandType.CONNECTION_TIMEOUT: Reader.u32,
    CommandType.COOKIE: _cookie,
    CommandType.CHANNEL_LIFETIME: Reader.u32,
    CommandType.CLIENT_KEEPALIVE: Reader.u32,
    CommandType.VERSION: Reader.u32,
    CommandType.EMPTY: _nothing,
    CommandType.PADDING: _padding,
    CommandType.NEGATIVE_ANCE: _nothing,
    CommandType.ANCE: _nothing,
    CommandType.CLIENT_ADDRESS: _client_address,
    CommandType.ASSOCIATION_GROUP_ID: _cookie,
    CommandType.DESTINATION: Reader.u32,
    CommandType.PING_TRAFFIC_SENT_NOTIFY: Reader.u32,
}
