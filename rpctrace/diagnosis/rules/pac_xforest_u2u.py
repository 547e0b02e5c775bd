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
realm is another one shows in tickets for services of that computer. The validation itself shows as a logon request on
the secure channel between the AP-REQ and the fault; its result shows only in netlogon.log.
What would refute it: an AP-REP for the same ticket, a validation with another result, a server and a ticket of one
realm or of two that trust each other directly, a server whose own traffic was captured and that asked nobody.
How sure: judgement. A refused user-to-user ticket of a foreign realm fits the article in every respect that a capture
shows, and so would a ticket that the server cannot open; only the log of the domain controller tells the two apart.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.correlation.realms import BY_TICKET, is_below, same_realm
from rpctrace.diagnosis import pac, tokens
from rpctrace.diagnosis.evidence import NS_PER_SECOND, Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import call_items, call_text, ticket_text
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found, required
from rpctrace.report import Call, EvidenceItem, Ticket

SLOW_NS = 3 * NS_PER_SECOND  # a domain controller that answers does so in milliseconds
MUST_USE_USER2USER = 27  # RFC 4120 7.5.9
_ICLASSFACTORY = "00000001-0000-0000-c000-000000000046"
_NO_SESSION = 0xFFFFFFFF  # [MS-DCOM] 2.2.22.2.2 dwSessionId: any

LOG_NO_SUCH_USER = Clue(0.9, "netlogon.log: Generic logon for the ticket's realm, package Kerberos, 0xC0000064")
LOG_BY_REALM = Clue(0.75, "the same, by the realm alone: neither the server's name nor the time could be compared")
LOGON_BETWEEN = Clue(0.4, "a logon request of the server on its secure channel between the AP-REQ and the fault")
NOT_PASSED_ON = Clue(0.15, "the domain controller, whose traffic was captured, passed the request to no other")
ROUNDABOUT = Clue(0.15, "the client's referral path shows another realm between the ticket's realm and the server's")
CHILD_REALM = Clue(0.1, "the ticket's realm is a child domain by its name; a forest trust is one of forest roots")
USER_NAME = Clue(0.1, "the service name is a user's: one component, no service class")
CLASS_FACTORY = Clue(0.1, "IClassFactory: what RemoteGetClassObject hands out for a session of a user")
TOLD_SO = Clue(0.05, "the KDC had demanded user-to-user for this name (error 27)")
LOG_OTHER = Clue(1.0, "the validation had another result", against=True)
LOG_SILENT = Clue(0.5, "netlogon.log tells of that time and has no generic logon for the realm", against=True)
ASKED_NOBODY = Clue(0.7, "the server's own traffic was captured, and it asked no domain controller", against=True)
SLOW = Clue(0.5, "seconds passed: a domain controller that does not know the domain answers at once", against=True)
DIRECT_TRUST = Clue(0.9, "by their names the two realms are parent and child, which trust each other", against=True)
MAYBE_SAME = Clue(0.6, "by its host name the server may be of the ticket's realm", against=True)
ACCEPTED_BEFORE = Clue(1.0, "the same server accepted the same ticket", against=True)
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


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call, ticket = failure.call, failure.call.ticket
        if ticket is None or not tokens.is_refused_ticket(call) or not tokens.is_user_to_user(call, evidence):
            continue
        claim = evidence.realm_of(call.server.address)
        if claim is not None and claim.surety >= BY_TICKET and same_realm(claim.realm, ticket.realm):
            continue
        log = _log_clue(evidence, call)
        known = claim is not None and not same_realm(claim.realm, ticket.realm)
        realm = [required(claim.text + ": its realm is another", claim.capture, claim.frame)] if claim and known else []
        ceilings = [_vantage(evidence, call, log)]
        if not known and (log is None or not log.supports):
            ceilings.append(REALM_UNKNOWN)
        yield Hypothesis(
            failure,
            _story(call, ticket, claim.realm if claim and known else None),
            (*call_items(failure), *realm),
            found(
                *_of_the_log(evidence, call, log),
                *_of_the_path(evidence, call, ticket),
                *_of_the_server(evidence, call),
                *_of_names(call, evidence),
            ),
            tuple(ceilings),
        )


def _story(call: Call, ticket: Ticket, realm: str | None) -> str:
    mine = f"a domain controller of {realm}" if realm else "its domain controller"
    return (
        f"{call.server.address} refused the user-to-user ticket for {ticket_text(ticket)} that {call.client.address}"
        f" presented in the {call_text(call)}. That fits a validation of its PAC which {mine} cannot have done: it"
        f" does not trust {ticket.realm or 'the realm of the ticket'} directly, and a generic logon goes no further"
    )


def _vantage(evidence: Evidence, call: Call, log: EvidenceItem | None) -> Ceiling:
    if log is not None and log.supports:
        return pac.LOG_SEEN
    return pac.SERVER_SEEN if pac.asked_meanwhile(evidence, call) is not None else pac.CLIENT_ONLY


def _log_clue(evidence: Evidence, call: Call) -> EvidenceItem | None:
    results = pac.validations(evidence, call)
    for entry in results:
        if entry.status == pac.NO_SUCH_USER:
            clue = LOG_NO_SUCH_USER if pac.joined_surely(entry) else LOG_BY_REALM
            return clue.seen(pac.log_text(entry), entry=entry)
    for entry in results:
        return LOG_OTHER.seen(f"{pac.log_text(entry)}: not what an unknown domain gives", entry=entry)
    if evidence.log_covers(call):
        return LOG_SILENT.seen("netlogon.log tells of the time of the fault and has no generic logon for this realm")
    return None


def _of_the_log(evidence: Evidence, call: Call, log: EvidenceItem | None) -> Iterator[EvidenceItem | None]:
    yield log
    shutdown = next(filter(None, (pac.shutdown_near(evidence, each) for each in pac.validations(evidence, call))), None)
    if shutdown is not None:
        yield SHUTDOWN.seen(pac.log_text(shutdown), entry=shutdown)


def _of_the_server(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    """What the server did between the AP-REQ and its answer."""
    logon = pac.asked_meanwhile(evidence, call)
    if logon is not None:
        text = f"{logon.operation or 'a logon request'} to {logon.server.address} between the AP-REQ and the fault"
        yield LOGON_BETWEEN.seen(text, logon.capture, logon.request_frames[-1] if logon.request_frames else None)
        controller = logon.server.address
        if evidence.acts_as_client(controller, call.capture) and not evidence.logons_between(controller, logon):
            yield NOT_PASSED_ON.seen(f"{controller} passed it to no other domain controller", logon.capture)
    elif evidence.secure_channel_of(call.server.address, call.capture):
        yield ASKED_NOBODY.seen(
            f"the secure channel of {call.server.address} was captured; between AP-REQ and fault nothing went over it",
            call.capture,
        )
    lasted = evidence.lasted_ns(call)
    if lasted is not None and lasted >= SLOW_NS:
        yield SLOW.seen(f"the answer took {lasted / NS_PER_SECOND:.1f} s", call.capture)
    status = tokens.extended_status(call)
    if status in _OTHER_CAUSES:
        yield OTHER_ERROR.seen(f"extended error {_OTHER_CAUSES[status]}", call.capture, call.reply_frames[-1])


def _of_the_path(evidence: Evidence, call: Call, ticket: Ticket) -> Iterator[EvidenceItem | None]:
    """How the two realms stand to each other."""
    claim, realm = evidence.realm_of(call.server.address), ticket.realm
    if realm is None:
        return
    if claim is not None:
        if same_realm(claim.realm, realm):
            yield MAYBE_SAME.seen(claim.text, claim.capture, claim.frame)
        elif is_parent(realm, claim.realm) or is_parent(claim.realm, realm):
            yield DIRECT_TRUST.seen(f"{realm} and {claim.realm} are parent and child by their names")
        path = next((each for each in evidence.report.referral_paths if _leads(each.realms, realm, claim.realm)), None)
        if path is not None:
            asked = evidence.exchanges.get(path.exchanges[-1])
            way = f"the way from {realm} to {claim.realm} leads through {', '.join(path.realms[1:-1])}"
            yield ROUNDABOUT.seen(way, path.capture, asked.reply_frame if asked is not None else None)
    if len(realm.split(".")) > 2:
        yield CHILD_REALM.seen(f"{realm} is a child domain by its name")


def is_parent(realm: str, other: str) -> bool:
    """Whether `other` is the domain right above `realm`, by their names."""
    return is_below(realm, other) and realm.count(".") == other.count(".") + 1


def _leads(realms: tuple[str, ...], start: str, end: str) -> bool:
    return len(realms) > 2 and same_realm(realms[0], start) and same_realm(realms[-1], end)


def _of_names(call: Call, evidence: Evidence) -> Iterator[EvidenceItem | None]:
    """What the service name and the interface say of who is served there."""
    ticket = call.ticket
    if ticket is not None and len(ticket.sname) == 1 and not ticket.sname[0].endswith("$"):
        yield USER_NAME.seen(f"{ticket.sname[0]} is a user's name", call.capture, ticket.frame)
    if any(each.uuid == _ICLASSFACTORY for each in call.interfaces):
        yield CLASS_FACTORY.seen("the call is for IClassFactory", call.capture, call.request_frames[-1])
    told = next((e for e in evidence.report.kerberos if ticket and _demanded(e.error, e.sname, ticket.sname)), None)
    if told is not None:
        yield TOLD_SO.seen(f"KDC of {told.realm}: KDC_ERR_MUST_USE_USER2USER", told.capture, told.reply_frame)
    if ticket is not None and ticket.fingerprint is not None and _accepted(evidence, call, ticket.fingerprint):
        yield ACCEPTED_BEFORE.seen(f"{call.server.address} answered the same ticket with an AP-REP elsewhere")


def _demanded(error: int | None, asked: tuple[str, ...], presented: tuple[str, ...]) -> bool:
    folded = [each.casefold() for each in presented]
    return error == MUST_USE_USER2USER and [each.casefold() for each in asked] == folded


def _accepted(evidence: Evidence, call: Call, fingerprint: str) -> bool:
    return any(
        each.ticket is not None
        and each.ticket.fingerprint == fingerprint
        and each.server.address == call.server.address
        and each.auth is not None
        and each.auth.reply_token == "AP-REP"
        for each in evidence.report.calls
    )


RULE = Rule(
    name="pac-xforest-u2u",
    title="PAC validation fails across forests for a server that runs as an ordinary user (user-to-user)",
    documentation=__doc__,
    severity="high",
    base=0.45,
    requires=(
        "a fault 0x721 that answers an alter_context with an AP-REQ",
        "user-to-user: ap-option use-session-key, TGT-REQ and TGT-REP before it, or a ticket got with ENC-TKT-IN-SKEY",
        "a ticket of another realm than the server's",
    ),
    find=find,
    clues=(
        LOG_NO_SUCH_USER, LOG_BY_REALM, LOGON_BETWEEN, NOT_PASSED_ON, ROUNDABOUT, CHILD_REALM, USER_NAME, CLASS_FACTORY,
        TOLD_SO, LOG_OTHER, LOG_SILENT, ASKED_NOBODY, SLOW, DIRECT_TRUST, MAYBE_SAME, ACCEPTED_BEFORE, OTHER_ERROR,
        SHUTDOWN,
    ),
    ceilings=(pac.CLIENT_ONLY, pac.SERVER_SEEN, pac.LOG_SEEN, REALM_UNKNOWN),
    next_steps=(
        "Compare the version of Kerberos.dll on the computer that accepts the call: "
        "rpctrace explain --kerberos-dll VERSION; install the hotfix, or a later Windows.",
        "Look for event 7 of Security-Kerberos in the System log of the computer that accepts the call.",
        "Look for the generic logon in netlogon.log of its domain controller: rpctrace analyze --netlogon FILE.",
        "To get on at once: let both users log on with accounts of the computer's own forest.",
    ),
    references=(
        "[MS-APDS] 3.2.5.1", "[MS-NRPC] 2.2.1.4.16", "[MS-NRPC] 3.5.4.5.1", "[MS-KILE] 3.3.5.7", "RFC 4120 3.7",
        "https://support.microsoft.com/topic/379ef49e-d57c-d172-3743-1aefb088c38d",
    ),
)  # fmt: skip
