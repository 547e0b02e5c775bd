"""ntlm-auth3-denied: the NTLM logon failed, and the first request says so.

What it means: the proof of the password went out in an auth3. The server must not answer an auth3; when the logon fails
it answers the first request of the security context with fault 5 (or 0x721). The request itself was not looked at.
How we know: an AUTHENTICATE in an auth3, then a refusal of a request of the same context, and no request of that
context that was answered before. What the domain controller said is in netlogon.log (`--netlogon`), and in the server's
Security log as event 4625.
What would refute it: a logon that netlogon.log reports as good (then the user may not do what he asked:
rpc-authz-denied), or the same refusal on a context that was certainly accepted.
How to tell it from its neighbours: a request on a context that had worked is rpc-authz-denied; missing NTLM flags point
to ntlm-minsec-mismatch.
How sure: the specification says that a failed auth3 shows so, but a refusal of a good logon by the interface looks the
same on the wire: 0.6, which is judgement.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.accounts import user_text
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.logon_codes import LOGON_CODES, logon_text
from rpctrace.diagnosis.ntlm import NtlmRecord
from rpctrace.diagnosis.observed import answer_frame, answer_text, asked_frame, call_items, call_text, ntlm_text
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found, required
from rpctrace.report import Call, EvidenceItem, LogEntry

_LOGON_KINDS = frozenset(("Network", "Transitive Network", "SamLogon"))

LOG_REFUSED = Clue(0.9, "netlogon.log: the logon of this user failed")
EXTENDED = Clue(0.85, "an extended error record says that the logon was denied")
LOGON_BETWEEN = Clue(0.25, "the server asked its domain controller between the auth3 and the refusal")
LOG_GRANTED = Clue(0.9, "netlogon.log: the logon of this user succeeded", against=True)
ANONYMOUS = Clue(0.6, "no user name was sent: nobody tried to log on", against=True)
USER_WORKS = Clue(0.5, "the same user got through with NTLM on the same server", against=True)
SAME_REFUSED = Clue(
    0.7, "the same operation was refused in the same way on a context that was certainly accepted", against=True
)
NO_LOG = Ceiling(
    0.8,
    "the result of the logon stands only in logs",
    "event 4625 in the server's Security log, or netlogon.log of its domain controller (--netlogon)",
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.outcome != "faulted" or call.status not in tokens.REFUSALS or not contexts.is_ntlm(call):
            continue
        leg = contexts.open_auth3(evidence, call)
        if leg is None or contexts.changed(evidence, call):
            continue
        yield _hypothesis(evidence, failure, leg, _log_clue(evidence, call), evidence.once(NtlmRecord))


def _hypothesis(
    evidence: Evidence, failure: Failure, leg: Call, log: tuple[LogEntry, EvidenceItem] | None, record: NtlmRecord
) -> Hypothesis:
    call = failure.call
    extended = tokens.extended_status(call, tokens.LOCATIONS_OF_ACCEPTANCE)
    status = log[0].status if log is not None else None
    why = f": {logon_text(status, log[0].status_name)}" if log is not None and status else ""
    code = LOGON_CODES.get(status) if status else None
    item = required(f"auth3 with the AUTHENTICATE{ntlm_text(call)}", leg.capture, asked_frame(leg))
    return Hypothesis(
        failure,
        f"The NTLM logon{ntlm_text(call)} of {call.client.address} at {call.server.address} failed{why}; its refusal"
        f" shows as {answer_text(call)} on the first request ({call_text(call)})",
        (item, *call_items(failure)),
        found(log[1] if log else None, *_clues(evidence, call, leg, extended, record)),
        () if log is not None or extended is not None else (NO_LOG,),
        next_steps=(code.step, *RULE.next_steps) if code is not None else None,
    )


def _log_clue(evidence: Evidence, call: Call) -> tuple[LogEntry, EvidenceItem] | None:
    for entry in evidence.log_results(call):
        if entry.kind in _LOGON_KINDS and entry.status is not None:
            clue = LOG_REFUSED if entry.status else LOG_GRANTED
            text = f"{entry.kind} logon of {user_text(entry)}: {logon_text(entry.status, entry.status_name)}"
            return entry, clue.seen(text, entry=entry)
    return None


def _clues(
    evidence: Evidence, call: Call, leg: Call, extended: int | None, record: NtlmRecord
) -> Iterator[EvidenceItem | None]:
    frame = answer_frame(call)
    if extended is not None:
        yield EXTENDED.seen(f"extended error 0x{extended:08x}", call.capture, frame)
    logon = next(iter(evidence.logons_between(call.server.address, call)), None)
    logon = logon or next(iter(evidence.logons_between(call.server.address, leg)), None)
    if logon is not None and logon.request_frames:
        text = f"{logon.operation or 'a logon request'} to {logon.server.address}"
        yield LOGON_BETWEEN.seen(text, logon.capture, asked_frame(logon))
    said = call.auth.ntlm if call.auth else None
    if said is not None and said.authenticate_flags is not None and not said.user:
        yield ANONYMOUS.seen("the AUTHENTICATE names no user", leg.capture, asked_frame(leg))
    elif record.let_in(call):
        yield USER_WORKS.seen(f"the user{ntlm_text(call)} was accepted on {call.server.address}", call.capture)
    other = record.denied_to_others(call)
    if other is not None and other.reply_frames:
        text = f"{call_text(other)} was refused on an accepted context too"
        yield SAME_REFUSED.seen(text, other.capture, answer_frame(other))


RULE = Rule(
    name="ntlm-auth3-denied",
    title="The NTLM logon failed; the first request says so",
    documentation=__doc__,
    severity="medium",
    base=0.6,
    requires=(
        "an auth3 with an NTLM AUTHENTICATE",
        "a fault 5 or 0x721 that answers a request of that context, none of which was answered before",
    ),
    find=find,
    clues=(
        LOG_REFUSED, EXTENDED, LOGON_BETWEEN, LOG_GRANTED, ANONYMOUS, USER_WORKS, SAME_REFUSED,
    ),
    ceilings=(NO_LOG,),
    next_steps=(
        "Look for event 4625 in the server's Security log at this time; its Status and Sub Status name the cause.",
        "Look for the logon in netlogon.log of the domain controller: rpctrace analyze --netlogon FILE.",
        "If the logon is good (event 4624), the user may not do what he asked: see rpctrace explain rpc-authz-denied.",
    ),
    references=("[MS-RPCE] 3.3.1.5.2.1", "[MS-NLMP] 1.3.1.1", "[MS-ERREF] 2.3.1"),
)  # fmt: skip
