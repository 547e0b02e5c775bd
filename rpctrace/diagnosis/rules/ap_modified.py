"""ap-modified: the server cannot decrypt the ticket, because it was issued for another account than the server's.

What it means: the KDC encrypts a ticket with the key of the account that holds its service name (SPN). A server that
runs as another account, or whose account has another password by now, cannot read it: KRB_AP_ERR_MODIFIED (41), or
BAD_INTEGRITY, NOT_US, BADKEYVER, NOKEY (31, 35, 44, 45; RFC 4120 3.2.3). The SPN is registered for the wrong account,
the client came to the wrong computer (stale DNS, an address used again, a load balancer), a cluster name has no account
of its own, or a password has not replicated.
How we know: a KRB-ERROR says it. RPC and SMB mostly answer without one: RPC with fault 0x721 or bind_nak, SMB with
STATUS_LOGON_FAILURE, which has other causes too. Then it is inferred: the ticket names another host than the server is,
by what the server accepts, tells of itself, or logs on as; and nothing was asked of a domain controller meanwhile.
What would refute it: an acceptance of the same ticket at the same port of the same server (another port may be another
process, which runs as another account); a logon request of the server between AP-REQ
and refusal, since it decrypts first.
How to tell it from its neighbours: skew-ap, ticket-expired and ap-replay have errors of their own; pac-xforest-u2u and
the other PAC rules are about tickets that the server could read; a damaged token looks the same without a key.
How sure: with a KRB-ERROR nearly certain. Inferred, the base is a judgement: wrong keys are the commonest cause of a
refused service ticket, but a bare refusal has many; only a clearly other host lifts the ceiling below one half.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.correlation.realms import is_granting
from rpctrace.diagnosis import pac
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.identity import service_host
from rpctrace.diagnosis.observed import accepted_text, host_text, ticket_text
from rpctrace.diagnosis.refusals import Refusal, refusals
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found
from rpctrace.report import EvidenceItem, Ticket

# RFC 4120 7.5.9 KRB_AP_ERR_*
_NAMES = {31: "BAD_INTEGRITY", 35: "NOT_US", 41: "MODIFIED", 44: "BADKEYVER", 45: "NOKEY"}
_QUICK_NS = 10_000_000

SAYS_SO = Clue(0.9, "a KRB-ERROR of the server: it could not decrypt the ticket, or has no such key")
OTHER_HOST = Clue(0.45, "the ticket is for another host than the server is by what it accepts, tells or logs on as")
OTHER_NAME = Clue(0.15, "the ticket is for another host than name resolution calls the server")
NOBODY_ASKED = Clue(0.2, "the server's secure channel was captured, and it asked no domain controller meanwhile")
QUICK = Clue(0.1, "the refusal came within 10 ms: nobody else was asked")
SAME_HOST = Clue(0.4, "the ticket is for a name by which the server is known for sure", against=True)
KEY_WORKS = Clue(0.5, "the same server accepted another ticket for the same service", against=True)
ASKED_SOMEBODY = Clue(0.5, "the server made a logon request meanwhile: it had decrypted the ticket", against=True)
GRANTING = Clue(0.6, "it is a ticket-granting ticket, which no service can decrypt", against=True)
ACCEPTED = Clue(1.0, "the same port of the same server accepted the same ticket", against=True)
ACCEPTED_ELSEWHERE = Clue(0.4, "another port of the same server accepted it: perhaps another account's", against=True)

INFERRED = Ceiling(
    0.45,
    "no KRB-ERROR says it, and nothing shows that the ticket is for another host",
    "the server's key (a keytab), or the account that holds the name: setspn -Q <service/host>",
)
INFERRED_OTHER = Ceiling(0.75, "no KRB-ERROR says it", INFERRED.missing)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for refusal in refusals(evidence):
        ticket, named = refusal.ticket, _NAMES.get(refusal.error or 0)
        inferred = named is None
        if inferred and not _may_be(refusal, ticket):
            continue
        other = _is_other_host(evidence, refusal, ticket)
        yield Hypothesis(
            refusal.failure,
            _story(refusal, named),
            refusal.items,
            found(*_clues(evidence, refusal, ticket, named)),
            ((INFERRED_OTHER if other else INFERRED),) if inferred else (),
            title=None if named else f"The ticket for {ticket_text(ticket)} may be encrypted for another account",
            severity="low" if refusal.recovered else None,
        )


def _may_be(refusal: Refusal, ticket: Ticket | None) -> bool:
    """A bare refusal of an ordinary ticket for a service of a host. User-to-user tickets have no service key, and a
    ticket-granting ticket is tgt-to-service's."""
    if refusal.error is not None or ticket is None or ticket.user_to_user:
        return False
    return service_host(ticket.sname) is not None


def _is_other_host(evidence: Evidence, refusal: Refusal, ticket: Ticket | None) -> bool:
    """Whether the server is known for sure by other names than the ticket's."""
    wanted = service_host(ticket.sname) if ticket is not None else None
    sure = [claim.name for claim in evidence.names_of(refusal.record.server.address) if claim.sure]
    return wanted is not None and bool(sure) and wanted not in sure


def _story(refusal: Refusal, named: str | None) -> str:
    server, ticket = host_text(refusal.record.server), ticket_text(refusal.ticket)
    said = f"{server} answered the ticket for {ticket} in the {refusal.where} with {refusal.said}"
    if named is not None:
        return f"{said}: it is not encrypted with a key of the server's account"
    return f"{said}, which fits a ticket that is encrypted for another account than the server's"


def _clues(
    evidence: Evidence, refusal: Refusal, ticket: Ticket | None, named: str | None
) -> Iterator[EvidenceItem | None]:
    record = refusal.record
    if named is not None:
        yield SAYS_SO.seen(f"KRB_AP_ERR_{named}", record.capture, refusal.reply_frame)
    if ticket is None:
        return
    use = evidence.tickets.accepted_same_ticket(record)
    if use is not None:
        same = evidence.tickets.accepted_same_ticket(record, same_port=True)
        yield ACCEPTED.seen(*accepted_text(same)) if same is not None else ACCEPTED_ELSEWHERE.seen(*accepted_text(use))
    if is_granting(ticket.sname):
        yield GRANTING.seen(ticket_text(ticket), record.capture, ticket.frame)
    yield from _of_the_host(evidence, refusal, ticket)
    logon = pac.asked_meanwhile(evidence, record)
    if logon is not None:
        text = f"{logon.operation or 'a logon request'} to {logon.server.address}"
        yield ASKED_SOMEBODY.seen(text, logon.capture, next(iter(logon.request_frames), None))
    elif evidence.secure_channel_of(record.server.address, record.capture) is not None:
        yield NOBODY_ASKED.seen(f"{record.server.address} made no logon request", record.capture, refusal.reply_frame)
    lasted = evidence.lasted_ns(record)
    if lasted is not None and 0 <= lasted < _QUICK_NS:
        text = f"refused after {lasted / 1_000_000:.1f} ms"
        yield QUICK.seen(text, record.capture, refusal.reply_frame)


def _of_the_host(evidence: Evidence, refusal: Refusal, ticket: Ticket) -> Iterator[EvidenceItem | None]:
    """Whether the host that the ticket names is the server."""
    record, wanted = refusal.record, service_host(ticket.sname)
    names = evidence.names_of(record.server.address) if wanted is not None else ()
    sure = [claim for claim in names if claim.sure]
    same = next((claim for claim in sure if claim.name == wanted), None)
    if same is not None:
        yield SAME_HOST.seen(same.text, same.capture, same.frame)
    elif sure and wanted is not None:
        yield OTHER_HOST.seen(f"{sure[0].text}, not for {wanted}", sure[0].capture, sure[0].frame)
    elif names and all(claim.name != wanted for claim in names):
        yield OTHER_NAME.seen(f"{names[0].text}, not {wanted}", record.capture, ticket.frame)
    use = evidence.tickets.accepted_same_service(record)
    if use is not None and evidence.tickets.accepted_same_ticket(record) is None:
        yield KEY_WORKS.seen(*accepted_text(use))


RULE = Rule(
    name="ap-modified",
    title="The ticket is not encrypted for the server's account (KRB_AP_ERR_MODIFIED)",
    documentation=__doc__,
    severity="high",
    base=0.35,
    requires=(
        "KRB-ERROR 31, 35, 41, 44 or 45 from a server",
        "or a bare refusal (fault 0x721 or 5, bind_nak 0 or 9, STATUS_LOGON_FAILURE, LDAP 49, HTTP 401) of an AP-REQ "
        "for a service of a host",
    ),
    find=find,
    clues=(
        SAYS_SO, OTHER_HOST, OTHER_NAME, NOBODY_ASKED, QUICK, SAME_HOST, KEY_WORKS, ASKED_SOMEBODY, GRANTING, ACCEPTED,
        ACCEPTED_ELSEWHERE,
    ),
    ceilings=(INFERRED, INFERRED_OTHER),
    next_steps=(
        "setspn -Q <service/host>: which account holds the name, and does the server run as that account? setspn -X "
        "finds names that are registered twice.",
        "On the client: does the name lead to the right computer? nslookup <host>, ipconfig /flushdns, and the hosts "
        "file.",
        "On the server: nltest /sc_verify:<domain>; a computer whose password is out of step: "
        "Test-ComputerSecureChannel -Repair.",
        "On the client: klist purge, then try again; look for event 4 of Security-Kerberos in its System log.",
    ),
    references=("RFC 4120 3.2.3", "RFC 4120 7.5.9", "[MS-RPCE] 3.3.1.5.2.1", "KB558115"),
)  # fmt: skip
