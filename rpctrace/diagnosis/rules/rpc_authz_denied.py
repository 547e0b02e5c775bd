"""rpc-authz-denied: the server knows who calls, and does not allow it.

What it means: the logon was good. The access check of the service, of DCOM (launch and activation, access) or of the
interface's own security callback denied the operation. Where nobody had logged on, the service denies it to strangers.
How we know: fault 5, or E_ACCESSDENIED in the answer of DCOM, on a security context that the server had accepted or in
a pipe of an accepted SMB session.
What would refute it: a level of authentication below what the service demands; a logon that was not judged yet.
How to tell it from its neighbours: ntlm-auth3-denied is the first request after an NTLM auth3; dcom-hardening is an
activation below packet integrity; authlevel-unsupported knows services that demand privacy.
How sure: 0.7: that the context was accepted is seen, that the reason is a permission is the ordinary case of fault 5;
the service may have reasons of its own (a transport that it does not allow for this operation).
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.accounts import user_text
from rpctrace.diagnosis.demands import PRIVACY_DEMANDED
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import E_ACCESSDENIED, Failure, FailureKind, is_activation
from rpctrace.diagnosis.ntlm import NtlmRecord
from rpctrace.diagnosis.observed import account_text, answer_frame, call_items, call_text, ntlm_text, ticket_text
from rpctrace.diagnosis.recovery import recovered, recovered_severity
from rpctrace.diagnosis.results import result_items
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found, required
from rpctrace.report import Authentication, Call, EvidenceItem, Host

_CALLBACK = frozenset((40,))  # extended error: security callback of the interface

CALLBACK = Clue(0.7, "an extended error record names the interface's security callback")
OTHERS_ALLOWED = Clue(0.3, "other operations of the interface were answered on the same connection")
LOG_GRANTED = Clue(0.3, "netlogon.log: the logon of this user succeeded")
DENIED_TO_ALL = Clue(0.2, "the same operation was denied on a context that was certainly accepted")
LOCAL_ACCOUNT = Clue(0.2, "the user is a local account of the server, whose administrator rights remote UAC takes away")
SESSION_UNKNOWN = Ceiling(
    0.6, "who is logged on to the pipe's session was not captured", "the beginning of the SMB connection"
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.kind == "request" and call.status == tokens.ACCESS_DENIED and call.outcome == "faulted":
            yield from _denied(evidence, failure, call_items(failure))
    for failure in evidence.of(FailureKind.RESULT):
        dcom = failure.call.dcom
        if dcom is not None and dcom.hresult is not None and dcom.hresult & 0xFFFFFFFF == E_ACCESSDENIED:
            yield from _denied(evidence, failure, result_items(failure))


def _denied(evidence: Evidence, failure: Failure, items: tuple[EvidenceItem, ...]) -> Iterator[Hypothesis]:
    call = failure.call
    if contexts.changed(evidence, call) or contexts.is_bare(call) or _is_too_low(call):
        return
    if contexts.is_ntlm(call) and contexts.open_auth3(evidence, call):
        yield from _unjudged(evidence, failure, items)
    elif call.auth is not None and (accepted := contexts.acceptance(evidence, call)) is not None:
        yield _hypothesis(evidence, failure, _who(call), (contexts.shown(accepted), *items))
    elif call.auth is None and call.pipe is not None:
        session = _session(evidence, call)
        ceilings = () if session is not None else (SESSION_UNKNOWN,)
        shown = (_session_item(session),) if session is not None else ()
        yield _hypothesis(evidence, failure, "whoever is logged on to the pipe's session", (*shown, *items), ceilings)
    elif call.auth is None and not contexts.other_contexts(evidence, call):
        yield _hypothesis(
            evidence, failure, "who did not log on", items,
            title="The service denies the operation to a client that did not log on",
        )  # fmt: skip


def _unjudged(evidence: Evidence, failure: Failure, items: tuple[EvidenceItem, ...]) -> Iterator[Hypothesis]:
    """Whether the logon was good is open; it matters no more where everybody is denied the same."""
    call = failure.call
    other = evidence.once(NtlmRecord).denied_to_others(call)
    if other is None or not other.reply_frames:
        return
    clue = DENIED_TO_ALL.seen(f"{call_text(other)} was denied there too", other.capture, answer_frame(other))
    yield _hypothesis(evidence, failure, f"the client{ntlm_text(call)}, as to others", items, clues=(clue,))


def _is_too_low(call: Call) -> bool:
    """Activations below integrity and services that demand privacy have rules of their own."""
    level = call.auth.level if call.auth is not None else 1
    demanding = any(each.uuid in PRIVACY_DEMANDED for each in call.interfaces) and level < contexts.PRIVACY
    return demanding or (
        call.auth is not None and is_activation(call) and level < contexts.INTEGRITY
    )


def _session(evidence: Evidence, call: Call) -> Authentication | None:
    before = evidence.asked_at(call)
    sessions = [each for each in evidence.successes.sessions(call) if each.outcome == "accepted"]
    return next((each for each in reversed(sessions) if evidence.asked_at(each) < before), None)


def _session_item(session: Authentication) -> EvidenceItem:
    who = ticket_text(session.ticket) if session.ticket else (session.ntlm.user or "nobody") if session.ntlm else "?"
    text = f"the SMB session was accepted ({session.mechanism}, {who})"
    return required(text, session.capture, session.reply_frame)


def _who(call: Call) -> str:
    return f"the client{ntlm_text(call)}, whom it had accepted"


def _hypothesis(
    evidence: Evidence,
    failure: Failure,
    who: str,
    items: tuple[EvidenceItem, ...],
    ceilings: tuple[Ceiling, ...] = (),
    clues: tuple[EvidenceItem, ...] = (),
    title: str | None = None,
) -> Hypothesis:
    call = failure.call
    later = recovered(evidence, call)
    return Hypothesis(
        failure,
        f"{call.server.address} denies the {call_text(call)} of {call.client.address} to {who}",
        (*items, *later),
        found(*clues, *_clues(evidence, call)),
        ceilings,
        ("the server's Security log and the log of the service at this time",),
        title=title,
        severity=recovered_severity(later),
        next_steps=_ACTIVATION_STEPS if is_activation(call) else None,
    )


def _clues(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    if tokens.extended_status(call, _CALLBACK) is not None:
        yield CALLBACK.seen("extended error record at detection location 40", call.capture, answer_frame(call))
    other = next(
        (each for each in evidence.on_connection(call) if each.kind == "request" and each.outcome == "answered"
         and each.opnum != call.opnum and each.interfaces[:1] == call.interfaces[:1]), None,
    )  # fmt: skip
    if other is not None and other.reply_frames:
        yield OTHERS_ALLOWED.seen(f"{call_text(other)} was answered", other.capture, answer_frame(other))
    granted = next((entry for entry in evidence.log_results(call) if entry.status == 0), None)
    if granted is not None:
        yield LOG_GRANTED.seen(f"{granted.kind} logon of {user_text(granted)}: 0x0", entry=granted)
    said = call.auth.ntlm if call.auth else None
    if said is not None and said.user and said.domain and _is_of(call.server, said.domain):
        yield LOCAL_ACCOUNT.seen(account_text(said), call.capture)


def _is_of(server: Host, domain: str) -> bool:
    """Whether the domain of a user is the server itself, by the server's name."""
    return (server.name or "").split(".")[0].casefold() == domain.casefold()


_ACTIVATION_STEPS = (
    "Look for event 10016 of DistributedCOM in the server's System log: it names class, user and permission.",
    "Grant it in dcomcnfg: the application, Properties, Security, Launch and Activation Permissions.",
    "For WMI: wmimgmt.msc, Properties, Security, the name space, Remote Enable.",
)
RULE = Rule(
    name="rpc-authz-denied",
    title="The server knows the client and denies the operation",
    documentation=__doc__,
    severity="medium",
    base=0.7,
    requires=(
        "a fault 5 to a request, or E_ACCESSDENIED (0x80070005) in an answer of DCOM",
        "a security context or SMB session that the server had accepted, or no authentication at all",
    ),
    find=find,
    clues=(CALLBACK, OTHERS_ALLOWED, LOG_GRANTED, DENIED_TO_ALL, LOCAL_ACCOUNT),
    ceilings=(SESSION_UNKNOWN,),
    next_steps=(
        "Check what the service demands of its callers: membership of Administrators, a group of its own "
        '("Offer Remote Assistance Helpers"), a user right.',
        "Check RestrictRemoteClients and the interface's restrictions: Group Policy, System, Remote Procedure Call.",
        "For a local account of the server: LocalAccountTokenFilterPolicy (remote UAC).",
    ),
    references=("[MS-RPCE] 3.3.1.5.2.1", "[MS-DCOM] 3.1.2.5.2.3", "[MS-ERREF] 2.2 (0x00000005)"),
)
