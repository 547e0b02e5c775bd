"""How far the security context of a call had come: rules may blame a request only where its context was accepted.

A server proves that it took the client's token by an AP-REP, by the answer to an alter_context that carried the last
leg, by its own Netlogon token, or by answering a request of the context. An auth3 has no answer: whether the server
took it shows on the first request ([MS-RPCE] 3.3.1.5.2.1).
"""

from __future__ import annotations

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Call, EvidenceItem

PACKET, INTEGRITY, PRIVACY = 4, 5, 6  # [MS-RPCE] 2.2.1.1.8
_LAST_LEGS = frozenset(("AUTHENTICATE", "AP-REP"))
_PROOFS = {
    "AP-REP": "the server accepted the ticket with an AP-REP",
    "NL_AUTH_MESSAGE": "the server set up the Netlogon context",
}


class Acceptance(NamedTuple):
    """By which call the server showed that it had accepted the context, and how."""

    call: Call
    text: str


def acceptance(evidence: Evidence, call: Call) -> Acceptance | None:
    """What shows that the server had accepted the client in the security context of this call, before it."""
    for leg in evidence.context_legs(call):
        said = leg.auth
        if leg.id == call.id or said is None or said.kerberos_error is not None:
            continue
        if said.reply_token in _PROOFS:
            return Acceptance(leg, _PROOFS[said.reply_token])
        if leg.kind == "alter_context" and leg.outcome == "accepted" and said.token in _LAST_LEGS:
            return Acceptance(leg, f"the server answered the alter_context with the {said.token} by accepting it")
    worked = answered_before(evidence, call)
    return Acceptance(worked, "the server had answered a request of this security context") if worked else None


def answered_before(evidence: Evidence, call: Call) -> Call | None:
    """An earlier request of the same security context that got its response."""
    if call.auth is None:
        return None
    before = evidence.asked_at(call)
    for each in evidence.on_connection(call):
        if evidence.asked_at(each) >= before:
            return None
        same = each.auth is not None and each.auth.context_id == call.auth.context_id
        if same and each.kind == "request" and each.outcome == "answered":
            return each
    return None


def open_auth3(evidence: Evidence, call: Call) -> Call | None:
    """The auth3 with the client's last leg, where no request of the context had been answered since."""
    if call.kind != "request" or answered_before(evidence, call) is not None:
        return None
    legs = [leg for leg in evidence.context_legs(call) if leg.kind == "auth3" and leg.auth is not None]
    return next((leg for leg in reversed(legs) if leg.auth and leg.auth.token in _LAST_LEGS), None)


def first_leg(evidence: Evidence, call: Call) -> Call | None:
    """The bind or alter_context that began the security context of this call, if it is in the capture."""
    legs = evidence.context_legs(call)
    return legs[0] if legs and legs[0].id != call.id else None


def other_contexts(evidence: Evidence, call: Call) -> tuple[Call, ...]:
    """The first legs of the security contexts that the connection had before this call, each once."""
    before = evidence.asked_at(call)
    firsts: dict[int | None, Call] = {}
    for each in evidence.on_connection(call):
        if evidence.asked_at(each) >= before:
            break
        if each.auth is not None and each.kind != "request":
            firsts.setdefault(each.auth.context_id, each)
    return tuple(firsts.values())


def is_bare(call: Call) -> bool:
    """Whether a request came without a security trailer, although its connection has a security context."""
    return call.kind == "request" and any(note.startswith("no security trailer") for note in call.notes)


def is_ntlm(call: Call) -> bool:
    return call.auth is not None and call.auth.mechanism == "ntlm"


def shown(accepted: Acceptance) -> EvidenceItem:
    frames = accepted.call.reply_frames or accepted.call.request_frames
    return EvidenceItem(True, accepted.text, accepted.call.capture, frames[-1] if frames else None, None, 1.0)


def changed(evidence: Evidence, call: Call) -> str | None:
    """How the trailer of this call differs from the leg that began its security context, in words."""
    first, said = first_leg(evidence, call), call.auth
    if first is None or first.auth is None or said is None:
        return None
    if first.auth.auth_type != said.auth_type:
        return f"auth type {said.auth_type} after {first.auth.auth_type}"
    return f"auth level {said.level} after {first.auth.level}" if first.auth.level != said.level else None


def level_text(call: Call) -> str:
    """`level 2 RPC_C_AUTHN_LEVEL_CONNECT`, `no authentication`."""
    if call.auth is None:
        return "no authentication"
    return f"level {call.auth.level} {call.auth.level_name or ''}".rstrip()
