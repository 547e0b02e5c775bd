"""Report: the one document that every rendering sees, in the words of the JSON promise (`rpctrace.report/1`).

Field for field the dataclasses here are the JSON objects: a rendering writes them and adds nothing. Text is as it came
from the capture (it may hold controls and undecodable octets as surrogate escapes); the way out makes it safe.
Times are nanoseconds since 1970 UTC; `*_time` beside them is the same moment in ISO 8601.
"""

from rpctrace.report.calls import (
    FAILED_OUTCOMES,
    Auth,
    Call,
    ErrorParameter,
    ExtendedError,
    FaultFacts,
    Host,
    Interface,
    Ntlm,
    Sighting,
    Ticket,
    is_failure,
)
from rpctrace.report.document import (
    SCHEMA,
    UNREAD_LIMITS,
    CaptureFacts,
    Clock,
    Limit,
    LogEntry,
    PduLine,
    ProblemEntry,
    Report,
    Stream,
    Summary,
    Tool,
)
from rpctrace.report.exchanges import (
    Authentication,
    Endpoint,
    Etype,
    Event,
    KerberosExchange,
    PaData,
    ReferralPath,
    TicketName,
)
from rpctrace.report.findings import SEVERITIES, EvidenceItem, Finding, LogLine, display_filter

__all__ = [
    "FAILED_OUTCOMES",
    "SCHEMA",
    "SEVERITIES",
    "UNREAD_LIMITS",
    "Auth",
    "Authentication",
    "Call",
    "CaptureFacts",
    "Clock",
    "Endpoint",
    "ErrorParameter",
    "Etype",
    "Event",
    "EvidenceItem",
    "ExtendedError",
    "FaultFacts",
    "Finding",
    "Host",
    "Interface",
    "KerberosExchange",
    "Limit",
    "LogEntry",
    "LogLine",
    "Ntlm",
    "PaData",
    "PduLine",
    "ProblemEntry",
    "ReferralPath",
    "Report",
    "Sighting",
    "Stream",
    "Summary",
    "Ticket",
    "TicketName",
    "Tool",
    "display_filter",
    "is_failure",
]
