"""Report: the one document that every rendering sees, in the words of the JSON promise (`rpctrace.report/1`).

Field for field the dataclasses here are the JSON objects: a rendering writes them and adds nothing. Text is as it came
from the capture (it may hold controls and undecodable octets as surrogate escapes); the way out makes it safe.
Times are nanoseconds since 1970 UTC; `*_time` beside them is the same moment in ISO 8601.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SCHEMA = "rpctrace.report/1"


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """One input file. `complete` is False when octets of it could not be read; `stopped_at` is where that began."""

    path: str
    format: str
    compression: str | None
    frames: int
    bytes: int
    first_ns: int | None
    first_time: str | None
    last_ns: int | None
    last_time: str | None
    complete: bool
    stopped_at: int | None


@dataclass(frozen=True, slots=True)
class Host:
    """One end of a connection; `name` from name resolution in the capture, None where there is none."""

    address: str
    port: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Interface:
    """A presentation context of a bind or alter_context, or the interface of a request (`result` and `reason` None)."""

    context_id: int | None
    uuid: str
    version: str
    name: str | None
    transfer_syntax: str | None
    transfer_syntax_name: str | None
    result: int | None
    result_name: str | None
    reason: int | None
    reason_name: str | None


@dataclass(frozen=True, slots=True)
class FaultFacts:
    context_id: int | None
    cancel_count: int | None
    did_not_execute: bool


@dataclass(frozen=True, slots=True)
class ErrorParameter:
    type: str
    value: str | int | None


@dataclass(frozen=True, slots=True)
class ExtendedError:
    """One record of [MS-EERR], outermost first."""

    computer: str | None
    pid: int
    time_ns: int
    time: str | None
    component: int
    component_name: str | None
    status: int
    status_hex: str
    status_name: str | None
    location: int
    location_name: str | None
    parameters: tuple[ErrorParameter, ...]


@dataclass(frozen=True, slots=True)
class Ntlm:
    """The names of an NTLM exchange, never its proofs."""

    domain: str | None
    user: str | None
    workstation: str | None
    target: str | None


@dataclass(frozen=True, slots=True)
class Auth:
    """The security context of a call. `token` is what the request carried, `reply_token` what its answer carried."""

    context_id: int | None
    auth_type: int
    auth_type_name: str | None
    mechanism: str
    level: int
    level_name: str | None
    token: str | None
    reply_token: str | None
    kerberos_error: int | None
    kerberos_error_name: str | None
    ntlm: Ntlm | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """The ticket last presented in the call's security context, as its clear text reads (unauthenticated)."""

    realm: str | None
    sname: tuple[str, ...]
    name_type: int | None
    name_type_name: str | None
    etype: int | None
    etype_name: str | None
    authenticator_etype: int | None
    kvno: int | None
    ap_options: tuple[str, ...]
    user_to_user: bool
    presented_in: str
    frame: int


@dataclass(frozen=True, slots=True)
class Call:
    """One thing the client asked for and what became of it."""

    id: str
    capture: int
    connection: str
    kind: str
    transport: str
    client: Host
    server: Host
    pipe: str | None
    call_id: int | None
    activity: str | None
    sequence: int | None
    association_group: int | None
    header_signing: bool | None
    presentation_context_id: int | None
    object_uuid: str | None
    interfaces: tuple[Interface, ...]
    opnum: int | None
    operation: str | None
    max_xmit: int | None
    max_recv: int | None
    request_frames: tuple[int, ...]
    request_ns: int | None
    request_time: str | None
    reply_frames: tuple[int, ...]
    reply_ns: int | None
    reply_time: str | None
    reply: str | None
    answer_expected: bool
    outcome: str
    status: int | None
    status_hex: str | None
    status_name: str | None
    reject_reason: int | None
    reject_reason_name: str | None
    fault: FaultFacts | None
    extended_error: tuple[ExtendedError, ...] | None
    auth: Auth | None
    ticket: Ticket | None
    partial: bool
    notes: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether somebody should look: the call was refused, faulted or left without an answer that it expected."""
        return is_failure(self.outcome, self.answer_expected)


FAILED_OUTCOMES = frozenset(("rejected", "faulted", "unanswered"))


def is_failure(outcome: str, answer_expected: bool) -> bool:
    """The one definition of a failed call; silence is none where no answer was expected."""
    return outcome in FAILED_OUTCOMES and (answer_expected or outcome != "unanswered")


@dataclass(frozen=True, slots=True)
class KerberosExchange:
    """One Kerberos exchange wherever it travelled, or a KRB-ERROR seen alone (`request_frame` None)."""

    capture: int
    kind: str | None
    carried_in: str
    call: str | None
    client: Host
    server: Host
    realm: str | None
    cname: tuple[str, ...]
    sname: tuple[str, ...]
    request_frame: int | None
    request_ns: int | None
    request_time: str | None
    reply_frame: int | None
    reply_ns: int | None
    reply_time: str | None
    reply: str | None
    error: int | None
    error_name: str | None
    ntstatus: int | None
    ntstatus_hex: str | None
    ntstatus_name: str | None
    e_text: str | None
    server_ns: int | None
    server_time: str | None
    referral_to: str | None
    user_to_user: bool


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of a netlogon.log (no reader yet: the list is empty)."""

    file: str
    line: int
    flag: str | None
    kind: str | None
    domain: str | None
    user: str | None
    workstation: str | None
    via: str | None
    package: str | None
    phase: str | None
    status: int | None
    status_hex: str | None
    status_name: str | None
    time: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """All requests of one client, server, interface and operation, kept or only counted. Durations in nanoseconds."""

    capture: int
    client: str
    server: str
    interface: str | None
    operation: str | None
    count: int
    failed: int
    median_ns: int | None
    largest_ns: int | None


@dataclass(frozen=True, slots=True)
class Stream:
    """One connection that carried DCE/RPC."""

    id: str
    capture: int
    client: Host
    server: Host
    first_frame: int
    last_frame: int
    first_ns: int | None
    last_ns: int | None
    pdus: int
    calls: int
    failed: int
    joined_late: bool
    gaps: int
    missing_octets: int
    ended: str | None


@dataclass(frozen=True, slots=True)
class LogLine:
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """What speaks for (`supports`, written `for` in JSON) or against a finding, and in which frame or log line."""

    supports: bool = field(metadata={"name": "for"})
    text: str
    capture: int | None
    frame: int | None
    log_line: LogLine | None
    weight: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A conclusion: the rule that drew it, the calls and every frame of the failure, and how sure it is (0 to 1)."""

    rule: str
    title: str
    severity: str
    confidence: float
    summary: str
    calls: tuple[str, ...]
    capture: int
    frames: tuple[int, ...]
    display_filter: str
    evidence: tuple[EvidenceItem, ...]
    missing: tuple[str, ...]
    next_steps: tuple[str, ...]
    references: tuple[str, ...]


SEVERITIES = ("high", "medium", "low", "note")


@dataclass(frozen=True, slots=True)
class ProblemEntry:
    """Something that could not be read, and where: `offset` in octets from the start of `layer`'s own structure."""

    layer: str
    text: str
    capture: int
    frame: int | None
    offset: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A named bound that was reached: `reached` counts how often (or how many were left out)."""

    name: str
    value: int
    reached: int


@dataclass(frozen=True, slots=True)
class PduLine:
    """One MSRPC PDU for the Network Monitor view. `conversations` are (protocol, id) pairs, innermost first."""

    capture: int
    frame: int
    timestamp_ns: int | None
    kind: str
    call_id: int
    interface_uuid: str | None
    interface_name: str | None
    operation: str | None
    opnum: int | None
    context_id: int | None
    alloc_hint: int | None
    association_group: int | None
    max_xmit: int | None
    max_recv: int | None
    status: int | None
    cancel_count: int | None
    reject_reason: int | None
    token: str | None
    realm: str | None
    sname: tuple[str, ...]
    conversations: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What one run found in its captures. `pdus` is filled only on request and is not part of the JSON document."""

    tool: Tool
    captures: tuple[CaptureFacts, ...]
    calls: tuple[Call, ...]
    kerberos: tuple[KerberosExchange, ...] = ()
    log_entries: tuple[LogEntry, ...] = ()
    summary: tuple[Summary, ...] = ()
    streams: tuple[Stream, ...] = ()
    findings: tuple[Finding, ...] = ()
    problems: tuple[ProblemEntry, ...] = ()
    limits: tuple[Limit, ...] = ()
    pdus: tuple[PduLine, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every octet of every input was read; if not, the exit status is 3."""
        unread = any(limit.name in UNREAD_LIMITS for limit in self.limits)
        return not unread and all(capture.complete for capture in self.captures)


# Limits whose reaching means that octets of the capture were left unread.
UNREAD_LIMITS = frozenset(("parked_octets", "parked_octets_of_a_direction"))


def display_filter(frames: tuple[int, ...]) -> str:
    """The Wireshark display filter that shows exactly these frames; three or more in a row become a range."""
    runs: list[list[int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    parts = [f"{a}..{b}" if b - a > 1 else f"{a}, {b}" if b > a else f"{a}" for a, b in runs]
    return f"frame.number in {{{', '.join(parts)}}}" if parts else ""
