"""first-leg-rejected: the server's security package refused the first token of a connection, so the bind failed.

What it means: the same causes that give fault 0x721 on an alter_context give a bind_nak on the bind ([MS-RPCE]
3.3.1.5.2.1): a ticket for another account, clocks, a damaged token, a package that is not set up. Windows says reason
9, which the specification calls invalid checksum; Samba says 0, no reason.
How we know: the bind carried a token, and the bind_nak's reason is 9 or 0. The reason alone says little: 0 without a
token, or to a second bind, is a matter of the protocol.
What would refute it: another reason (8 authentication type, 4 version, 1 congestion, 2 limit), an authentication level
that does not exist.
How to tell it from its neighbours: ap-modified is the commonest cause, and names the ticket; u2u-no-tgt is a refused
TGT-REQ; authtype-unknown is reason 8.
How sure: that the token was refused is nearly certain with reason 9 and likely with 0; the base says so, by judgement.
Why is left to the rules about the ticket.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_frame, answer_text, call_items, call_text, host_text, ticket_text
from rpctrace.diagnosis.refusals import refused_token
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import Call, EvidenceItem

_INVALID_CHECKSUM = 9  # [MS-RPCE] 2.2.2.5
MISSING = "the error of the server's security package: its System log, or extended error records of RPC"
_OF_OTHER_RULES = frozenset((None, "TGT-REQ", "unknown"))

REASON_9 = Clue(0.4, "reason 9, which Windows gives where the security package failed")
EXTENDED = Clue(0.5, "an extended error record says that a first token was refused")
AP_REQ = Clue(0.1, "the token is an AP-REQ: a ticket to judge")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        token = call.auth.token if call.auth is not None else None
        if call.kind != "bind" or token in _OF_OTHER_RULES or not refused_token(call):
            continue
        said = _package_error(call)
        with_ticket = f" with a ticket for {ticket_text(call.ticket)}" if call.ticket is not None else ""
        yield Hypothesis(
            failure,
            f"{host_text(call.server)} refused the first token ({token}) of {host_text(call.client)} in the"
            f" {call_text(call)}{with_ticket}: {answer_text(call)}{f' ({said})' if said else ''}",
            call_items(failure),
            found(*_clues(call)),
            missing=() if said else (MISSING,),
            severity="low" if evidence.tickets.accepted_later(failure.calls[-1]) else None,
        )


def _package_error(call: Call) -> str | None:
    """What the extended error records say of a first token: the status of the innermost, the security package's own."""
    if not tokens.extended_status(call, tokens.LOCATIONS_OF_ACCEPTANCE):
        return None
    innermost = (call.extended_error or ())[-1]
    return f"extended error {innermost.status_hex} {innermost.status_name or ''}".rstrip()


def _clues(call: Call) -> Iterator[EvidenceItem | None]:
    frame = answer_frame(call)
    if call.reject_reason == _INVALID_CHECKSUM:
        yield REASON_9.seen("bind_nak 9", call.capture, frame)
    said = _package_error(call)
    if said is not None:
        yield EXTENDED.seen(said, call.capture, frame)
    if call.auth is not None and call.auth.token == "AP-REQ":
        yield AP_REQ.seen("AP-REQ in the bind", call.capture, next(iter(call.request_frames), None))


RULE = Rule(
    name="first-leg-rejected",
    title="The server's security package refused the first token of the connection",
    documentation=__doc__,
    severity="medium",
    base=0.6,
    requires=("a bind with a token", "a bind_nak of reason 9 or 0, or a fault 0x721 or 5, in answer to it"),
    find=find,
    clues=(REASON_9, EXTENDED, AP_REQ),
    next_steps=(
        "Read the System and Security logs of the server at that time (sources Security-Kerberos, LsaSrv, NTLM).",
        "Compare the ticket's name with the account that the server process runs as: setspn -Q <service/host>.",
        "Compare the clocks of client and server: w32tm /stripchart /computer:<server>.",
    ),
    references=("[MS-RPCE] 3.3.1.5.2.1", "[MS-RPCE] 2.2.2.5", "C706 12.6.4.5"),
)
