"""third-leg-refused: the server had accepted the ticket, and then refused the client's last token.

What it means: in DCE style the client proves itself once more: it answers the server's AP-REP with an AP-REP of its own
([MS-KILE] 3.4.5.1). The server had decrypted ticket and authenticator by then, so the service key, the name, the clocks
and the PAC are in order. What fails is the third leg itself: the session or subkey, the sequence number, the check over
the list of mechanisms, or octets changed on the way.
How we know: the token of the alter_context is an AP-REP, the answer to it is a fault, and an AP-REP of the server in
the same security context came before.
What would refute it: a server that had not answered with an AP-REP.
How to tell it from its neighbours: ap-modified, skew-ap and the PAC rules are refusals of the AP-REQ, before any AP-REP
of the server; a signature refused on a request comes after the third leg. A third leg that travels in an auth3 has no
answer of its own: its refusal meets the first request.
How sure: the order of the PDUs says so; the one capture of the lab that was recorded for it shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_frame, answer_text, call_items, call_text, host_text, ticket_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import Call, EvidenceItem

SERVER_ACCEPTED = Clue(0.5, "the server had answered the ticket of this security context with its AP-REP")
HEADER_SIGNING = Clue(0.2, "client and server do not agree whether headers are signed")
NOT_ACCEPTED = Clue(0.6, "no AP-REP of the server was captured before it", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.kind != "alter_context" or not tokens.is_third_leg(call) or call.status not in tokens.REFUSALS:
            continue
        recovered = evidence.tickets.accepted_later(failure.calls[-1])
        yield Hypothesis(
            failure,
            f"{host_text(call.server)} had accepted the ticket for {ticket_text(call.ticket)}, and answered the third"
            f" leg of {host_text(call.client)} in the {call_text(call)} with {answer_text(call)}",
            call_items(failure),
            found(*_clues(evidence, call)),
            severity="low" if recovered else None,
        )


def _clues(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    legs = [leg for leg in evidence.context_legs(call) if leg.id != call.id]
    accepting = next((leg for leg in legs if leg.auth is not None and leg.auth.reply_token == "AP-REP"), None)
    if accepting is None:
        yield NOT_ACCEPTED.seen("the capture has no AP-REP of the server in this security context", call.capture)
    else:
        frame = answer_frame(accepting)
        yield SERVER_ACCEPTED.seen(f"AP-REP in the answer to the {accepting.kind}", accepting.capture, frame)
        if accepting.header_signing is not None and call.header_signing not in (None, accepting.header_signing):
            text = f"header signing: {accepting.header_signing} in the {accepting.kind}, {call.header_signing} here"
            yield HEADER_SIGNING.seen(text, call.capture, next(iter(call.request_frames), None))


RULE = Rule(
    name="third-leg-refused",
    title="The client's third leg was refused; the ticket itself had been accepted",
    documentation=__doc__,
    severity="medium",
    base=0.8,
    requires=("a fault 0x721 or 5 that answers an alter_context with the client's AP-REP",),
    find=find,
    clues=(SERVER_ACCEPTED, HEADER_SIGNING, NOT_ACCEPTED),
    next_steps=(
        "Capture on both ends and compare the octets of the alter_context: rpctrace CLIENT.pcap SERVER.pcap.",
        "Look for devices on the way that rewrite payload: WAN accelerators, RPC-aware firewalls, proxies.",
        "A client that is not Windows: does it use DCE style (GSS_C_DCE_STYLE) and mutual authentication?",
    ),
    references=("[MS-KILE] 3.4.5.1", "[MS-RPCE] 3.3.1.5.2.1", "RFC 4120 3.2.4"),
)
