"""Which presented tickets a server refused without being able to read them, as far as the capture shows.

A ticket names whom its client meant. A server that takes it holds the key of that name, so it is that server; one that
refuses it may be another, which is often the very reason (RFC 4120 3.2.3).
"""

from __future__ import annotations

from collections.abc import Iterable

from rpctrace.report import Authentication, Call, KerberosExchange

# RFC 4120 3.2.3 gives these when the ticket has been decrypted: outside its time (32, 33), seen before (34), of another
# client (36) or address (38), clocks too far apart (37).
_READ_BY_THE_SERVER = frozenset((32, 33, 34, 36, 37, 38))

Presented = tuple[int, int]  # capture, frame in which a ticket was presented


def refused_tickets(
    holders: Iterable[Call | Authentication], exchanges: Iterable[KerberosExchange]
) -> frozenset[Presented]:
    """Where those were presented."""
    found: set[Presented] = set()
    for holder in holders:
        ticket = holder.ticket
        if ticket is not None and _refuses(holder, ticket.frame):
            found.add((holder.capture, ticket.frame))
    for exchange in exchanges:
        unread = exchange.error is not None and exchange.error not in _READ_BY_THE_SERVER
        if exchange.kind == "AP" and unread and exchange.request_frame is not None:
            found.add((exchange.capture, exchange.request_frame))
    return frozenset(found)


def _refuses(holder: Call | Authentication, frame: int) -> bool:
    """Whether the answer to what presented the ticket is a refusal; later calls of its security context say nothing."""
    said = holder if isinstance(holder, Authentication) else holder.auth
    presents = isinstance(holder, Authentication) or frame in holder.request_frames
    if said is None or not presents or said.reply_token == "AP-REP":
        return False
    return holder.outcome in ("rejected", "faulted") and said.kerberos_error not in _READ_BY_THE_SERVER
