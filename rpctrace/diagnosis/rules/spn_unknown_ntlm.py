"""spn-unknown-ntlm: the KDC does not know the service, so the client fell back to NTLM.

What it means: the client asked for a ticket by the name that it uses for the server; no account has that service
principal name (error 7). Negotiate then takes NTLM without a word. Where NTLM works, only Kerberos is missing (no
delegation, no mutual authentication); where NTLM is refused or restricted, the call fails and looks like a logon
failure.
How we know: the refusal of the KDC, and within half a minute an NTLM authentication of the same client, to the host of
that name where the names tell.
What would refute it: a ticket for the same service that the same client got afterwards.
How to tell it from its neighbours: spn-unknown is the refusal alone; user-to-user begins with error 7 too, but goes on
with Kerberos.
How sure: 0.8 about the refusal that NTLM followed; 0.6 about an NTLM failure after it, which has a cause of its own
too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpctrace.correlation.fallback import host_names, service_host
from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.observed import authentication_items, call_items, exchange_items, host_text, ntlm_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found, required
from rpctrace.diagnosis.tokens import REFUSALS
from rpctrace.report import Authentication, Call, EvidenceItem, KerberosExchange

SAME_HOST = Clue(0.4, "the name asked for is the host that NTLM was spoken to")
OWN_CAUSE = Clue(0.4, "NTLM failed, and NTLM has reasons of its own to fail", against=True)
MADE_GOOD = Clue(0.8, "the same client got the ticket later", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    followers = _followers(evidence)
    if not followers:
        return
    for failure in evidence.of(FailureKind.KDC):
        after = [each for asked in failure.exchanges for each in followers.get(asked.id, ())]
        if failure.exchange.error == kdc.S_PRINCIPAL_UNKNOWN and after:
            yield _refusal(evidence, failure, after)
    for failure in (*evidence.of(FailureKind.CALL), *evidence.of(FailureKind.AUTHENTICATION)):
        record = failure.call if failure.calls else failure.authentication
        asked = _error_before(evidence, record)
        if asked is not None and asked.error == kdc.S_PRINCIPAL_UNKNOWN and _is_about_logon(record):
            yield _failed(evidence, failure, record, asked)


def _followers(evidence: Evidence) -> dict[str, list[Call | Authentication]]:
    """NTLM authentications by the exchange whose error came before them."""
    table: dict[str, list[Call | Authentication]] = {}
    for call in evidence.report.calls:
        if call.auth is not None and call.auth.after_error is not None:
            table.setdefault(call.auth.after_error, []).append(call)
    for said in evidence.report.authentications:
        if said.after_error is not None:
            table.setdefault(said.after_error, []).append(said)
    return table


def _error_before(evidence: Evidence, record: Call | Authentication) -> KerberosExchange | None:
    if isinstance(record, Authentication):
        return evidence.exchanges.get(record.after_error or "")
    legs = (record, *evidence.context_legs(record))
    errors = [leg.auth.after_error for leg in legs if leg.auth is not None and leg.auth.after_error is not None]
    return evidence.exchanges.get(errors[0]) if errors else None


def _is_about_logon(record: Call | Authentication) -> bool:
    return isinstance(record, Authentication) or record.reply == "bind_nak" or record.status in REFUSALS


def _refusal(evidence: Evidence, failure: Failure, after: Sequence[Call | Authentication]) -> Hypothesis:
    asked, ntlm = failure.exchange, after[0]
    frame = ntlm.request_frame if isinstance(ntlm, Authentication) else next(iter(ntlm.request_frames), None)
    failed = [each for each in after if _failed_later(evidence, each)]
    result = "failed too" if failed else "was not refused"
    return Hypothesis(
        failure,
        f"The KDC of {asked.realm or '?'} knows no service {'/'.join(asked.sname) or '?'}, for which"
        f" {asked.client.address} asked; the client used NTLM{ntlm_text(ntlm)} with {host_text(ntlm.server)} instead,"
        f" which {result}",
        (*exchange_items(asked), required("NTLM instead", ntlm.capture, frame)),
        found(*_clues(evidence, asked, ntlm)),
        severity=None if failed else "low",
    )


def _failed_later(evidence: Evidence, record: Call | Authentication) -> bool:
    if isinstance(record, Authentication):
        return record.outcome == "rejected"
    context = record.auth.context_id if record.auth else None
    calls = (record, *evidence.later_on_connection(record))
    return any(each.failed and each.auth is not None and each.auth.context_id == context for each in calls[:8])


def _failed(evidence: Evidence, failure: Failure, record: Call | Authentication, asked: KerberosExchange) -> Hypothesis:
    items = authentication_items(record) if isinstance(record, Authentication) else call_items(failure)
    own = OWN_CAUSE.seen("it is NTLM that was refused", record.capture)
    return Hypothesis(
        failure,
        f"{record.client.address} used NTLM{ntlm_text(record)} with {host_text(record.server)} because the KDC knows"
        f" no service {'/'.join(asked.sname) or '?'}; and NTLM was refused",
        (*exchange_items(asked), *items),
        found(*_clues(evidence, asked, record), own),
    )


def _clues(evidence: Evidence, asked: KerberosExchange, record: Call | Authentication) -> Iterator[EvidenceItem | None]:
    host = service_host(asked.sname)
    ntlm = record.ntlm if isinstance(record, Authentication) else record.auth.ntlm if record.auth else None
    target = record.target if isinstance(record, Authentication) else None
    names = host_names((record.server.address, record.server.name, target, ntlm.target if ntlm else None))
    if names & host_names((host,)):
        yield SAME_HOST.seen(f"{'/'.join(asked.sname)} names this host", asked.capture, asked.request_frame)
    later = evidence.later_answer(asked)
    if later is not None:
        yield MADE_GOOD.seen("a ticket for it was issued later", later.capture, later.reply_frame)


RULE = Rule(
    name="spn-unknown-ntlm",
    title="The KDC does not know the service, and the client fell back to NTLM",
    documentation=__doc__,
    severity="medium",
    base=0.8,
    requires=(
        "a KDC that answers KDC_ERR_S_PRINCIPAL_UNKNOWN (7)",
        "an NTLM authentication of the same client within half a minute",
    ),
    find=find,
    clues=(SAME_HOST, OWN_CAUSE, MADE_GOOD),
    next_steps=(
        "Look who has the name: setspn -Q SERVICE/HOST (add -F for the whole forest).",
        "Register it on the account that the service runs as: setspn -S SERVICE/HOST ACCOUNT; or let the client use "
        "the server's full DNS name.",
        "Across a forest trust: name suffix routing must cover the host's DNS domain: netdom trust /NameSuffixes.",
    ),
    references=("RFC 4120 7.5.9", "[MS-KILE] 3.3.5.7", "[MS-SPNG] 1.3"),
)
