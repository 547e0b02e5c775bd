"""What happened on connections beside calls -> the entries of the Report."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rpctrace import report
from rpctrace.assembly.calls import Assembler
from rpctrace.assembly.codes import hexadecimal
from rpctrace.conversations.observations import ObservedIncident, ObservedNotice
from rpctrace.encoding.times import iso_8601
from rpctrace.knowledge import tables
from rpctrace.network.flow import all_frames
from rpctrace.protocols.smb.notice import SmbNoticeKind
from rpctrace.stream.stream import IncidentKind

# By what SMB says: the kind in the report, and its words where the kind's own name does not say it all.
_NOTICES = {
    SmbNoticeKind.TREE_REFUSED: "tree_refused",
    SmbNoticeKind.OPEN_REFUSED: "pipe_refused",
    SmbNoticeKind.WRITE_FAILED: "pipe_failed",
    SmbNoticeKind.READ_FAILED: "pipe_failed",
    SmbNoticeKind.TRANSACT_FAILED: "pipe_failed",
    SmbNoticeKind.ENCRYPTED: "encrypted",
    SmbNoticeKind.COMPRESSED: "compressed",
    SmbNoticeKind.NETBIOS_REFUSED: "netbios_refused",
}
_NTSTATUS_KINDS = frozenset(SmbNoticeKind) - {SmbNoticeKind.NETBIOS_REFUSED}
_UNREADABLE = "; the pipes in them cannot be read"


def of_notice(assembler: Assembler, observed: ObservedNotice) -> report.Event:
    connection, said = observed
    time_ns, time = said.provenance.timestamp_ns, iso_8601(said.provenance.timestamp_ns)
    hidden = said.kind in (SmbNoticeKind.ENCRYPTED, SmbNoticeKind.COMPRESSED)
    named = said.status is not None and said.kind in _NTSTATUS_KINDS
    return report.Event(
        capture=assembler.capture,
        kind=_NOTICES[said.kind],
        client=assembler.host(connection.client),
        server=assembler.host(connection.server),
        frames=said.provenance.all_frames,
        count=said.messages,
        octets=None,
        first_ns=time_ns,
        first_time=time,
        last_ns=time_ns,
        last_time=time,
        name=said.name,
        status=said.status,
        status_hex=hexadecimal(said.status),
        status_name=tables.ntstatus_name(said.status) if named and said.status is not None else None,
        text=f"SMB {said.kind.value}{_UNREADABLE if hidden else ''}",
    )


# Where RPC, its name services and Kerberos listen: an attempt there matters whoever answers (IANA).
_PORTS = frozenset((88, 135, 139, 389, 445, 464, 593, 636, 3268, 3269))
_WORDS = {
    IncidentKind.REFUSED: "connection refused",
    IncidentKind.NO_ANSWER: "no answer to the attempt to connect",
    IncidentKind.RESET: "connection reset with octets outstanding",
    IncidentKind.IDLE: "connection dropped after silence",
    IncidentKind.RETRANSMITTED: "same octets sent again and again, never acknowledged",
}


def of_incident(assembler: Assembler, observed: ObservedIncident) -> report.Event:
    connection, said = observed
    who = ""
    if said.kind not in (IncidentKind.REFUSED, IncidentKind.NO_ANSWER):
        who = f" by the {'server' if said.direction else 'client'}"
    return report.Event(
        capture=assembler.capture,
        kind=said.kind.value,
        client=assembler.host(connection.client),
        server=assembler.host(connection.server),
        frames=all_frames(said.frames),
        count=said.times,
        octets=said.octets or None,
        first_ns=said.first_ns,
        first_time=iso_8601(said.first_ns),
        last_ns=said.last_ns,
        last_time=iso_8601(said.last_ns),
        name=None,
        status=None,
        status_hex=None,
        status_name=None,
        text=f"{_WORDS[said.kind]}{who}",
    )


def all_of(
    assembler: Assembler,
    notices: Iterable[ObservedNotice],
    incidents: Iterable[ObservedIncident],
    servers: Collection[str],
) -> tuple[report.Event, ...]:
    """Attempts to connect count where the server, or the port, has to do with what is read."""
    told = [of_notice(assembler, each) for each in notices]
    for each in incidents:
        server = each.connection.server
        if server.address in servers or server.port in _PORTS:
            told.append(of_incident(assembler, each))
    return in_order(told)


def in_order(events: list[report.Event]) -> tuple[report.Event, ...]:
    """By the frame in which each was first seen."""
    return tuple(sorted(events, key=lambda event: (event.frames[:1], event.kind)))
