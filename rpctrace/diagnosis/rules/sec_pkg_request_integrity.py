"""sec-pkg-request-integrity: the server could not verify the signature of a request, or decrypt it.

What it means: the logon was good, the server had accepted the security context. Then a message of that context did not
verify: it was changed on the way, it was protected with another key, or client and server do not agree on what is
protected (signing of the PDU header, an option of the context). A request that comes without the protection that its
connection was authenticated for is the simplest case of it.
How we know: the fault 0x721 answers a request, and something before it shows that the context was accepted: an AP-REP,
an answered alter_context with the last leg, or an answered request.
What would refute it: an extended error record of another place than the verification of a message; a failed auth3,
which shows on the first request too.
How to tell it from its neighbours: a fault that answers a bind, alter_context or auth3 is about the token
(sec-pkg-unspecified, ap-modified); the first request after an auth3 of NTLM is ntlm-auth3-denied; a trailer with
another type or level than the context is auth-type-changed.
How sure: 0.7 where nothing is left open: in all five captures of the lab with such a fault it was so (a changed
verifier, header signing agreed on late, a context without integrity). Less while an auth3 is unjudged.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.observed import answer_frame, asked_frame, call_items, call_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found, required
from rpctrace.report import Call, EvidenceItem

_NTLM_SIGN = 0x10  # [MS-NLMP] 2.2.2.5 NTLMSSP_NEGOTIATE_SIGN
_DEFERRED = frozenset((131,))  # extended error: an earlier leg had failed, a later verification met it

VERIFYING = Clue(0.9, "an extended error record says that the verification of a message failed")
HEADER_SIGNING = Clue(0.5, "signing of the PDU header was agreed on by one leg of the context and not by another")
NO_INTEGRITY = Clue(0.6, "the flags of NTLM do not offer signatures, and the level demands them")
EARLIER_WORKED = Clue(0.3, "earlier requests of the same context were answered: it is about this message alone")
FIRST_PROTECTED = Clue(0.2, "it is the first protected request of the context: nothing shows that its keys agree")
LATE_LEG = Clue(0.2, "the client's last leg went out in an auth3, whose refusal would look the same", against=True)
DEFERRED_LEG = Clue(0.9, "an extended error record says that an earlier leg had failed", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.kind != "request" or call.outcome != "faulted":
            continue
        if contexts.is_bare(call):
            yield from _without_trailer(evidence, failure)
        elif call.status == tokens.SEC_PKG_ERROR and not _is_open_ntlm(evidence, call):
            accepted = contexts.acceptance(evidence, call)
            if accepted is not None and not contexts.changed(evidence, call):
                yield _hypothesis(evidence, failure, accepted)


def _is_open_ntlm(evidence: Evidence, call: Call) -> bool:
    return contexts.is_ntlm(call) and contexts.open_auth3(evidence, call) is not None


def _hypothesis(evidence: Evidence, failure: Failure, accepted: contexts.Acceptance) -> Hypothesis:
    call = failure.call
    return Hypothesis(
        failure,
        f"{call.server.address} had accepted the security context, but could not verify the {call_text(call)} of"
        f" {call.client.address}: its signature or encryption does not fit ({contexts.level_text(call)})",
        (contexts.shown(accepted), *call_items(failure)),
        found(*_clues(evidence, call)),
        missing=("extended error records of RPC, which name the security package's own error (off by default)",),
    )


def _clues(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    frame = answer_frame(call)
    if tokens.extended_status(call, tokens.LOCATIONS_OF_VERIFICATION) is not None:
        yield VERIFYING.seen("extended error record at detection location 130", call.capture, frame)
    if tokens.extended_status(call, _DEFERRED) is not None:
        yield DEFERRED_LEG.seen("extended error record at detection location 131", call.capture, frame)
    legs = [leg for leg in evidence.context_legs(call) if leg.header_signing is not None and leg.kind != "auth3"]
    if len({leg.header_signing for leg in legs}) > 1:
        last = legs[-1]
        yield HEADER_SIGNING.seen("header signing differs between the legs", call.capture, asked_frame(last))
    flags = call.auth.ntlm.authenticate_flags if call.auth and call.auth.ntlm else None
    if flags is not None and not flags & _NTLM_SIGN:
        yield NO_INTEGRITY.seen(f"NTLM flags 0x{flags:08x} are without SIGN", call.capture)
    before = contexts.answered_before(evidence, call)
    if before is not None:
        yield EARLIER_WORKED.seen("a request before it was answered", call.capture, answer_frame(before))
    else:
        yield FIRST_PROTECTED.seen("no request of the context was answered before", call.capture)
    late = contexts.open_auth3(evidence, call)
    if late is not None:
        yield LATE_LEG.seen("the last leg went out in an auth3", call.capture, asked_frame(late))


def _without_trailer(evidence: Evidence, failure: Failure) -> Iterator[Hypothesis]:
    """A request without any protection on a connection whose bind was authenticated at a level that protects."""
    call = failure.call
    if call.status not in tokens.REFUSALS or _is_open_ntlm(evidence, call):
        return
    firsts = contexts.other_contexts(evidence, call)
    if not firsts or firsts[0].kind != "bind" or firsts[0].auth is None or firsts[0].auth.level < contexts.PACKET:
        return
    bind = firsts[0]
    yield Hypothesis(
        failure,
        f"The {call_text(call)} of {call.client.address} to {call.server.address} came without the protection that the"
        f" connection was authenticated for ({contexts.level_text(bind)}), and was refused",
        (required("the bind was authenticated", bind.capture, asked_frame(bind)), *call_items(failure)),
        title="A request came without the protection that its connection was authenticated for",
    )


RULE = Rule(
    name="sec-pkg-request-integrity",
    title="The signature or encryption of a request could not be verified",
    documentation=__doc__,
    severity="medium",
    base=0.7,
    requires=(
        "a fault 0x721 that answers a request whose security context the server had accepted; or a fault 0x721 or 5 "
        "to a request without a security trailer on a connection that was authenticated at level PKT or higher",
    ),
    find=find,
    clues=(VERIFYING, HEADER_SIGNING, NO_INTEGRITY, EARLIER_WORKED, FIRST_PROTECTED, LATE_LEG, DEFERRED_LEG),
    next_steps=(
        "Capture on both sides and compare the octets of the request: a proxy, firewall or WAN optimiser that knows "
        "RPC changes them.",
        "Compare the security options of client and server (signing of headers, NTLM minimum session security).",
        "Turn on extended error information of RPC (Group Policy: System, Remote Procedure Call, "
        '"Propagate extended error information") and repeat the call.',
    ),
    references=("[MS-RPCE] 3.3.1.5.2.1", "[MS-RPCE] 2.2.2.11", "[MS-ERREF] 2.2 (0x00000721)"),
)
