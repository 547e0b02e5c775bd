"""What happened on connections beside calls -> the entries of the Report."""

from __future__ import annotations

from rpctrace import report
from rpctrace.assembly.calls import Assembler
from rpctrace.assembly.codes import hexadecimal
from rpctrace.conversations.observations import ObservedNotice
from rpctrace.encoding.times import iso_8601
from rpctrace.knowledge import tables
from rpctrace.protocols.smb.notice import SmbNoticeKind

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
        frames=(said.provenance.frame,),
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


def in_order(events: list[report.Event]) -> tuple[report.Event, ...]:
    """By the frame in which each was first seen."""
    return tuple(sorted(events, key=lambda event: (event.frames[:1], event.kind)))
