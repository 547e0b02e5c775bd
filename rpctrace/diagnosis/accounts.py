"""What the rules about accounts share: refusals because of the account, wherever they show.

A KDC says so with an error, SMB with an NTSTATUS in the answer to the session setup, Active Directory's LDAP with a
code in its text, and the domain controller's netlogon.log with an NTSTATUS for a logon that somebody passed on to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.log_evidence import is_generic
from rpctrace.diagnosis.observed import authentication_items, call_items, call_text, host_text, ntlm_text
from rpctrace.diagnosis.rule import Ceiling, required
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Authentication, EvidenceItem, KerberosExchange, LogEntry

LOG_FINDINGS = 10  # of each rule: a log of a busy domain controller has thousands of wrong passwords
JOINED_LOOSELY = Ceiling(
    0.65,
    "neither the server's name nor the time of the log line could be compared with the call",
    "the clock of the log, or the name of the server, to tell that the line is about this call",
)

# [MS-ERREF] 2.2, 2.3.1: what Active Directory puts behind `data` in the text of a refused bind -> NTSTATUS
_LDAP_DATA = {
    0x525: 0xC0000064, 0x52E: 0xC000006D, 0x530: 0xC000006F, 0x531: 0xC0000070, 0x532: 0xC0000071, 0x533: 0xC0000072,
    0x569: 0xC000015B, 0x701: 0xC0000193, 0x773: 0xC0000224, 0x775: 0xC0000234,
}  # fmt: skip
_DATA = r"AcceptSecurityContext error, data ([0-9a-fA-F]{1,8})\b"


class Refused(NamedTuple):
    """A failure with the code that speaks of the account: `error` of a KDC, or an NTSTATUS. `who` and `where` in
    words; `entry`: the log line that says so; `left_out`: how many more the log holds."""

    failure: Failure
    error: int | None
    ntstatus: int | None
    who: str
    where: str
    required: tuple[EvidenceItem, ...]
    entry: LogEntry | None = None
    left_out: int = 0

    @property
    def exchange(self) -> KerberosExchange | None:
        return self.failure.exchange if self.failure.kind is FailureKind.KDC else None

    def ceilings(self, evidence: Evidence) -> tuple[Ceiling, ...]:
        """A line that was joined to a call by a name alone may be about another."""
        entry = self.entry
        if self.failure.kind is not FailureKind.CALL or entry is None:
            return ()
        halves = (entry.line, entry.partner)
        joined = (each for each in evidence.log_entries(self.failure.call) if each.file == entry.file)
        sure = any({"server", "time"} & set(each.joined_by) for each in joined if each.line in halves)
        return () if sure else (JOINED_LOOSELY,)

    @property
    def is_from_log_alone(self) -> bool:
        return self.failure.kind is FailureKind.LOG

    @property
    def more(self) -> str:
        return f"; the log has {self.left_out} more of this kind" if self.left_out else ""


def refused(evidence: Evidence, errors: Collection[int], statuses: Collection[int]) -> Iterator[Refused]:
    """Every failure that one of these errors of a KDC, or one of these NTSTATUS, explains."""
    for failure in kdc.refusals(evidence, *errors):
        exchange = failure.exchange
        yield Refused(
            failure, exchange.error, exchange.ntstatus, kdc.client_text(exchange), kdc.kdc_text(exchange),
            kdc.refusal_items(evidence, failure),
        )  # fmt: skip
    for failure in evidence.of(FailureKind.AUTHENTICATION):
        said = failure.authentication
        ntstatus = ntstatus_of(said)
        if ntstatus in statuses:
            who = f"{ntlm_text(said).removeprefix(' as ')} at {said.client.address}".removeprefix(" at ")
            where = f"{host_text(said.server)} ({said.carried_in})"
            yield Refused(failure, None, ntstatus, who, where, authentication_items(said))
    if evidence.has_logs:
        yield from _by_log(evidence, statuses)


def _by_log(evidence: Evidence, statuses: Collection[int]) -> Iterator[Refused]:
    """Failed calls about which a log line says why, and lines that are about no call."""
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        results = (each for each in evidence.log_results(call) if is_user_logon(each))
        entry = next((each for each in results if each.status in statuses), None)
        if entry is not None:
            where = f"{host_text(call.server)} (the {call_text(call)})"
            items = (*call_items(failure), required(entry_text(entry), entry=entry))
            yield Refused(failure, None, entry.status, user_text(entry), where, items, entry)
    shown: list[tuple[Failure, LogEntry]] = []
    left_out = 0
    for failure in evidence.of(FailureKind.LOG):
        entry = failure.entries[0]
        if entry.status not in statuses or not is_user_logon(entry):
            continue
        if not _concerns_the_captures(evidence, entry) or evidence.is_about_a_call(entry):
            continue
        if len(shown) < LOG_FINDINGS:
            shown.append((failure, entry))
        else:
            left_out += 1
    for number, (failure, entry) in enumerate(shown, 1):
        items = tuple(required(entry_text(each), entry=each) for each in failure.entries[:LOG_FINDINGS])
        rest = left_out if number == len(shown) else 0
        yield Refused(failure, None, entry.status, user_text(entry), "the domain controller", items, entry, rest)


def _concerns_the_captures(evidence: Evidence, entry: LogEntry) -> bool:
    """Whether the line is of the captures' time; where one of the two has no times, it may be."""
    if entry.time_ns is None:
        return True
    spans = [(each.first_ns, each.last_ns) for each in evidence.report.captures]
    known = [(first, last) for first, last in spans if first is not None and last is not None]
    return not known or any(first <= entry.time_ns <= last for first, last in known)


def is_user_logon(entry: LogEntry) -> bool:
    """Not a validation of a ticket's PAC, whose user is empty."""
    return not is_generic(entry) and bool(entry.user)


def user_text(entry: LogEntry) -> str:
    name = f"{entry.domain}\\{entry.user}" if entry.domain else entry.user or "?"
    return f"{name} from {entry.workstation}" if entry.workstation else name


def entry_text(entry: LogEntry) -> str:
    """The log line, shortened to what matters."""
    via = f" via {entry.via}" if entry.via else ""
    status = f"{entry.status_name or ''} {entry.status_hex or ''}".strip()
    return f"{entry.kind or 'unknown'} logon of {user_text(entry)}{via}: {status}"


def ntstatus_of(said: Authentication) -> int | None:
    """What an authentication outside RPC was refused with, where that is or stands for an NTSTATUS. A refused ticket
    says nothing of the account, whatever the code."""
    if said.mechanism == "kerberos":
        return None
    if said.carried_in == "smb":
        return said.status
    told = told_by_directory(said)
    return told[0] if told is not None else None


def told_by_directory(said: Authentication) -> tuple[int | None, str] | None:
    """The NTSTATUS that the text of a refused bind stands for (None for a code that is not in the table), and that
    text."""
    for note in said.notes:
        match = re.search(_DATA, note)
        if match is not None:
            return _LDAP_DATA.get(int(match[1], 16)), note
    return None


def line_about(evidence: Evidence, said: Authentication) -> LogEntry | None:
    """The line of netlogon.log that says why this very logon with NTLM was refused: of the same user through the same
    server between request and answer; where no time can be compared, user, package and server must all be named."""
    ntlm = said.ntlm
    if ntlm is None or not ntlm.user or not evidence.has_logs:
        return None
    from rpctrace.correlation.log_subjects import (  # which knows what lines of logs are about, where there are any
        NTLM,
        TOLERANCE_S,
        About,
        agreement,
        is_enough_without_time,
        said_of,
        servers_of,
    )

    address = said.server.address
    servers, sure = servers_of(evidence.logged_names, address), address in evidence.sure_logged_names
    about = About(servers, sure, NTLM, (ntlm.domain or "").casefold() or None, ntlm.user.casefold(), address)
    span = evidence.span_ns(said)
    # A line has whole seconds, and is written before the answer
    tolerance_ns = TOLERANCE_S * NS_PER_SECOND
    first, last = (span[0] - tolerance_ns - NS_PER_SECOND, span[1] + tolerance_ns) if span else (None, None)
    near: list[LogEntry] = []
    for entry in evidence.refused_logons(ntlm.user, first, last):
        by = agreement(about, said_of(entry, evidence.partner_of(entry)))
        if by is not None and (entry.time_ns is not None or is_enough_without_time(about, by)):
            near.append(entry)
    return min(near, key=lambda entry: _apart_ns(entry, span[1] if span else None), default=None)


def _apart_ns(entry: LogEntry, answered_ns: int | None) -> tuple[bool, int]:
    """The nearest to the answer is the least; a line that has no time comes after all that have one."""
    if entry.time_ns is None or answered_ns is None:
        return True, 0
    return False, abs(entry.time_ns - answered_ns)
