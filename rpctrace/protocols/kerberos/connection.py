"""One TCP connection to a KDC or a password server: octets of both directions -> exchanges.

Who is the client is told by the kinds of messages, not by who opened the connection.
"""

from __future__ import annotations

from collections.abc import Sequence

from rpctrace.errors import ParseError
from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.kerberos.exchange import AFTER_THE_END, KdcExchange, KdcOutcome, Pairing, parse_exchanged
from rpctrace.protocols.kerberos.framing import FramedMessage, MessageFramer
from rpctrace.protocols.kerberos.kdc_messages import KdcRep, KdcReq
from rpctrace.protocols.kerberos.kpasswd import KpasswdRep, KpasswdReq
from rpctrace.protocols.kerberos.messages import KrbError
from rpctrace.stream.stream import Chunk, Direction, Gap

_NOTHING: Sequence[KdcExchange] = ()


class KdcConnection:
    """A `Dissector` of Kerberos over TCP. `limits` counts the bounds reached.

    A request without a reply is given at the end: unanswered where octets of the other direction, or `seen`, prove that
    it could be heard and none of them are missing, else not captured.
    """

    __slots__ = ("_ended", "_framers", "_heard", "_pairing", "_problems", "limits")

    def __init__(self, problems: Problems, *, joined_late: bool) -> None:
        self._problems = problems
        self.limits: dict[str, int] = {}
        self._framers = (
            MessageFramer(from_start=not joined_late, problems=problems),
            MessageFramer(from_start=not joined_late, problems=problems),
        )
        self._pairing = Pairing("kdc_tcp", self.limits)
        self._heard = [False, False]
        self._ended = [False, False]

    @property
    def is_other(self) -> bool:
        return all(framer.is_other_protocol for framer in self._framers)

    @property
    def recognised(self) -> bool:
        """Whether a message was met in either direction."""
        return any(framer.recognised for framer in self._framers)

    def feed(self, chunk: Chunk) -> Sequence[KdcExchange]:
        self._heard[chunk.direction] = True
        framed = self._framers[chunk.direction].feed(chunk)
        return self._framed(chunk.direction, framed) if framed else _NOTHING

    def gap(self, gap: Gap) -> Sequence[KdcExchange]:
        told = self._framed(gap.direction, self._framers[gap.direction].gap(gap))
        for request in self._pairing.open:
            if request.direction != gap.direction:
                request.reply_may_be_lost = True
        return told

    def seen(self, direction: Direction) -> None:
        """A segment without octets went by in `direction`: it is being captured."""
        self._heard[direction] = True

    def end(self, direction: Direction) -> Sequence[KdcExchange]:
        """Requests stay open until the direction of their replies ends, or both do."""
        told = list(self._framed(direction, self._framers[direction].close()))
        self._ended[direction] = True
        waiting: list[KdcExchange] = []
        for request in [each for each in self._pairing.open if self._ended[0 if each.direction else 1]]:
            self._pairing.open.remove(request)
            heard = self._heard[0 if request.direction else 1] and not request.reply_may_be_lost
            outcome = KdcOutcome.UNANSWERED if heard else KdcOutcome.NOT_CAPTURED
            waiting.append(self._pairing.finished(request, outcome))
        return [*told, *waiting]

    def skippable(self, direction: Direction) -> int:  # noqa: ARG002 - every octet is looked at
        return 0

    def _framed(self, direction: Direction, framed: Sequence[FramedMessage]) -> Sequence[KdcExchange]:
        told: list[KdcExchange] = []
        for each in framed:
            try:
                message = parse_exchanged(each.octets)
            except ParseError as error:
                if each.complete:
                    self._problems.add(error, each.provenance.frame)
                continue
            if message.problem is not None and each.complete:  # of a message that a gap cut it is no fault
                self._problems.add(message.problem, each.provenance.frame)
            if isinstance(message, KdcReq | KpasswdReq):
                notes = (AFTER_THE_END,) if self._ended[0 if direction else 1] else ()
                told += self._pairing.request(message, direction, each.provenance, *notes)
            elif isinstance(message, KdcRep | KrbError | KpasswdRep):
                told.append(self._pairing.reply(message, direction, each.provenance))
        return told
