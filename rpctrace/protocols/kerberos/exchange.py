"""Requests to a KDC and their replies -> exchanges.

A reply answers the oldest open request of the other side that it can answer: an AS-REP an AS-REQ, a TGS-REP a TGS-REQ,
a KRB-ERROR any; of several, the oldest one that named the same service. `Pairing` holds what is open between two ends,
on a connection or over UDP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from enum import StrEnum

from rpctrace.encoding.reader import Octets
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.kerberos.elements import MessageType, PrincipalName
from rpctrace.protocols.kerberos.framing import LEAST_MESSAGE_OCTETS, kdc_length
from rpctrace.protocols.kerberos.kdc_messages import AnyMessage, KdcRep, KdcReq, parse_any_message
from rpctrace.protocols.kerberos.kpasswd import KpasswdRep, KpasswdReq, ResultCode, kpasswd_length, parse_kpasswd
from rpctrace.protocols.kerberos.messages import KrbError
from rpctrace.record import state
from rpctrace.stream.stream import Direction

MAXIMUM_OPEN_REQUESTS = 64  # between two ends; a client waits for each answer
MAXIMUM_COPIES = 64  # of one request; clients give up after a dozen
GIVEN_UP = "given up: too many open requests"
OTHER_SERVICE = "the reply names another service than the request"
AFTER_THE_END = "sent after the other side had closed the connection"
REPLY_IN_A_GAP = "octets of the other direction are missing behind the request"

TICKET_GRANTING_SERVICE = "krbtgt"  # RFC 4120 7.3

Request = KdcReq | KpasswdReq
Reply = KdcRep | KrbError | KpasswdRep


class KdcOutcome(StrEnum):
    """answered: a ticket, or an encrypted result; rejected: a KRB-ERROR, also one that only asks for more (25, 52);
    unanswered: the capture shows that the other side could be heard, and no reply; not_captured: it does not."""

    ANSWERED = "answered"
    REJECTED = "rejected"
    UNANSWERED = "unanswered"
    NOT_CAPTURED = "not_captured"


class KdcExchange(NamedTuple):
    """A request and its reply, either of which the capture may lack.

    `kind`: AS, TGS, KPASSWD, or None for a KRB-ERROR without its request. `carried_in`: kdc_tcp, kdc_udp. `copies`:
    where the same request was sent again before the reply. `client_direction`: the direction in which the request
    travelled; over UDP the exchange comes with its ends instead and this is 0.
    """

    kind: str | None
    carried_in: str
    request: Request | None
    reply: Reply | None
    request_seen: Provenance | None
    reply_seen: Provenance | None
    copies: tuple[Provenance, ...]
    outcome: KdcOutcome
    client_direction: Direction
    notes: tuple[str, ...]


@state
class OpenRequest:
    """`digest` tells a copy of the same datagram; `reply_may_be_lost` once octets of the other side were missed."""

    kind: str | None
    message: Request
    direction: Direction
    seen: Provenance
    digest: bytes = b""
    copies: list[Provenance] = field(default_factory=list)
    reply_may_be_lost: bool = False
    notes: tuple[str, ...] = ()


class Pairing:
    """What is open between two ends. `limits` counts the bounds reached, and is shared with who made it."""

    __slots__ = ("_carried_in", "_limits", "open")

    def __init__(self, carried_in: str, limits: dict[str, int]) -> None:
        self._carried_in = carried_in
        self._limits = limits
        self.open: list[OpenRequest] = []

    def request(
        self, message: Request, direction: Direction, seen: Provenance, *notes: str, digest: bytes = b""
    ) -> Sequence[KdcExchange]:
        """A request was sent: those before it whose reply a gap took get none any more."""
        lost = [each for each in self.open if each.reply_may_be_lost]
        told = [self.finished(each, KdcOutcome.NOT_CAPTURED, REPLY_IN_A_GAP) for each in lost]
        self.open = [each for each in self.open if not each.reply_may_be_lost]
        if len(self.open) == MAXIMUM_OPEN_REQUESTS:
            self._limits["open_requests"] = self._limits.get("open_requests", 0) + 1
            told.append(self.finished(self.open.pop(0), KdcOutcome.NOT_CAPTURED, GIVEN_UP))
        self.open.append(OpenRequest(kind_of(message), message, direction, seen, digest, notes=notes))
        return told

    def copy_of(self, digest: bytes, direction: Direction) -> OpenRequest | None:
        """The open request that was sent with the same octets in the same direction."""
        same = (each for each in self.open if each.digest == digest and each.direction == direction)
        return next(same, None)

    def copied(self, request: OpenRequest, seen: Provenance) -> None:
        if len(request.copies) < MAXIMUM_COPIES:
            request.copies.append(seen)
        else:
            self._limits["request_copies"] = self._limits.get("request_copies", 0) + 1

    def reply(self, message: Reply, direction: Direction, seen: Provenance) -> KdcExchange:
        """A reply was sent: the exchange that it ends, or one without a request."""
        outcome = outcome_of(message)
        possible = [each for each in self.open if each.direction != direction and answers(message, each.kind)]
        if not possible:
            client: Direction = 0 if direction else 1
            return KdcExchange(
                kind_of(message), self._carried_in, None, message, None, seen, (), outcome, client, ()
            )
        request = next((each for each in possible if names_agree(each.message, message)), None)
        notes = () if request is not None else (OTHER_SERVICE,)
        request = request or possible[0]
        self.open.remove(request)
        return KdcExchange(
            request.kind, self._carried_in, request.message, message, request.seen, seen, tuple(request.copies),
            outcome, request.direction, (*request.notes, *notes),
        )  # fmt: skip

    def given_up(self) -> list[KdcExchange]:
        """Everything that is open, to make room for others."""
        return [self.finished(each, KdcOutcome.NOT_CAPTURED, GIVEN_UP) for each in self.open]

    def finished(self, request: OpenRequest, outcome: KdcOutcome, *notes: str) -> KdcExchange:
        """The exchange of a request that gets no reply any more."""
        return KdcExchange(
            request.kind, self._carried_in, request.message, None, request.seen, None, tuple(request.copies),
            outcome, request.direction, (*request.notes, *notes),
        )  # fmt: skip


def parse_exchanged(octets: Octets) -> AnyMessage | KpasswdReq | KpasswdRep:
    """What a KDC or a password server says or is told -> value. Raises `ParseError` where its kind cannot be told."""
    if len(octets) >= LEAST_MESSAGE_OCTETS and kdc_length(octets) is None and kpasswd_length(octets) is not None:
        return parse_kpasswd(octets)
    return parse_any_message(octets)


def kind_of(message: Request | Reply) -> str | None:
    """AS, TGS or KPASSWD; None where the message does not tell."""
    if isinstance(message, KpasswdReq | KpasswdRep):
        return "KPASSWD"
    return _KINDS.get(message.message_type)


def answers(reply: Reply, kind: str | None) -> bool:
    """Whether such a reply can answer a request of this kind."""
    replied = kind_of(reply)
    return replied is None or replied == kind


def outcome_of(reply: Reply) -> KdcOutcome:
    if isinstance(reply, KpasswdRep):
        failed = reply.error is not None and reply.result_code != ResultCode.SUCCESS
        return KdcOutcome.REJECTED if failed else KdcOutcome.ANSWERED
    return KdcOutcome.REJECTED if isinstance(reply, KrbError) else KdcOutcome.ANSWERED


def names_agree(request: Request, reply: Reply) -> bool:
    """Whether the service of a reply is the one asked for, as far as both can be read.

    A TGS-REQ may be referred to another realm, in an error too (52: the referral is too large for UDP), so there
    krbtgt/OTHER agrees with any name; and with every krbtgt, since Windows asks for a realm by its NetBIOS name.
    """
    if not isinstance(request, KdcReq) or isinstance(reply, KpasswdRep):
        return True
    named = reply.sname if isinstance(reply, KrbError) else reply.ticket.sname if reply.ticket is not None else None
    if named is None or request.sname is None:
        return True
    may_be_referred = request.message_type == MessageType.TGS_REQ or granted_realm(request.sname) is not None
    if may_be_referred and granted_realm(named) is not None:
        return True
    # A name without components is one that could not be read, or that a KDC left empty.
    return not (named.components and request.sname.components) or _folded(named) == _folded(request.sname)


class ExchangeNames(NamedTuple):
    """`realm` of the KDC that was asked, the client, and the service asked for."""

    realm: str | None
    cname: PrincipalName | None
    sname: PrincipalName | None


def error_of(reply: Reply | None) -> KrbError | None:
    """The KRB-ERROR that a reply is, or that a password server wraps (RFC 3244 2)."""
    if isinstance(reply, KpasswdRep):
        return reply.error
    return reply if isinstance(reply, KrbError) else None


def names_of(exchange: KdcExchange) -> ExchangeNames:
    """What the request asks for, and where it does not say what the reply names; in a password change the ticket
    presented. The client is first what the reply calls it: a TGS-REQ holds no name, an AS-REQ perhaps an alias."""
    request, reply = exchange.request, exchange.reply
    asked = request if isinstance(request, KdcReq) else None
    granted = reply if isinstance(reply, KdcRep) else None
    error = error_of(reply)
    ap_req = request.ap_req if isinstance(request, KpasswdReq) else None
    services = (asked, error, granted.ticket if granted else None, ap_req.ticket if ap_req else None)
    clients = (each.cname for each in (granted, asked, error) if each is not None)
    return ExchangeNames(
        next((each.realm for each in services if each is not None and each.realm is not None), None),
        next((name for name in clients if name is not None and name.components), None),
        next((each.sname for each in services if each is not None and each.sname is not None), None),
    )


def granted_realm(name: PrincipalName | None) -> str | None:
    """OTHER of krbtgt/OTHER (RFC 4120 7.3), None for every other name."""
    if name is None or len(name.components) != 2 or name.components[0].casefold() != TICKET_GRANTING_SERVICE:
        return None
    return name.components[1]


def _folded(name: PrincipalName) -> str:
    """Windows compares names without regard to case."""
    return str(name).casefold()


_KINDS: dict[int, str] = {
    MessageType.AS_REQ: "AS",
    MessageType.AS_REP: "AS",
    MessageType.TGS_REQ: "TGS",
    MessageType.TGS_REP: "TGS",
}
