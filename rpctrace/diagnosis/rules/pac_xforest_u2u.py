"""pac-xforest-u2u: the PAC of a ticket could not be validated, because its realm lies beyond a chain of trusts.

What it means: the server process runs as an ordinary user and was reached with user-to-user Kerberos. Such a process
must have the KDC signature of the ticket's PAC verified by a domain controller of the realm that issued the ticket. Its
computer asks its own domain controller to, with a Netlogon logon of level Generic for that realm. Only the transitive
levels travel along a chain of trusts; Generic does not ([MS-NRPC] 2.2.1.4.16, 3.5.4.5.1). A domain controller that
trusts the realm only through another domain answers STATUS_NO_SUCH_USER, the validation fails, and the RPC runtime sees
no more than an error of its security package. This is the case of Remote Assistance between two users of a child domain
of one forest on computers of another, for which Windows 7 and Windows Server 2008 R2 got a hotfix of Kerberos.dll
(`rpctrace explain --kerberos-dll VERSION`).
How we know: user-to-user is clear text in the AP-REQ; the realm of the ticket and the answer are too. That the server's
realm is another one shows in tickets for services of that computer, and in what it asks KDCs as its own account. The
validation itself shows as a logon request on the secure channel between the AP-REQ and the fault; its result shows only
in netlogon.log, whose 0xC0000064 means here that the domain is not known, not that a user is not.
What would refute it: an AP-REP for the same ticket, a validation with another result, a server and a ticket of one
realm or of two that trust each other directly, a server that runs as the computer itself, a server whose own traffic
was captured and that asked nobody.
How to tell it from its neighbours: pac-no-dc takes seconds and its log says 0xC000005E; pac-signature-bad says
0xC000006D; pac-dc-shutdown has 0xC00000DC around it; a wrong key (ap-modified) asks no domain controller.
How sure: the base is a judgement. Of the causes of a refused user-to-user ticket of another realm this is the one that
is documented for working clocks and keys; without a word of the server's realm it stays a hypothesis. The ceilings
follow what was looked at: the client's capture, the server's too, the log.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.correlation.realms import BY_TICKET, RealmClaim, is_below, same_realm
from rpctrace.diagnosis import pac, tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import accepted_text, answer_frame, asked_frame, call_text, ticket_text
from rpctrace.diagnosis.pac import OTHER_RESULT, SYSTEM_SERVICE
from rpctrace.diagnosis.refusals import Refusal
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found, required
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Call, EvidenceItem, Ticket

_ICLASSFACTORY = "00000001-0000-0000-c000-000000000046"
_ANY_SESSION = 0xFFFFFFFF  # [MS-DCOM] 2.2.22.2.2 dwSessionId

LOG_NO_SUCH_USER = Clue(0.9, "netlogon.log: Generic logon for the ticket's realm, package Kerberos, 0xC0000064")
LOG_BY_REALM = Clue(0.75, "the same, by the realm alone: neither the server's name nor the time could be compared")
LOGON_BETWEEN = Clue(0.4, "a logon request of the server on its secure channel between the AP-REQ and the fault")
NOT_PASSED_ON = Clue(0.15, "the domain controller, whose traffic was captured, passed the request to no other")
ROUNDABOUT = Clue(0.15, "the client's referral path shows another realm between the ticket's realm and the server's")
CHILD_REALM = Clue(0.1, "the ticket's realm is a child domain: a realm right above it shows in tickets")
USER_NAME = Clue(0.1, "the service name is a user's: one component, no service class")
CLASS_FACTORY = Clue(0.1, "IClassFactory: what RemoteGetClassObject hands out for a session of a user")
USER_SESSION = Clue(0.1, "the activation that told the port had asked for an object in a user's session")
TOLD_SO = Clue(0.05, "the KDC had demanded user-to-user for this name (error 27)")
LOG_OTHER_BY_REALM = Clue(0.5, "a validation for this realm had another result; which server's is not known", True)
LOG_SILENT = Clue(0.5, "netlogon.log tells of that time and has no generic logon for the realm", against=True)
ASKED_NOBODY = Clue(0.7, "the server's own traffic was captured, and it asked no domain controller", against=True)
UNANSWERED = Clue(0.5, "the logon request was not answered: no domain controller said anything", against=True)
SLOW = Clue(0.5, "seconds passed: a domain controller that does not know the domain answers at once", against=True)
DIRECT_TRUST = Clue(0.9, "a KDC of the ticket's realm gave a ticket for the server's realm: direct trust", against=True)
PARENT_CHILD = Clue(0.8, "by their names the two realms are parent and child, which trust each other", against=True)
MAYBE_SAME = Clue(0.6, "by its host name the server may be of the ticket's realm", against=True)
ACCEPTED_BEFORE = Clue(1.0, "the same server accepted the same ticket", against=True)
ACCEPTED_LATER = Clue(0.5, "later the same server accepted another ticket of the client for the name", against=True)
OTHER_ERROR = Clue(0.8, "an extended error record names another cause", against=True)
SHUTDOWN = Clue(0.6, "logons around it failed because a domain controller was shutting down", against=True)

REALM_UNKNOWN = Ceiling(
    0.45,
    "it is not known which realm the server belongs to",
    "the realm of the server: a ticket for one of its services in the capture, or --realm HOST=REALM",
)
# Win32, HRESULT or NTSTATUS in an extended error record that say what else went wrong ([MS-ERREF]).
_OTHER_CAUSES = {
    0x80090324: "SEC_E_TIME_SKEW",
    0x80090322: "SEC_E_WRONG_PRINCIPAL",
    0x8009030F: "SEC_E_MESSAGE_ALTERED",
    0x80090308: "SEC_E_INVALID_TOKEN",
    0x80090331: "SEC_E_ALGORITHM_MISMATCH",
}


LOOK_IN_LOG = "Look for the generic logon in netlogon.log of its domain controller: rpctrace analyze --netlogon FILE."


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for refusal in pac.candidates(evidence):
        call, ticket = refusal.call, refusal.ticket
        if call is not None and ticket is not None and _is_the_case(evidence, call, ticket):
            yield _hypothesis(evidence, refusal, call, ticket)
    for failure, entry in pac.lone_lines(evidence, pac.NO_SUCH_USER):
        shutdown = pac.shutdown_near(evidence, entry)
        clue = SHUTDOWN.seen(pac.log_text(shutdown), entry=shutdown) if shutdown is not None else None
        yield Hypothesis(
            failure,
            f"A domain controller was asked{f' by {entry.via}' if entry.via else ''} to validate a PAC of"
            f" {entry.domain or 'a realm'} and does not know that domain: it trusts it through another one, or not",
            (required(pac.log_text(entry), entry=entry),),
            found(LOG_NO_SUCH_USER.seen("the domain is not known to the domain controller", entry=entry), clue),
            (pac.LOG_ALONE,),
        )


def _is_the_case(evidence: Evidence, call: Call, ticket: Ticket) -> bool:
    """A user-to-user ticket in an alter_context, refused with 0x721, of no realm known to be the server's own; not for
    a computer account, whose processes are the system's."""
    if not tokens.is_refused_ticket(call) or not tokens.is_user_to_user(call, evidence) or ticket.realm is None:
        return False
    if len(ticket.sname) == 1 and ticket.sname[0].endswith("$"):
        return False
    claim = evidence.realm_of(call.server.address)
    return claim is None or claim.surety < BY_TICKET or not same_realm(claim.realm, ticket.realm)


def _hypothesis(evidence: Evidence, refusal: Refusal, call: Call, ticket: Ticket) -> Hypothesis:
    claim = evidence.realm_of(call.server.address)
    other = claim if claim is not None and not same_realm(claim.realm, ticket.realm) else None
    realm = [required(f"{other.text}: its realm is another", other.capture, other.frame)] if other else []
    results = pac.results(evidence, call)
    told = next((each for each in results if each.status == pac.NO_SUCH_USER), None)
    if results and results[0].sure and results[0].status != pac.NO_SUCH_USER:
        told = None
    ceilings = [pac.vantage(evidence, call, told)]
    if other is None and told is None:
        ceilings.append(REALM_UNKNOWN)
    return Hypothesis(
        refusal.failure,
        _story(call, ticket, other.realm if other else None),
        (*refusal.items, *realm),
        found(
            *_of_the_result(evidence, call, results, told),
            *_of_the_path(evidence, ticket, claim),
            *_of_the_server(evidence, call),
            *_of_the_answer(evidence, refusal, call),
            *_of_names(call, ticket, evidence),
        ),
        tuple(ceilings),
        next_steps=None if told is None else tuple(step for step in RULE.next_steps if step != LOOK_IN_LOG),
        severity="low" if refusal.recovered else None,
    )


def _story(call: Call, ticket: Ticket, realm: str | None) -> str:
    mine = f"a domain controller of {realm}" if realm else "its domain controller"
    return (
        f"{call.server.address} refused the user-to-user ticket for {ticket_text(ticket)} that {call.client.address}"
        f" presented in the {call_text(call)}. That fits a validation of its PAC which {mine} cannot have done: it"
        f" does not trust {ticket.realm or 'the realm of the ticket'} directly, and a generic logon goes no further"
    )


def _of_the_result(
    evidence: Evidence, call: Call, results: tuple[pac.Result, ...], told: pac.Result | None
) -> Iterator[EvidenceItem | None]:
    """What the log, or an unsealed logon, says that the validation came to."""
    if told is not None:
        yield told.as_clue(LOG_NO_SUCH_USER if told.sure else LOG_BY_REALM)
        shutdown = pac.shutdown_near(evidence, told.entry) if told.entry is not None else None
        if shutdown is not None:
            yield SHUTDOWN.seen(pac.log_text(shutdown), entry=shutdown)
    elif results:
        other = OTHER_RESULT if results[0].sure else LOG_OTHER_BY_REALM
        yield results[0].as_clue(other, ": not what an unknown domain gives")
    elif evidence.log_covers(call):
        yield LOG_SILENT.seen("netlogon.log tells of the time of the fault and has no generic logon for this realm")


def _of_the_server(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    """What the server did between the AP-REQ and its answer."""
    logon = pac.asked_meanwhile(evidence, call)
    if logon is not None:
        frame = asked_frame(logon)
        text = f"{logon.operation or 'a logon request'} to {logon.server.address} between the AP-REQ and the fault"
        if pac.was_answered(logon):
            yield LOGON_BETWEEN.seen(text, logon.capture, frame)
        else:
            yield UNANSWERED.seen(f"{text} was not answered", logon.capture, frame)
        controller = logon.server.address
        if evidence.acts_as_client(controller, call.capture) and not evidence.logons_between(controller, logon):
            yield NOT_PASSED_ON.seen(f"{controller} passed it to no other domain controller", logon.capture, frame)
    elif evidence.secure_channel_of(call.server.address, call.capture) is not None:
        yield ASKED_NOBODY.seen(
            f"the secure channel of {call.server.address} was captured; between AP-REQ and fault nothing went over it",
            call.capture, answer_frame(call),
        )  # fmt: skip


def _of_the_answer(evidence: Evidence, refusal: Refusal, call: Call) -> Iterator[EvidenceItem | None]:
    """How long it took, what more it says, and what became of the ticket elsewhere."""
    lasted = evidence.lasted_ns(call)
    if lasted is not None and lasted >= pac.SLOW_NS:
        yield SLOW.seen(f"the answer took {lasted / NS_PER_SECOND:.1f} s", call.capture, refusal.reply_frame)
    status = tokens.extended_status(call)
    if status in _OTHER_CAUSES:
        yield OTHER_ERROR.seen(f"extended error {_OTHER_CAUSES[status]}", call.capture, refusal.reply_frame)
    use = evidence.tickets.accepted_same_ticket(call)
    if use is not None:
        yield ACCEPTED_BEFORE.seen(*accepted_text(use))
    elif refusal.later is not None:
        yield ACCEPTED_LATER.seen(*accepted_text(refusal.later))


def _of_the_path(evidence: Evidence, ticket: Ticket, claim: RealmClaim | None) -> Iterator[EvidenceItem | None]:
    """How the two realms stand to each other."""
    realm, referrals = ticket.realm or "", evidence.referrals
    if claim is not None and same_realm(claim.realm, realm):
        yield MAYBE_SAME.seen(claim.text, claim.capture, claim.frame)
    elif claim is not None:
        direct, path = referrals.direct(realm, claim.realm), referrals.roundabout(realm, claim.realm)
        if direct is not None:
            text = f"a KDC of {realm} gave a ticket for {claim.realm} itself"
            yield DIRECT_TRUST.seen(text, direct.capture, direct.reply_frame)
        elif is_parent(realm, claim.realm) or is_parent(claim.realm, realm):
            text = f"{realm} and {claim.realm} are parent and child by their names"
            yield PARENT_CHILD.seen(text, claim.capture, claim.frame)
        elif path is not None:
            asked = evidence.exchanges.get(path.exchanges[-1])
            way = f"the way from {realm} to {claim.realm} leads through {', '.join(path.realms[1:-1])}"
            yield ROUNDABOUT.seen(way, path.capture, asked.reply_frame if asked is not None else None)
    above = referrals.parent_of(realm)
    if above is not None:
        text = f"{realm} is a child domain: a ticket names the realm above it"
        yield CHILD_REALM.seen(text, above.capture, above.reply_frame)


def is_parent(realm: str, other: str) -> bool:
    """Whether `other` is the domain right above `realm`, by their names."""
    return is_below(realm, other) and realm.rstrip(".").count(".") == other.rstrip(".").count(".") + 1


def _of_names(call: Call, ticket: Ticket, evidence: Evidence) -> Iterator[EvidenceItem | None]:
    """What the service name, the interface and the activation say of who is served there."""
    if pac.runs_as_system(ticket):
        yield SYSTEM_SERVICE.seen(f"{'/'.join(ticket.sname)} is a service of the system", call.capture, ticket.frame)
    elif len(ticket.sname) == 1:
        yield USER_NAME.seen(f"{ticket.sname[0]} is a user's name", call.capture, ticket.frame)
    if any(each.uuid == _ICLASSFACTORY for each in call.interfaces):
        yield CLASS_FACTORY.seen("the call is for IClassFactory", call.capture, asked_frame(call))
    yield _session(call, evidence)
    told = evidence.referrals.demanded(ticket.sname)
    if told is not None:
        yield TOLD_SO.seen(f"KDC of {told.realm}: user-to-user is demanded", told.capture, told.reply_frame)


def _session(call: Call, evidence: Evidence) -> EvidenceItem | None:
    stream = evidence.streams.get(call.connection)
    endpoint = evidence.endpoints.get(stream.endpoint or "") if stream is not None else None
    activation = evidence.calls.get(endpoint.call or "") if endpoint is not None else None
    session = activation.dcom.session_id if activation is not None and activation.dcom is not None else None
    if activation is None or session in (None, _ANY_SESSION):
        return None
    text = f"{activation.operation} had asked for an object in session {session}"
    return USER_SESSION.seen(text, activation.capture, next(iter(activation.request_frames), None))


RULE = Rule(
    name="pac-xforest-u2u",
    title="PAC validation fails across forests for a server that runs as an ordinary user (user-to-user)",
    documentation=__doc__,
    severity="high",
    base=0.45,
    requires=(
        "a fault 0x721 that answers an alter_context with an AP-REQ",
        "user-to-user: ap-option use-session-key, TGT-REQ and TGT-REP before it, or a ticket got with ENC-TKT-IN-SKEY",
        "a ticket of another realm than the server's, and not for a computer account",
        "or, without a capture, a generic logon of package Kerberos in netlogon.log that returned 0xC0000064",
    ),
    find=find,
    clues=(
        LOG_NO_SUCH_USER, LOG_BY_REALM, LOGON_BETWEEN, NOT_PASSED_ON, ROUNDABOUT, CHILD_REALM, USER_NAME, CLASS_FACTORY,
        USER_SESSION, TOLD_SO, OTHER_RESULT, LOG_OTHER_BY_REALM, LOG_SILENT, ASKED_NOBODY, UNANSWERED, SLOW,
        DIRECT_TRUST, PARENT_CHILD, MAYBE_SAME, SYSTEM_SERVICE, ACCEPTED_BEFORE, ACCEPTED_LATER, OTHER_ERROR, SHUTDOWN,
    ),
    ceilings=(pac.CLIENT_ONLY, pac.SERVER_SEEN, pac.LOG_SEEN, pac.LOG_ALONE, REALM_UNKNOWN),
    next_steps=(
        "Compare the version of Kerberos.dll on the computer that accepts the call: "
        "rpctrace explain --kerberos-dll VERSION; install the hotfix, or a later Windows.",
        "Look for event 7 of Security-Kerberos in the System log of the computer that accepts the call.",
        LOOK_IN_LOG,
        "To get on at once: let both users log on with accounts of the computer's own forest.",
    ),
    references=(
        "[MS-APDS] 3.2.5.1", "[MS-NRPC] 2.2.1.4.16", "[MS-NRPC] 3.5.4.5.1", "[MS-KILE] 3.3.5.7", "RFC 4120 3.7",
        "https://support.microsoft.com/topic/379ef49e-d57c-d172-3743-1aefb088c38d",
    ),
)  # fmt: skip
