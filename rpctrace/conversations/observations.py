"""What conversations tell: calls, exchanges and events, each with the conversation in which it was seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rpctrace.named_tuple import NamedTuple
from rpctrace.network.flow import Endpoint
from rpctrace.protocols.dcerpc.call import Call
from rpctrace.protocols.dcerpc.pdu import Pdu
from rpctrace.protocols.dissector import Channel, Provenance
from rpctrace.protocols.gssapi.exchange import AuthenticationExchange
from rpctrace.protocols.kerberos.exchange import KdcExchange
from rpctrace.protocols.smb.notice import SessionFacts, SmbNotice
from rpctrace.record import state
from rpctrace.stream.stream import Connection, Direction, Incident

if TYPE_CHECKING:
    from rpctrace.protocols.interfaces.registry import StubValue


@state
class ConversationFacts:
    """What is known of one RPC conversation: a TCP connection, a channel inside one, the datagrams between two ends.
    It grows while it is read. `number` is given by `number_by_frame`."""

    connection: Connection
    first_frame: int
    last_frame: int
    first_ns: int | None
    last_ns: int | None
    joined_late: bool
    pdus: int = 0
    gaps: int = 0
    missing_octets: int = 0
    conflicts: int = 0
    calls: int = 0
    failed: int = 0
    ended: str | None = None
    client_direction: Direction = 0
    number: int = -1
    transport: str = "ncacn_ip_tcp"
    channel: Channel | None = None

    @property
    def client(self) -> Endpoint:
        return self.connection.client if self.client_direction == 0 else self.connection.server

    @property
    def server(self) -> Endpoint:
        return self.connection.server if self.client_direction == 0 else self.connection.client

    def see(self, frame_number: int | None, timestamp_ns: int | None) -> None:
        """One of its frames went by."""
        if frame_number is None:
            return
        if frame_number > self.last_frame:
            self.last_frame = frame_number
        elif frame_number < self.first_frame:
            self.first_frame = frame_number
        if timestamp_ns is not None:
            if self.last_ns is None or timestamp_ns > self.last_ns:
                self.last_ns = timestamp_ns
            if self.first_ns is None or timestamp_ns < self.first_ns:
                self.first_ns = timestamp_ns


def number_by_frame(facts: Iterable[ConversationFacts]) -> None:
    """Numbers conversations in the order in which the capture shows them."""
    for number, each in enumerate(sorted(facts, key=lambda each: (each.first_frame, each.client, each.server))):
        each.number = number


class ObservedCall(NamedTuple):
    """A call and the conversation in which it was made; over datagrams with its activity and sequence number. `said` is
    what its stub data says, for the interfaces that are read."""

    conversation: ConversationFacts
    call: Call
    activity: str | None = None
    sequence: int | None = None
    said: StubValue | None = None


class ObservedPdu(NamedTuple):
    """A PDU, for those who want each one (the Network Monitor view), with the interface its context id stands for."""

    conversation: ConversationFacts
    direction: Direction
    pdu: Pdu
    provenance: Provenance
    interface_uuid: str | None


class ObservedAuthentication(NamedTuple):
    """An authentication outside DCE/RPC; `connection` is the one that carried it."""

    connection: Connection
    authentication: AuthenticationExchange


class ObservedExchange(NamedTuple):
    """An exchange with a KDC or a password server, and its ends; `client` is the one that sent the request."""

    client: Endpoint
    server: Endpoint
    exchange: KdcExchange


class ObservedNotice(NamedTuple):
    """What SMB refused, or hides, on a connection."""

    connection: Connection
    notice: SmbNotice


class ObservedSession(NamedTuple):
    """What became known of a session of SMB besides its tokens."""

    connection: Connection
    facts: SessionFacts


class ObservedIncident(NamedTuple):
    """What a connection shows of a failure below its octets."""

    connection: Connection
    incident: Incident


Observation = (
    ObservedCall
    | ObservedPdu
    | ObservedAuthentication
    | ObservedExchange
    | ObservedNotice
    | ObservedSession
    | ObservedIncident
)
