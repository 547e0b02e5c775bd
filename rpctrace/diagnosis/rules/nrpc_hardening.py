"""nrpc-hardening: a domain controller refuses a Netlogon call that is not sealed by the secure channel.

What it means: the calls of the Netlogon secure channel must be protected by the Netlogon package and sealed (packet
privacy). Domain controllers enforce the first since 2021 (CVE-2020-1472) and the second since July 2023
(CVE-2022-38023), and answer what comes below with STATUS_ACCESS_DENIED. Everything that needs pass-through then fails:
NTLM logons, the validation of PACs, trusts.
How we know: type and level of authentication are in the trailer of the call, the refusal is its answer or fault.
What would refute it: the same operation, protected no better, that the same domain controller answered.
How to tell it from its neighbours: a refused NetrServerAuthenticate is trust-broken; a sealed call that is refused has
another cause.
How sure: 0.75: documented, and the lab's domain controllers do so; a wrong authenticator gives the same status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.logon_codes import ACCESS_DENIED
from rpctrace.diagnosis.observed import answer_text, asked_frame, call_items
from rpctrace.diagnosis.results import result_items, result_text
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.report import Call, EvidenceItem

NETLOGON_TYPE = 0x44
_SETTING_UP = ("NetrServerReqChallenge", "NetrServerAuthenticate", "DsrGetDcName", "NetrGetDCName")

SEALED_WORKS = Clue(0.4, "sealed calls to the same domain controller were answered")
UNSEALED_WORKS = Clue(0.8, "the same operation was answered there with no better protection", against=True)
EVENT_LOG = Ceiling(
    0.9,
    "the refusal is certain only by the domain controller's event log",
    "events 5827 to 5831 and 5838 to 5841 of NETLOGON in the domain controller's System log",
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for kind in (FailureKind.RESULT, FailureKind.CALL):
        for failure in evidence.of(kind):
            call = failure.call
            if not _is_denied(call) or _is_sealed(call):
                continue
            result = kind is FailureKind.RESULT
            said = result_text(call) if result else answer_text(call)
            yield Hypothesis(
                failure,
                f"{call.server.address} refused {call.operation or 'a Netlogon call'} of {call.client.address} with"
                f" {said}; it came with {_package(call)} and {contexts.level_text(call)}, not sealed",
                result_items(failure) if result else call_items(failure),
                found(*_clues(evidence, call)),
                (EVENT_LOG,),
            )


def _package(call: Call) -> str:
    mine = call.auth is not None and call.auth.auth_type == NETLOGON_TYPE
    return "the Netlogon package" if mine else "no Netlogon package"


def _is_denied(call: Call) -> bool:
    channel = call.secure_channel
    if channel is None or channel.operation.startswith(_SETTING_UP):
        return False
    return channel.status == ACCESS_DENIED or (call.outcome == "faulted" and call.status == tokens.ACCESS_DENIED)


def _is_sealed(call: Call) -> bool:
    said = call.auth
    return said is not None and said.auth_type == NETLOGON_TYPE and said.level >= contexts.PRIVACY


def _answered(evidence: Evidence) -> Mapping[tuple[Place, str | None], Call]:
    """The first answered calls of the secure channel: of each server any that was sealed (None), and of each operation
    one that was not."""
    table: dict[tuple[Place, str | None], Call] = {}
    for call in evidence.report.calls:
        channel = call.secure_channel
        if channel is not None and call.outcome == "answered" and not channel.status:
            what = None if _is_sealed(call) else channel.operation
            table.setdefault((evidence.place_of(call, call.server), what), call)
    return table


def _clues(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    operation = call.secure_channel.operation if call.secure_channel else ""
    answered, server = evidence.once(_answered), evidence.place_of(call, call.server)
    sealed = answered.get((server, None))
    if sealed is not None:
        yield SEALED_WORKS.seen("a sealed call was answered", sealed.capture, asked_frame(sealed))
    plain = answered.get((server, operation))
    if plain is not None and plain.id != call.id and plain.request_frames:
        yield UNSEALED_WORKS.seen("the same was answered unsealed", plain.capture, asked_frame(plain))


RULE = Rule(
    name="nrpc-hardening",
    title="The domain controller refuses Netlogon calls that are not sealed",
    documentation=__doc__,
    severity="high",
    base=0.75,
    requires=(
        "a call of the Netlogon secure channel below packet privacy or without the Netlogon package",
        "STATUS_ACCESS_DENIED in its answer, or a fault 5",
    ),
    find=find,
    clues=(SEALED_WORKS, UNSEALED_WORKS),
    ceilings=(EVENT_LOG,),
    next_steps=(
        "Look for events 5827 to 5831 and 5838 to 5841 of NETLOGON on the domain controller: they name the computer.",
        "Update the member: Windows of November 2022 or later, Samba 4.15 or later, the vendor's firmware of a NAS.",
        'On a Windows member set "Domain member: Digitally encrypt or sign secure channel data (always)".',
    ),
    references=("KB5021130", "KB4557222", "[MS-NRPC] 3.1.4.6", "[MS-NRPC] 3.3"),
)
