"""ntlm-minsec-mismatch: one side demands more session security of NTLM than the other offers.

What it means: the policies "Network security: Minimum session security for NTLM SSP based (including secure RPC)
clients" and "... servers" (NtlmMinClientSec, NtlmMinServerSec) demand NTLMv2 session security or 128-bit keys on one
computer, and the other does not offer them. The security package ends the negotiation; RPC knows no code of its own for
that and says 0x721, or refuses the bind.
How we know: the flags of the NTLM messages are clear text; a message that lacks what Windows has asked for by default
since Windows 7 shows the side with the lower setting.
What would refute it: the same two computers and the same flags with success.
How to tell it from its neighbours: a wrong password has both flags in every message (ntlm-auth3-denied).
How sure: judgement, 0.7: the combination of refusal and missing flag has few other causes, but the minimum itself is in
no message. Microsoft's support told of the case with 0x721.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_text, call_items, call_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found, required
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.report import Call, EvidenceItem, Ntlm

# [MS-NLMP] 2.2.2.5; the same bits in NtlmMinClientSec and NtlmMinServerSec
_DEMANDS = {0x20000000: "128-bit keys", 0x00080000: "NTLMv2 session security"}
_NOT_ABOUT_TOKENS = frozenset((4, 8))  # bind_nak: version, type of authentication

BOTH_MISSING = Clue(0.3, "both flags are missing: a computer from before Windows 7, or its policy taken back")
SERVER_LACKS = Clue(0.2, "the client offers what the server's CHALLENGE does not take up")
SAME_WORKED = Clue(0.9, "the same server accepted NTLM with the same flags", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        said = call.auth.ntlm if call.auth else None
        if said is None or not contexts.is_ntlm(call) or not _is_refusal(call):
            continue
        who, flags = _weakest(said)
        lacking = [text for bit, text in _DEMANDS.items() if flags is not None and not flags & bit]
        if not lacking or contexts.changed(evidence, call) or contexts.acceptance(evidence, call):
            continue
        yield Hypothesis(
            failure,
            f"{call.server.address} answered the {call_text(call)} of {call.client.address} with {answer_text(call)}; "
            f"the {who} of NTLM offers no {' and no '.join(lacking)}, which one of the two computers demands",
            (required(f"NTLM flags of the {who}: 0x{flags:08x}", call.capture), *call_items(failure)),
            found(*_clues(evidence, call, said, lacking)),
            missing=("NtlmMinClientSec and NtlmMinServerSec of both computers",),
        )


def _is_refusal(call: Call) -> bool:
    if call.reply == "bind_nak":
        return call.reject_reason not in _NOT_ABOUT_TOKENS
    return call.outcome == "faulted" and call.status == tokens.SEC_PKG_ERROR


def _weakest(said: Ntlm) -> tuple[str, int | None]:
    """The first message that lacks one of the flags."""
    for who, flags in (
        ("NEGOTIATE", said.negotiate_flags), ("CHALLENGE", said.challenge_flags),
        ("AUTHENTICATE", said.authenticate_flags),
    ):  # fmt: skip
        if flags is not None and any(not flags & bit for bit in _DEMANDS):
            return who, flags
    return "NEGOTIATE", None


def _flags_accepted(evidence: Evidence) -> frozenset[tuple[Place, int | None]]:
    """Servers that answered requests of NTLM, and with which flags."""
    return frozenset(
        (evidence.place_of(call, call.server), call.auth.ntlm.authenticate_flags)
        for call in evidence.report.calls
        if call.kind == "request" and call.outcome == "answered" and call.auth is not None and call.auth.ntlm
    )


def _clues(evidence: Evidence, call: Call, said: Ntlm, lacking: list[str]) -> Iterator[EvidenceItem | None]:
    if len(lacking) == len(_DEMANDS):
        yield BOTH_MISSING.seen("neither flag is there", call.capture)
    if _weakest(said)[0] == "CHALLENGE" and said.negotiate_flags is not None:
        yield SERVER_LACKS.seen("NEGOTIATE has the flags, CHALLENGE has not", call.capture)
    flags = said.authenticate_flags
    if flags is not None and (evidence.place_of(call, call.server), flags) in evidence.once(_flags_accepted):
        yield SAME_WORKED.seen(f"{call.server.address} accepted flags 0x{flags:08x} elsewhere", call.capture)


RULE = Rule(
    name="ntlm-minsec-mismatch",
    title="NTLM: one computer demands more session security than the other offers",
    documentation=__doc__,
    severity="high",
    base=0.7,
    requires=(
        "a fault 0x721 or a bind_nak on a security context of NTLM that had not been accepted",
        "an NTLM message without NEGOTIATE_128 or NEGOTIATE_EXTENDED_SESSIONSECURITY",
    ),
    find=find,
    clues=(BOTH_MISSING, SERVER_LACKS, SAME_WORKED),
    next_steps=(
        "Compare on both computers: reg query HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa\\MSV1_0 /v NtlmMinClientSec"
        " and /v NtlmMinServerSec (0x20080000 is the default since Windows 7).",
        'Set the same in Group Policy: Security Options, "Network security: Minimum session security for NTLM SSP '
        'based (including secure RPC) clients" and "... servers".',
        "Better: find out why Kerberos is not used between the two.",
    ),
    references=("[MS-NLMP] 2.2.2.5", "[MS-NLMP] 3.1.1.1", "KB823659"),
)
