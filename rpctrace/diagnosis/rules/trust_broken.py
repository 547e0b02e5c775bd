"""trust-broken: a computer or a trusted domain cannot set up its secure channel with the domain controller.

What it means: the secret of a computer account or of a trust differs on the two sides, the account is gone or disabled,
or the domain controller demands more of the channel than the computer offers. No user of that computer or domain can be
looked up until it is mended.
How we know: the status of NetrServerAuthenticate, which goes in clear text, as do the NegotiateFlags that the computer
asks for ([MS-NRPC] 3.1.4.2); the Win32 codes 1786 to 1789 in a fault; or netlogon.log, which names it.
What would refute it: a later NetrServerAuthenticate of the same computer that succeeds. Hundreds of attempts in a few
seconds are no broken trust: somebody guesses (CVE-2020-1472).
How to tell it from its neighbours: calls that are refused after the channel stands are nrpc-hardening.
How sure: 0.8: the codes say what the domain controller found. STATUS_ACCESS_DENIED may also be its demand for secure
RPC or for AES: where the computer asked for both it is the secret; where it did not, or its flags are not in the
capture, both stay open.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import IntFlag
from operator import itemgetter

from rpctrace.correlation.timeline import Position
from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.logon_codes import ACCESS_DENIED
from rpctrace.diagnosis.observed import answer_frame, answer_text, asked_frame, call_items
from rpctrace.diagnosis.pac import log_text
from rpctrace.diagnosis.recovery import recovered_severity
from rpctrace.diagnosis.results import result_items, result_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found, required
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Call, EvidenceItem, KerberosExchange


class NegotiateFlags(IntFlag):
    """[MS-NRPC] 3.1.4.2: the two that domain controllers demand of computers."""

    AES = 0x01000000
    SECURE_RPC = 0x40000000


DEMANDED = NegotiateFlags.AES | NegotiateFlags.SECURE_RPC
_NAMES = {NegotiateFlags.AES: "AES", NegotiateFlags.SECURE_RPC: "secure RPC"}
DOWNGRADE_DETECTED = 0xC0000388
# NTSTATUS -> what the domain controller found ([MS-ERREF] 2.3.1)
_STATUSES = {
    0xC000018A: "the computer has no secret for the trust",
    0xC000018B: "the domain has no account for the computer",
    0xC000018C: "the trust between the domains is broken",
    0xC000018D: "the trust between the computer and its domain is broken",
    ACCESS_DENIED: "the domain controller does not accept the computer's secret, or wants a better protected channel",
    DOWNGRADE_DETECTED: "the domain controller sees an attempt to lower the protection of the channel",
}
_DEMANDS = frozenset((ACCESS_DENIED, DOWNGRADE_DETECTED))  # which a better protected channel may mend
_LOGGED = frozenset((0xC000018A, 0xC000018B, 0xC000018C, 0xC000018D))
_WIN32 = dict(zip(range(1786, 1790), (0xC000018A, 0xC000018B, 0xC000018C, 0xC000018D), strict=True))
_AUTHENTICATE = "NetrServerAuthenticate"
GUESSES = 20  # a computer tries two or three times
GUESSING_NS = 60 * NS_PER_SECOND

ACCOUNT_REFUSED = Clue(0.4, "a KDC refused the password of a computer account of the same client (24)")
PRECISE = Clue(0.3, "the status has one meaning")
NOTHING_TO_DEMAND = Clue(0.3, "the computer asked for AES and secure RPC: it is its secret that was not accepted")
GUESSED = Clue(0.6, "so many attempts in so short a time: no computer does that")
GUESSED_RIGHT = Clue(0.6, "then one succeeded")
MISSING_FLAGS = "the request, whose NegotiateFlags tell a wrong secret from a demand for AES or secure RPC"
LATER_GOOD = Clue(0.5, "the same computer was accepted later", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.RESULT):
        channel = failure.call.secure_channel
        if channel is not None and channel.operation.startswith(_AUTHENTICATE) and channel.status in _STATUSES:
            what = _STATUSES[channel.status]
            yield _hypothesis(evidence, failure, what, channel.status, result_text(failure.call), result_items(failure))
    for failure in evidence.of(FailureKind.CALL):
        status = _WIN32.get(failure.call.status or 0)
        if failure.call.outcome == "faulted" and status is not None:
            said = answer_text(failure.call)
            yield _hypothesis(evidence, failure, _STATUSES[status], status, said, call_items(failure))
    for failure in evidence.of(FailureKind.LOG):
        entry = failure.entries[0]
        if entry.status in _LOGGED:
            yield Hypothesis(
                failure,
                f"{entry.file} tells of a broken trust: {_STATUSES[entry.status]} ({log_text(entry)})",
                (required(log_text(entry), entry=entry),),
                (PRECISE.seen(entry.status_name or "", entry=entry),),
            )


def _hypothesis(
    evidence: Evidence, failure: Failure, what: str, status: int, said: str, items: tuple[EvidenceItem, ...]
) -> Hypothesis:
    call = failure.call
    later = _accepted_later(evidence, failure.calls[-1])
    guessing = _is_guessing(failure)
    account = call.secure_channel.account if call.secure_channel else None
    who = f"{call.client.address}{f' ({account})' if account else ''}"
    asked = _asked(failure)
    summary = f"{call.server.address} refused {who} with {said}: {_reason(status, what, asked)}"
    if guessing:
        summary = (
            f"{who} tried {failure.count} times within {_lasted(failure) / NS_PER_SECOND:.0f} s to set up a secure"
            f" channel with {call.server.address} and was refused with {said}; CVE-2020-1472 guesses its way in so"
        )
    good = LATER_GOOD if not guessing else GUESSED_RIGHT
    return Hypothesis(
        failure,
        summary,
        items,
        found(
            PRECISE.seen(said, call.capture) if status != ACCESS_DENIED else _demand_clue(call, asked),
            GUESSED.seen(f"{failure.count} attempts", call.capture) if guessing else None,
            good.seen("accepted", later.capture, answer_frame(later)) if later and later.reply_frames else None,
            _account_refused(evidence, call),
        ),
        title="Somebody guesses at the secure channel of the domain controller (CVE-2020-1472)" if guessing else None,
        severity=None if guessing else recovered_severity(items[:1] if later else ()),
        next_steps=_AFTER_GUESSING if guessing else _steps(status, asked),
        missing=(MISSING_FLAGS,) if status == ACCESS_DENIED and asked is None else (),
    )


def _asked(failure: Failure) -> NegotiateFlags | None:
    """Of what domain controllers demand, what the best protected of these attempts asked for; None where no request
    was captured. NetrServerAuthenticate, the oldest, asks for nothing."""
    asked: list[NegotiateFlags] = []
    for call in failure.calls:
        channel = call.secure_channel
        if channel is not None and channel.asked_flags is not None:
            asked.append(NegotiateFlags(channel.asked_flags & DEMANDED))
        elif channel is not None and channel.operation == _AUTHENTICATE:
            asked.append(NegotiateFlags(0))
    return max(asked, key=lambda flags: flags.bit_count(), default=None)


def _lacking(asked: NegotiateFlags) -> str:
    return " and ".join(name for flag, name in _NAMES.items() if flag not in asked)


def _reason(status: int, what: str, asked: NegotiateFlags | None) -> str:
    """What the domain controller found, as far as the flags tell it."""
    if asked is None or status not in _DEMANDS:
        return what
    lacking = _lacking(asked)
    if status == DOWNGRADE_DETECTED:
        return f"{what}, {f'which was to be without {lacking}' if lacking else 'asked for with AES and secure RPC'}"
    if not lacking:
        return "the domain controller does not accept the computer's secret"
    return f"the domain controller does not accept the computer's secret, or demands {lacking}, not asked for here"


def _demand_clue(call: Call, asked: NegotiateFlags | None) -> EvidenceItem | None:
    if asked is None or asked != DEMANDED:
        return None
    return NOTHING_TO_DEMAND.seen("AES and secure RPC are among the NegotiateFlags", call.capture, asked_frame(call))


def _steps(status: int, asked: NegotiateFlags | None) -> tuple[str, ...] | None:
    if status not in _DEMANDS or asked is None or asked == DEMANDED:
        return None
    return (
        f"Update the computer: it asks for a secure channel without {_lacking(asked)}. Events 5827 and 5828 of NETLOGON"
        " on the domain controller name those that it turns away for that.",
        *RULE.next_steps,
    )


def _lasted(failure: Failure) -> int:
    times = [call.request_ns for call in failure.calls if call.request_ns is not None]
    return max(times) - min(times) if times else 0


def _is_guessing(failure: Failure) -> bool:
    return failure.count >= GUESSES and _lasted(failure) <= GUESSING_NS * max(1, failure.count // GUESSES)


def _accepted(evidence: Evidence) -> Mapping[tuple[Place, Place], list[tuple[Position, Call]]]:
    """Secure channels that were set up, in order: by computer and domain controller."""
    table: dict[tuple[Place, Place], list[tuple[Position, Call]]] = defaultdict(list)
    for each in evidence.report.calls:
        channel = each.secure_channel
        if channel is not None and channel.operation.startswith(_AUTHENTICATE) and channel.status == 0:
            table[evidence.hosts_of(each)].append((evidence.asked_at(each), each))
    for calls in table.values():
        calls.sort(key=itemgetter(0))
    return table


def _accepted_later(evidence: Evidence, call: Call) -> Call | None:
    accepted = evidence.once(_accepted).get(evidence.hosts_of(call), [])
    after = bisect_right(accepted, evidence.asked_at(call), key=itemgetter(0))
    return accepted[after][1] if after < len(accepted) else None


def _refused_computers(evidence: Evidence) -> Mapping[Place, Mapping[str, KerberosExchange]]:
    """Client -> the computer accounts whose password a KDC refused there."""
    table: dict[Place, dict[str, KerberosExchange]] = defaultdict(dict)
    for each in evidence.report.kerberos:
        if each.error == kdc.PREAUTH_FAILED and each.cname and each.cname[0].endswith("$"):
            table[evidence.place_of(each, each.client)].setdefault(each.cname[0].casefold(), each)
    return table


def _account_refused(evidence: Evidence, call: Call) -> EvidenceItem | None:
    refused = evidence.once(_refused_computers).get(evidence.place_of(call, call.client), {})
    account = call.secure_channel.account if call.secure_channel is not None else None
    same = refused.get(account.casefold()) if account is not None else next(iter(refused.values()), None)
    if same is None:
        return None
    return ACCOUNT_REFUSED.seen(f"KDC to {same.cname[0]}: error 24", same.capture, same.reply_frame)


_AFTER_GUESSING = (
    "Find out whose computer the client is, and take it off the network if it is nobody's.",
    "Install the updates of August 2020 or later on every domain controller; look for event 5829 and 4742.",
    "If an attempt succeeded: treat the domain as taken, and reset the passwords of its domain controllers' accounts.",
)
RULE = Rule(
    name="trust-broken",
    title="The secure channel to the domain controller cannot be set up",
    documentation=__doc__,
    severity="high",
    base=0.8,
    requires=(
        "NetrServerAuthenticate, 2 or 3 answered with 0xC0000022, 0xC000018A to 0xC000018D or 0xC0000388; or a fault "
        "1786 to 1789; or such a status in netlogon.log",
    ),
    find=find,
    clues=(ACCOUNT_REFUSED, PRECISE, NOTHING_TO_DEMAND, GUESSED, GUESSED_RIGHT, LATER_GOOD),
    next_steps=(
        "On the computer: Test-ComputerSecureChannel -Verbose, then Test-ComputerSecureChannel -Repair; or "
        "nltest /sc_verify:DOMAIN and nltest /sc_reset:DOMAIN.",
        "Of a trust between domains: netdom trust A /domain:B /verify, then /reset.",
        "Look whether the account is there and enabled, and for events 5722 and 5805 on the domain controller.",
    ),
    references=("[MS-NRPC] 3.1.4.2", "[MS-NRPC] 3.5.4.4.2", "[MS-ERREF] 2.3.1", "KB4557222"),
)
