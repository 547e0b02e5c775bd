"""dcom-hardening: the server refuses to activate a DCOM object below packet integrity.

What it means: since the updates of June 2022 (without a way back since March 2023) Windows servers accept an activation
of a client that logged on only at RPC_C_AUTHN_LEVEL_PKT_INTEGRITY (5) or higher. The client's program asked for less.
How we know: the level stands in the trailer of the refused activation. The updates of the server are not in a capture:
event 10036 in its System log tells of each refusal.
What would refute it: an activation below that level that the same server answered.
How to tell it from its neighbours: a denied activation at level 5 or 6 is rpc-authz-denied; a failed NTLM logon before
it is ntlm-auth3-denied.
How sure: 0.8: documented behaviour of all servers of today; a missing launch permission answers the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import E_ACCESSDENIED, FailureKind, is_activation
from rpctrace.diagnosis.observed import answer_frame, answer_text, asked_frame, call_items
from rpctrace.diagnosis.results import result_items, result_text
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.report import Call, EvidenceItem

LOWEST_REFUSED = 2  # CONNECT; level 1 is nobody's logon, which is another matter

HIGHER_ACCEPTED = Clue(0.6, "the same server answered an activation at packet integrity or privacy")
LOWER_ACCEPTED = Clue(1.0, "the same server answered an activation below packet integrity", against=True)
LOGON_OPEN = Clue(0.4, "the NTLM logon went out in an auth3 and had not been judged before", against=True)
# What an answered activation at this level shows
_SHOWS = {2: LOWER_ACCEPTED, 3: LOWER_ACCEPTED, 4: LOWER_ACCEPTED, 5: HIGHER_ACCEPTED, 6: HIGHER_ACCEPTED}
EVENT_LOG = Ceiling(0.9, "the refusal is certain only by event 10036", "event 10036 in the server's System log")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for kind in (FailureKind.CALL, FailureKind.RESULT):
        for failure in evidence.of(kind):
            call = failure.call
            if not _is_denied(call) or call.auth is None or not is_activation(call):
                continue
            if not LOWEST_REFUSED <= call.auth.level < contexts.INTEGRITY:
                continue
            result = kind is FailureKind.RESULT
            said = result_text(call) if result else answer_text(call)
            yield Hypothesis(
                failure,
                f"{call.server.address} refused the {call.operation or 'activation'} of {call.client.address} with"
                f" {said}; it came at {contexts.level_text(call)}, below packet integrity",
                result_items(failure) if result else call_items(failure),
                found(*_clues(evidence, call)),
                (EVENT_LOG,),
            )


def _is_denied(call: Call) -> bool:
    if call.outcome == "faulted":
        return call.status in (tokens.ACCESS_DENIED, E_ACCESSDENIED)
    return call.dcom is not None and (call.dcom.hresult or 0) & 0xFFFFFFFF == E_ACCESSDENIED


def _answered(evidence: Evidence) -> Mapping[tuple[Place, Clue], Call]:
    """The first activations that a server answered above and below packet integrity: by server and what it shows."""
    table: dict[tuple[Place, Clue], Call] = {}
    for call in evidence.report.calls:
        clue = _SHOWS.get(call.auth.level) if call.auth is not None else None
        if clue is not None and call.outcome == "answered" and is_activation(call) and not _is_denied(call):
            table.setdefault((evidence.place_of(call, call.server), clue), call)
    return table


def _clues(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    answered, server = evidence.once(_answered), evidence.place_of(call, call.server)
    for clue in (HIGHER_ACCEPTED, LOWER_ACCEPTED):
        other = answered.get((server, clue))
        if other is not None:
            text = f"activation at {contexts.level_text(other)} was answered"
            yield clue.seen(text, other.capture, answer_frame(other))
    late = contexts.open_auth3(evidence, call) if contexts.is_ntlm(call) else None
    if late is not None:
        yield LOGON_OPEN.seen("auth3 of NTLM just before", late.capture, asked_frame(late))


RULE = Rule(
    name="dcom-hardening",
    title="DCOM activation below packet integrity is refused (KB5004442)",
    documentation=__doc__,
    severity="high",
    base=0.8,
    requires=(
        "an activation (RemoteGetClassObject, RemoteCreateInstance, RemoteActivation) with a level from 2 to 4",
        "a fault 5, or E_ACCESSDENIED in the answer",
    ),
    find=find,
    clues=(HIGHER_ACCEPTED, LOWER_ACCEPTED, LOGON_OPEN),
    ceilings=(EVENT_LOG,),
    next_steps=(
        "Look for event 10036 of DistributedCOM in the server's System log, 10037 and 10038 in the client's.",
        "Install the updates of November 2022 or later on the client: they raise the level of activations by "
        "themselves (RaiseActivationAuthenticationLevel = 2).",
        "For a client that is no Windows: update its DCOM library, and set packet integrity in its configuration.",
    ),
    references=(
        "KB5004442", "[MS-DCOM] 3.1.2.5.2.3",
    ),
)  # fmt: skip
