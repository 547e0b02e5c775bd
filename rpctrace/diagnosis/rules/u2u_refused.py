"""u2u-refused: a user-to-user ticket was refused, perhaps because the server no longer holds the key it is sealed in.

What it means: a user-to-user ticket is sealed in the session key of the server's ticket-granting ticket (RFC 4120 3.7).
Its server can read it only as long as the logon session that it runs in holds that very ticket. A client that uses a
ticket from its cache after the server's user logged on again, or shows one to a server that never handed out a
ticket-granting ticket, is refused although nothing is wrong with either account.
How we know: use-session-key is clear text in the AP-REQ, and so are the tokens before it: no TGT-REP on the connection,
or a ticket that was not got right after it.
What would refute it: a ticket that the KDC issued after the TGT-REP of this very handshake, whose key the server holds;
an acceptance of the same ticket.
How to tell it from its neighbours: pac-xforest-u2u needs a ticket of another realm, and asks a domain controller.
How sure: a judgement and no more than a hypothesis, except where no ticket-granting ticket was handed out at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import pac, tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import accepted_text, host_text, ticket_text
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found
from rpctrace.report import Call, EvidenceItem

NONE_HANDED_OUT = Clue(0.45, "the whole connection was captured, and the server handed out no ticket-granting ticket")
FROM_CACHE = Clue(0.1, "the ticket was issued before the capture, or before this handshake")
FRESH = Clue(1.0, "the KDC issued the ticket after the server's TGT-REP of this handshake", against=True)
LOGON_BETWEEN = Clue(1.0, "the server asked its domain controller meanwhile: it had read the ticket", against=True)
ACCEPTED = Clue(1.0, "the same server accepted the same ticket", against=True)

KEY_NOT_SEEN = Ceiling(
    0.45,
    "which ticket-granting ticket the server holds is not on the wire",
    "klist tgt in the session of the server's user: was the ticket issued before the refused one?",
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for refusal in pac.candidates(evidence):
        call, ticket = refusal.call, refusal.ticket
        if call is None or ticket is None or not tokens.is_user_to_user(call, evidence):
            continue
        told = _tgt_reply(evidence, call)
        alone = told is None and _seen_from_the_start(evidence, call)
        yield Hypothesis(
            refusal.failure,
            f"{host_text(call.server)} refused the user-to-user ticket for {ticket_text(ticket)} of"
            f" {host_text(call.client)} in the {refusal.where}; it may be sealed in a session key that the server does"
            " not hold",
            refusal.items,
            found(*_clues(evidence, call, told, alone=alone)),
            () if alone else (KEY_NOT_SEEN,),
            severity="low" if refusal.recovered else None,
        )


def _tgt_reply(evidence: Evidence, call: Call) -> Call | None:
    """The leg of this security context in which the server handed out its ticket-granting ticket."""
    legs = evidence.context_legs(call)
    return next((leg for leg in legs if leg.auth is not None and leg.auth.reply_token == "TGT-REP"), None)


def _seen_from_the_start(evidence: Evidence, call: Call) -> bool:
    stream = evidence.streams.get(call.connection)
    return stream is not None and not stream.joined_late and not stream.gaps


def _clues(evidence: Evidence, call: Call, told: Call | None, *, alone: bool) -> Iterator[EvidenceItem | None]:
    use = evidence.tickets.accepted_same_ticket(call)
    if use is not None:
        yield ACCEPTED.seen(*accepted_text(use))
    logon = pac.asked_meanwhile(evidence, call)
    if logon is not None:
        text = f"{logon.operation or 'a logon request'} to {logon.server.address}"
        yield LOGON_BETWEEN.seen(text, logon.capture, next(iter(logon.request_frames), None))
    issuer, frame = evidence.issuer(call), call.ticket.frame if call.ticket is not None else None
    issued = evidence.answered_at(issuer) if issuer is not None else None
    handed = evidence.answered_at(told) if told is not None else None
    if alone:
        yield NONE_HANDED_OUT.seen("no TGT-REQ and no TGT-REP came before the AP-REQ", call.capture, frame)
    if issuer is not None and issued is not None and handed is not None and issued > handed:
        yield FRESH.seen("the ticket was issued after the TGT-REP", issuer.capture, issuer.reply_frame)
    else:
        yield FROM_CACHE.seen("the ticket was not issued within this handshake", call.capture, frame)


RULE = Rule(
    name="u2u-refused",
    title="User-to-user: the ticket may be sealed in a key that the server does not hold",
    documentation=__doc__,
    severity="medium",
    base=0.3,
    requires=("a fault 0x721 or 5, or a bind_nak, that answers a user-to-user AP-REQ",),
    find=find,
    clues=(NONE_HANDED_OUT, FROM_CACHE, FRESH, LOGON_BETWEEN, ACCEPTED),
    ceilings=(KEY_NOT_SEEN,),
    next_steps=(
        "On the client: klist purge, then try again: a new ticket is made with the server's present one.",
        "In the session of the server's user: klist tgt: when was the ticket-granting ticket issued?",
        "Does the server process run in the session of the user whom the ticket names?",
    ),
    references=("RFC 4120 3.7", "[MS-KILE] 3.2.5.8"),
)
