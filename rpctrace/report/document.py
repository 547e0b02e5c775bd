"""The document as a whole: what was read, what it holds, and where reading met a bound."""

from __future__ import annotations

from rpctrace.record import record
from rpctrace.report.calls import Call, Host
from rpctrace.report.exchanges import Authentication, Endpoint, Event, KerberosExchange, ReferralPath
from rpctrace.report.findings import Finding
from rpctrace.report.logs import LogEntry, LogFacts

SCHEMA = "rpctrace.report/1"


@record
class Tool:
    """The program that made the report."""

    name: str
    version: str


@record
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


@record
class Clock:
    """How a capture's clock stands to the `reference` capture's, which is the first of those that share frames with it,
    directly or through others: what to add to its times (`offset_ns`), how far that may be off, and from how many
    frames that both captures hold it was found (0: one goes on where the other ends). `uncertainty_ns` does not know
    the way between the two places where frames were captured in one direction alone."""

    capture: int
    reference: int
    offset_ns: int
    uncertainty_ns: int
    frames: int


@record
class HostClock:
    """How a host's own clock stood to the first capture's: `offset_ns` is what to add to that one's time to get what
    the host said it was (the median of `samples`), `spread_ns` how far the samples lie apart. `source`: where the host
    said it: krb_error (stime), extended_error (FILETIME of the record), netlogon (the lines of its log, of whole
    seconds). `address` None: the host is known by its `name` alone. `capture`: in which the samples were seen."""

    address: str | None
    name: str | None
    source: str
    capture: int | None
    offset_ns: int
    samples: int
    spread_ns: int


@record
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


@record
class Stream:
    """One conversation that carried DCE/RPC: a TCP connection, an open pipe, a virtual connection, a pair of UDP ends.
    `endpoint`: the answer in this report that had told its port or pipe; `purpose`: what for. `uid` follows from its
    ends, its first time and its pipe; `community_id` is that of the flow, as Zeek, Suricata and Wireshark compute it
    (version 1, seed 0; of the inner flow, where it came through a tunnel)."""

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
    transport: str = "ncacn_ip_tcp"
    pipe: str | None = None
    endpoint: str | None = None
    purpose: str | None = None
    uid: str | None = None
    community_id: str | None = None


@record
class ProblemEntry:
    """Something that could not be read, and where: `offset` in octets from the start of `layer`'s own structure."""

    layer: str
    text: str
    capture: int
    frame: int | None
    offset: int | None
    count: int


@record
class Limit:
    """A named bound that was reached: `reached` counts how often (or how many were left out)."""

    name: str
    value: int
    reached: int


@record
class Unfiltered:
    """How many records of each list there were before filters took some out of the report, and how many calls failed.
    What is left is what the lists hold."""

    calls: int
    failed: int
    kerberos: int
    authentications: int
    endpoints: int
    events: int
    log_entries: int
    findings: int


@record
class PduLine:
    """One MSRPC PDU for the Network Monitor view. `conversations` are (protocol, id) pairs, innermost first;
    `connection` is the id of its stream."""

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
    conversations: tuple[tuple[str, int], ...] = ()
    connection: str = ""


@record
class Report:
    """What one run found in its captures; where filters left a part of it, `unfiltered` says of how much. `pdus` is
    filled only on request and is not part of the JSON document."""

    tool: Tool
    captures: tuple[CaptureFacts, ...]
    calls: tuple[Call, ...]
    kerberos: tuple[KerberosExchange, ...] = ()
    referral_paths: tuple[ReferralPath, ...] = ()
    authentications: tuple[Authentication, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    events: tuple[Event, ...] = ()
    clocks: tuple[Clock, ...] = ()
    host_clocks: tuple[HostClock, ...] = ()
    logs: tuple[LogFacts, ...] = ()
    log_entries: tuple[LogEntry, ...] = ()
    summary: tuple[Summary, ...] = ()
    streams: tuple[Stream, ...] = ()
    findings: tuple[Finding, ...] = ()
    problems: tuple[ProblemEntry, ...] = ()
    limits: tuple[Limit, ...] = ()
    unfiltered: Unfiltered | None = None
    pdus: tuple[PduLine, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every octet of every input was read; if not, the exit status is 3."""
        unread = any(limit.name in UNREAD_LIMITS for limit in self.limits)
        read = all(capture.complete for capture in self.captures) and all(log.complete for log in self.logs)
        return read and not unread


# Limits whose reaching means that octets of the capture were left unread.
UNREAD_LIMITS = frozenset(("parked_octets", "parked_octets_of_a_direction"))
