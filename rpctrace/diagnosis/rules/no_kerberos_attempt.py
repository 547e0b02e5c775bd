"""no-kerberos-attempt: NTLM failed, and the client had not even tried Kerberos.

What it means: the client spoke NTLM at once, because the name that it used for the server cannot have a Kerberos
service principal name (an IP address), because the user is a local account, or because its program asks for NTLM. That
does not explain why NTLM failed; with Kerberos the question would not have come up.
How we know: a failed NTLM authentication; in the capture neither a ticket of this client for this server nor a question
for one, although the capture begins before.
What would refute it: a ticket presented to the same server; a refused question for one (spn-unknown-ntlm).
How to tell it from its neighbours: where a KDC refused, NTLM is the second choice: spn-unknown-ntlm.
How sure: a hint, 0.3: what a client had in its cache is in no capture.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import contexts
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import (
    account_text,
    asked_frame,
    authentication_items,
    call_items,
    call_text,
    host_text,
    ntlm_text,
)
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.diagnosis.tokens import REFUSALS
from rpctrace.encoding.addresses import address_of
from rpctrace.report import Authentication, Call, EvidenceItem

IP_TARGET = Clue(0.5, "the client calls the server by an IP address, for which there is no service principal name")
LOCAL_ACCOUNT = Clue(0.35, "the user's domain is the client computer itself: a local account has no Kerberos")
KERBEROS_ELSEWHERE = Clue(0.15, "the same client uses Kerberos with others, so it can")
SHOWN_ELSEWHERE = Clue(1.0, "the same client presented a ticket to the same server", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in (*evidence.of(FailureKind.CALL), *evidence.of(FailureKind.AUTHENTICATION)):
        record = failure.call if failure.calls else failure.authentication
        if not _is_failed_ntlm(evidence, record):
            continue
        known = evidence.once(_Known)
        if known.asked_for(record):
            continue
        said = f"over {record.carried_in}" if isinstance(record, Authentication) else f"for the {call_text(record)}"
        yield Hypothesis(
            failure,
            f"{record.client.address} used NTLM{ntlm_text(record)} {said} to {host_text(record.server)}, and the"
            " capture shows no attempt at Kerberos for that server",
            authentication_items(record) if isinstance(record, Authentication) else call_items(failure),
            found(*_clues(evidence, record, known)),
            missing=("the client's ticket cache before the capture: klist purge, then capture again",),
        )


def _is_failed_ntlm(evidence: Evidence, record: Call | Authentication) -> bool:
    if isinstance(record, Authentication):
        return record.mechanism == "ntlm" and record.after_error is None
    if not contexts.is_ntlm(record) or record.auth is None or record.auth.after_error is not None:
        return False
    refused = record.reply == "bind_nak" or record.status in REFUSALS
    if not refused or contexts.acceptance(evidence, record) is not None:
        return False
    if contexts.changed(evidence, record) or not evidence.context_legs(record):
        return False
    return all(leg.auth is None or leg.auth.after_error is None for leg in evidence.context_legs(record))


class _Known:
    """Who spoke Kerberos with whom."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence, report = evidence, evidence.report
        shown: list[Call | Authentication] = [*report.calls, *report.authentications]
        self.tickets = {evidence.hosts_of(each) for each in shown if each.ticket is not None}
        self.clients = {evidence.place_of(each, each.client) for each in report.kerberos if each.error is None}
        self._questions: dict[Place, set[str]] = {}
        for each in report.kerberos:
            if each.kind == "TGS" and len(each.sname) > 1:
                self._questions.setdefault(evidence.place_of(each, each.client), set()).add(_short(each.sname[1]))

    def asked_for(self, record: Call | Authentication) -> bool:
        """Whether the client asked a KDC for a ticket to this host, by a name that the record tells."""
        ntlm = record.ntlm if isinstance(record, Authentication) else record.auth.ntlm if record.auth else None
        target = record.target if isinstance(record, Authentication) else None
        names = {_short(each) for each in (record.server.name, target, ntlm.target if ntlm else None) if each}
        return bool(names & self._questions.get(self._evidence.place_of(record, record.client), set()))


def _short(name: str) -> str:
    """The host in a UNC path or DNS name, folded; an IP address whole."""
    host = name.strip("\\").split("\\")[0]
    return (host.split(".")[0] if address_of(host) is None else host).casefold()


def _clues(evidence: Evidence, record: Call | Authentication, known: _Known) -> Iterator[EvidenceItem | None]:
    target = record.target if isinstance(record, Authentication) else None
    frame = record.request_frame if isinstance(record, Authentication) else asked_frame(record)
    if target is not None and address_of(_short(target)) is not None:
        yield IP_TARGET.seen(f"target {target}", record.capture, frame)
    ntlm = record.ntlm if isinstance(record, Authentication) else record.auth.ntlm if record.auth else None
    if ntlm is not None and ntlm.domain and ntlm.domain.casefold() == (ntlm.workstation or "").casefold():
        yield LOCAL_ACCOUNT.seen(account_text(ntlm), record.capture, frame)
    client, server = evidence.hosts_of(record)
    if (client, server) in known.tickets:
        yield SHOWN_ELSEWHERE.seen("a ticket was presented to this server", record.capture)
    elif client in known.clients:
        yield KERBEROS_ELSEWHERE.seen("the client got tickets in this capture", record.capture)


RULE = Rule(
    name="no-kerberos-attempt",
    title="NTLM failed, and Kerberos was not tried",
    documentation=__doc__,
    severity="low",
    base=0.3,
    requires=(
        "a refused NTLM authentication of a call, or of SMB, LDAP or HTTP",
        "no ticket for that server, and no question for one, of the same client in the captures",
    ),
    find=find,
    clues=(IP_TARGET, LOCAL_ACCOUNT, KERBEROS_ELSEWHERE, SHOWN_ELSEWHERE),
    next_steps=(
        "Call the server by its full DNS name instead of its address.",
        "Look which service principal names it has: setspn -L SERVER; and whether the client gets a ticket: "
        "klist get host/SERVER.",
    ),
    references=("[MS-SPNG] 1.3", "RFC 4120 1.3", "[MS-NLMP] 1.3"),
)
