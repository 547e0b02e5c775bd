"""What the rules about PAC validation share: how the validation shows in a capture and in netlogon.log.

A process that is no service of the system has the KDC signature of a ticket's PAC verified by a domain controller
([MS-APDS] 3.2.5.1): its computer sends NetrLogonSamLogonEx at level Generic with package Kerberos for the realm of the
ticket. The stub is sealed; operation and time are seen. The domain controller's log calls it a `Generic logon`.
"""

from __future__ import annotations

from rpctrace.diagnosis.evidence import NS_PER_SECOND, Evidence
from rpctrace.diagnosis.rule import Ceiling
from rpctrace.report import Call, LogEntry

SUCCESS = 0
NO_SUCH_USER = 0xC0000064
NO_LOGON_SERVERS = 0xC000005E
LOGON_FAILURE = 0xC000006D
INVALID_SERVER_STATE = 0xC00000DC
SHUTDOWN_NS = 600 * NS_PER_SECOND  # a domain controller is down some minutes after it stops to answer rightly

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


def validations(evidence: Evidence, call: Call) -> tuple[LogEntry, ...]:
    """Results of generic logons of package Kerberos about this call."""
    return tuple(
        entry
        for entry in evidence.log_results(call)
        if entry.kind == "Generic" and (entry.package or "Kerberos").casefold() == "kerberos"
    )


def asked_meanwhile(evidence: Evidence, call: Call) -> Call | None:
    """The logon request that the server made to its domain controller between this call and its answer."""
    return next(iter(evidence.logons_between(call.server.address, call)), None)


def could_be_validation(logon: Call) -> bool:
    """Whether a logon request seen may be a PAC validation: sealed, or of level Generic for Kerberos."""
    said = logon.secure_channel
    if said is None or said.logon_level is None:
        return True
    return said.logon_level == 4 and (said.package or "Kerberos").casefold() == "kerberos"


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
    for each in evidence.report.log_entries:
        if each.status == INVALID_SERVER_STATE and each.file == entry.file:
            apart = None if each.time_ns is None or entry.time_ns is None else abs(each.time_ns - entry.time_ns)
            if apart is None or apart <= SHUTDOWN_NS:
                return each
    return None
