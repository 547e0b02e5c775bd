"""pac-no-dc: the PAC of a ticket could not be validated, because the server reached no domain controller that answers.

What it means: a process that runs as an ordinary user must have the PAC of every ticket verified by a domain controller
([MS-APDS] 3.2.5.1). Where none can be reached the logon returns STATUS_NO_LOGON_SERVERS (0xC000005E), and the ticket is
refused however good it is. The domain controller may be down, behind a firewall, not in DNS, the secure channel broken,
or every call slot of Netlogon taken (MaxConcurrentApi), which shows after 45 seconds.
How we know: netlogon.log has the generic logon with 0xC000005E; or a capture taken on the server shows, between the
AP-REQ and its refusal, a logon request that is not answered, or a connection to a domain controller that fails, and
seconds pass.
What would refute it: a validation with any other result, an answer of the domain controller before the refusal, a
later acceptance of the same ticket without a change on the server's side.
How to tell it from its neighbours: pac-xforest-u2u and pac-signature-bad come at once, because a domain controller
answers (a computer that knows already that there is none refuses at once too: then only the log tells); skew and wrong
keys (skew-ap, ap-modified) ask no domain controller at all.
How sure: with the log nearly proof; from a capture alone a judgement, since the request is sealed, and a service of the
system has no PAC validated ([MS-APDS] note 2).
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import pac
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import accepted_text, host_text, ticket_text
from rpctrace.diagnosis.pac import OTHER_RESULT, SYSTEM_SERVICE
from rpctrace.diagnosis.refusals import Refusal
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found, required
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Call, Event, EvidenceItem

LOG_NO_SERVERS = Clue(0.85, "netlogon.log: generic logon, package Kerberos, 0xC000005E")
LOG_BY_REALM = Clue(0.6, "the same, by the realm alone: neither the server's name nor the time could be compared")
LOGON_LOST = Clue(0.35, "the server's logon request between AP-REQ and refusal was not answered, or only after seconds")
CANNOT_CONNECT = Clue(0.35, "between AP-REQ and refusal the server could not connect to a domain controller's port")
SLOW = Clue(0.2, "seconds passed between the AP-REQ and its refusal")
USER_NAME = Clue(0.1, "the ticket is user-to-user or for a user's name: the process is no service of the system")
ACCEPTED = Clue(0.3, "the same server accepted the same ticket at another time", against=True)

CAPTURE_ALONE = Ceiling(
    0.6,
    "what the server asked is sealed: it may have been another logon",
    "the netlogon.log of the server for this time (--netlogon; turned on with nltest /dbflag:0x2080ffff)",
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for refusal in pac.candidates(evidence):
        results = pac.results(evidence, refusal.record)
        told = next((each for each in results if each.status == pac.NO_LOGON_SERVERS), None)
        lost = tuple(_lost(evidence, refusal))
        if told is None and not (lost and _lasted(evidence, refusal) >= pac.SLOW_NS):
            continue
        yield Hypothesis(
            refusal.failure,
            f"{host_text(refusal.record.server)} refused the ticket for {ticket_text(refusal.ticket)} in the"
            f" {refusal.where}, because no domain controller answered that could validate its PAC",
            (*refusal.items, *lost),
            found(*_clues(evidence, refusal, results, told)),
            (pac.LOG_SEEN if told is not None else CAPTURE_ALONE,),
            severity="low" if refusal.recovered else None,
        )
    for failure, entry in pac.lone_lines(evidence, pac.NO_LOGON_SERVERS):
        yield Hypothesis(
            failure,
            f"A PAC of {entry.domain or 'a realm'} could not be validated: no domain controller was reached",
            (required(pac.log_text(entry), entry=entry),),
            (LOG_NO_SERVERS.seen("no logon servers", entry=entry),),
            (pac.LOG_ALONE,),
        )


def _lost(evidence: Evidence, refusal: Refusal) -> Iterator[EvidenceItem]:
    """What the server did meanwhile that came to nothing."""
    logon = _lost_logon(evidence, refusal)
    if logon is not None:
        yield required(_logon_text(evidence, logon), logon.capture, next(iter(logon.request_frames), None))
        return
    attempt = pac.vain_attempt(evidence, refusal.record)
    if attempt is not None:
        yield required(_attempt_text(attempt), attempt.capture, next(iter(attempt.frames), None))


def _lost_logon(evidence: Evidence, refusal: Refusal) -> Call | None:
    """The first logon request meanwhile that was not answered, or only after seconds."""
    for logon in pac.logons_meanwhile(evidence, refusal.record):
        if not pac.was_answered(logon) or (evidence.lasted_ns(logon) or 0) >= pac.SLOW_NS:
            return logon
    return None


def _clues(
    evidence: Evidence, refusal: Refusal, results: tuple[pac.Result, ...], told: pac.Result | None
) -> Iterator[EvidenceItem | None]:
    record, ticket = refusal.record, refusal.ticket
    if told is not None:
        yield told.as_clue(LOG_NO_SERVERS if told.sure else LOG_BY_REALM)
    for other in results:
        if other.sure and other.status != pac.NO_LOGON_SERVERS:
            yield other.as_clue(OTHER_RESULT, ": a domain controller was reached")
    logon = _lost_logon(evidence, refusal)
    if logon is not None:
        yield LOGON_LOST.seen(_logon_text(evidence, logon), logon.capture, next(iter(logon.request_frames), None))
    attempt = pac.vain_attempt(evidence, record)
    if attempt is not None:
        yield CANNOT_CONNECT.seen(_attempt_text(attempt), attempt.capture, next(iter(attempt.frames), None))
    lasted = _lasted(evidence, refusal)
    if lasted >= pac.SLOW_NS:
        text = f"the refusal took {lasted / NS_PER_SECOND:.1f} s"
        yield SLOW.seen(text, record.capture, refusal.reply_frame)
    if ticket is not None and pac.runs_as_system(ticket):
        yield SYSTEM_SERVICE.seen(f"{'/'.join(ticket.sname)} is a service of the system", record.capture, ticket.frame)
    elif ticket is not None and (ticket.user_to_user or len(ticket.sname) == 1):
        yield USER_NAME.seen(f"{'/'.join(ticket.sname)}: no service of the system", record.capture, ticket.frame)
    use = evidence.tickets.accepted_same_ticket(record)
    if use is not None:
        yield ACCEPTED.seen(*accepted_text(use))


def _lasted(evidence: Evidence, refusal: Refusal) -> int:
    """From the AP-REQ to its refusal in nanoseconds; -1 where that is not known."""
    lasted = evidence.lasted_ns(refusal.record)
    return -1 if lasted is None else lasted


def _logon_text(evidence: Evidence, logon: Call) -> str:
    asked = f"{logon.operation or 'a logon request'} of {logon.client.address} to {logon.server.address}"
    took = evidence.lasted_ns(logon)
    late = took is not None and pac.was_answered(logon)
    return f"{asked} was answered after {took / NS_PER_SECOND:.1f} s" if late and took else f"{asked} was not answered"


def _attempt_text(attempt: Event) -> str:
    return f"{attempt.client.address} to {host_text(attempt.server)} port {attempt.server.port}: {attempt.text}"


RULE = Rule(
    name="pac-no-dc",
    title="The PAC could not be validated: the server reached no domain controller",
    documentation=__doc__,
    severity="high",
    base=0.3,
    requires=(
        "an AP-REQ that was refused without a KRB-ERROR",
        "and netlogon.log: generic logon of package Kerberos with 0xC000005E",
        "or, in a capture of the server's side, a logon request or connection that failed meanwhile, and 3 s or more",
    ),
    find=find,
    clues=(
        LOG_NO_SERVERS, LOG_BY_REALM, LOGON_LOST, CANNOT_CONNECT, SLOW, USER_NAME, SYSTEM_SERVICE, OTHER_RESULT,
        ACCEPTED,
    ),
    ceilings=(pac.LOG_SEEN, CAPTURE_ALONE, pac.LOG_ALONE),
    next_steps=(
        "On the server: nltest /sc_verify:<its domain>, and nltest /dsgetdc:<realm of the ticket>.",
        "Look for events 5719, and 5816 to 5819 (MaxConcurrentApi), of Netlogon in the server's System log.",
        "Check that the server reaches its domain controllers on ports 88, 135, 389, 445 and the dynamic RPC ports.",
        "Look for event 7 of Security-Kerberos, data c000005e, in the server's System log.",
    ),
    references=("[MS-APDS] 3.2.5.1", "[MS-NRPC] 3.2.4.1", "KB929624"),
)  # fmt: skip
