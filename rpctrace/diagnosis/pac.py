"""What the rules about PAC validation share: how the validation shows in a capture and in netlogon.log.

A process that is no service of the system has the KDC signature of a ticket's PAC verified by a domain controller
([MS-APDS] 3.2.5.1): its computer sends NetrLogonSamLogonEx at level Generic with package Kerberos for the realm of the
ticket. The stub is sealed as a rule; operation and time are seen. The domain controller's log calls it `Generic logon`.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.correlation.realms import is_granting
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.observed import answer_frame
from rpctrace.diagnosis.refusals import Refusal, refusals
from rpctrace.diagnosis.rule import Ceiling, Clue
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Authentication, Call, Event, EvidenceItem, LogEntry, Ticket

SUCCESS = 0
NO_SUCH_USER = 0xC0000064
NO_LOGON_SERVERS = 0xC000005E
LOGON_FAILURE = 0xC000006D
INVALID_SERVER_STATE = 0xC00000DC
SHUTDOWN_NS = 600 * NS_PER_SECOND  # a domain controller is down some minutes after it stops to answer rightly
SLOW_NS = 3 * NS_PER_SECOND  # a domain controller that answers does so in milliseconds
_GENERIC_LEVEL = 4  # [MS-NRPC] 2.2.1.4.16 NetlogonGenericInformation
_DIRECTORY_PORTS = frozenset((88, 135, 389, 445, 3268))
_FIRST_DYNAMIC_PORT = 49152

# Services that run as LocalSystem, NetworkService or LocalService, which do not have PACs validated ([MS-APDS] note 2).
SYSTEM_SERVICES = frozenset(("host", "rpcss", "cifs", "ldap", "gc", "dns", "termsrv", "wsman", "restrictedkrbhost"))

CLIENT_ONLY = Ceiling(
    0.65,
    "nothing of the server's own side was captured",
    "a capture taken on the server, with its Netlogon traffic to the domain controller",
)
NO_LOG = Ceiling(
    0.85,
    "the result of the PAC validation stands only in the domain controller's log",
    "the netlogon.log of the server's domain controller for this time (--netlogon; "
    "turned on with nltest /dbflag:0x2080ffff)",
)
LOG_SEEN = Ceiling(
    0.97,
    "that this very process asked for the validation stands only in the server's event log",
    "event 7 of Security-Kerberos in the server's System log",
)
SERVER_SEEN = Ceiling(0.8, "no netlogon.log was given", NO_LOG.missing)
LOG_ALONE = Ceiling(
    0.6,
    "no capture shows the ticket whose PAC it was",
    "a capture of the refused call, taken on the client or on the server that the log names",
)


OTHER_RESULT = Clue(1.0, "the validation had another result", against=True)
SYSTEM_SERVICE = Clue(0.6, "the name is of a service of the system, which has no PAC validated", against=True)


class Result(NamedTuple):
    """What a validation came to, and where that stands. `sure`: the line or call belongs to this very refusal."""

    status: int
    text: str
    sure: bool
    entry: LogEntry | None = None
    capture: int | None = None
    frame: int | None = None

    def as_clue(self, clue: Clue, more: str = "") -> EvidenceItem:
        return clue.seen(f"{self.text}{more}", self.capture, self.frame, self.entry)


def candidates(evidence: Evidence) -> Iterator[Refusal]:
    """Refusals of a service ticket without a cause: a PAC may be behind them."""
    for refusal in refusals(evidence):
        ticket = refusal.ticket
        if refusal.error is None and ticket is not None and not is_granting(ticket.sname):
            yield refusal


def results(evidence: Evidence, record: Call | Authentication) -> tuple[Result, ...]:
    """What the validation of the ticket of this call came to: the surer first. Of an unsealed logon the call itself
    says it."""
    logged = (
        Result(entry.status, log_text(entry), joined_surely(entry), entry)
        for entry in (validations(evidence, record) if isinstance(record, Call) else ())
        if entry.status is not None
    )
    seen = (_of_logon(logon) for logon in logons_meanwhile(evidence, record))
    return tuple(sorted((*logged, *filter(None, seen)), key=lambda result: not result.sure))


def _of_logon(logon: Call) -> Result | None:
    said = logon.secure_channel
    if said is None or said.status is None:
        return None
    text = f"{said.operation} for {said.domain or '?'}: {said.status_name or ''} {said.status_hex or ''}".rstrip()
    return Result(said.status, text, True, None, logon.capture, answer_frame(logon))


def validations(evidence: Evidence, call: Call) -> tuple[LogEntry, ...]:
    """Results of generic logons of package Kerberos about this call."""
    return tuple(entry for entry in evidence.log_results(call) if is_validation(entry))


def is_validation(entry: LogEntry) -> bool:
    return entry.kind == "Generic" and (entry.package or "Kerberos").casefold() == "kerberos"


def lone_lines(evidence: Evidence, *statuses: int) -> Iterator[tuple[Failure, LogEntry]]:
    """Validations with one of these results that only a log tells of: no failed call was joined to them."""
    for failure in evidence.of(FailureKind.LOG):
        entry = failure.entries[0]
        if entry.status not in statuses or not is_validation(entry):
            continue
        if not any(call.failed for each in failure.entries for call in evidence.calls_of_line(each)):
            yield failure, entry


def logons_meanwhile(evidence: Evidence, record: Call | Authentication) -> tuple[Call, ...]:
    """Logon requests between this call and its answer that may be a validation of its ticket's PAC."""
    return tuple(filter(could_be_validation, evidence.logons_between(record.server.address, record)))


def asked_meanwhile(evidence: Evidence, record: Call | Authentication) -> Call | None:
    """The first of them."""
    return next(iter(logons_meanwhile(evidence, record)), None)


def could_be_validation(logon: Call) -> bool:
    """Whether a logon request seen may be a PAC validation: sealed, or of level Generic for Kerberos."""
    said = logon.secure_channel
    if said is None or said.logon_level is None:
        return True
    return said.logon_level == _GENERIC_LEVEL and (said.package or "Kerberos").casefold() == "kerberos"


def was_answered(logon: Call) -> bool:
    return logon.outcome in ("answered", "accepted")


def vain_attempt(evidence: Evidence, record: Call | Authentication) -> Event | None:
    """An attempt of the server, while it had this call, to reach another host as one reaches a domain controller, that
    nothing answered."""
    for event in evidence.attempts_between(record.server.address, record):
        port, other = event.server.port, event.server.address != record.client.address
        looks_up = port in _DIRECTORY_PORTS or port >= _FIRST_DYNAMIC_PORT
        if event.kind in ("no_answer", "refused", "retransmitted") and other and looks_up:
            return event
    return None


def runs_as_system(ticket: Ticket) -> bool:
    """Whether the name is that of a service of the operating system, or of the computer's own account."""
    if len(ticket.sname) == 1:
        return ticket.sname[0].endswith("$")
    return ticket.sname[:1] != () and ticket.sname[0].casefold() in SYSTEM_SERVICES


def vantage(evidence: Evidence, record: Call | Authentication, result: Result | None) -> Ceiling:
    """How sure one may be from where the captures were taken, and whether the validation's result was seen."""
    if result is not None:
        return LOG_SEEN
    return SERVER_SEEN if asked_meanwhile(evidence, record) is not None else CLIENT_ONLY


def joined_surely(entry: LogEntry) -> bool:
    """Whether the line names the server or falls on the time of the call, beside the realm."""
    return bool({"server", "time"} & set(entry.joined_by))


def log_text(entry: LogEntry) -> str:
    """The line, shortened to what matters."""
    who = f"{entry.domain or '(null)'}\\{entry.user or '(null)'}"
    via = f" via {entry.via}" if entry.via else ""
    status = f"{entry.status_name or ''} {entry.status_hex or ''}".strip()
    return f"{entry.kind} logon of {who}{via}, package {entry.package or '?'}: {status}"


def shutdown_near(evidence: Evidence, entry: LogEntry) -> LogEntry | None:
    """A logon that failed within minutes because a domain controller was shutting down."""
    return evidence.log_near(entry, INVALID_SERVER_STATE, SHUTDOWN_NS)
