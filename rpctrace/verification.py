"""A capture -> the differences between our reading of its DCE/RPC and tshark's, frame by frame.

Compared are, for every connection-oriented PDU, over TCP, in pipes of SMB and in HTTP: its frame, type, call id, the
status of a fault, the interfaces of a bind or alter_context, and realm and service of an AP-REQ.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from typing import Literal

from rpctrace.analysis import Options, analyze
from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.protocols.dcerpc.pdu import PduType
from rpctrace.record import record, state
from rpctrace.report import Report
from rpctrace.tshark import Fields, find_tshark, pyshark_fields, tshark_fields, tshark_version

Through = Literal["tshark", "pyshark"]

DISPLAY_FILTER = "dcerpc.cn_call_id"
# Off by default in tshark, and without it a PDU over reordered segments is lost.
PREFERENCES = ("tcp.reassemble_out_of_order:TRUE",)
FIELDS = (
    "dcerpc.pkt_type",
    "dcerpc.cn_call_id",
    "dcerpc.cn_status",
    "dcerpc.cn_bind_to_uuid",
    "kerberos.msg_type",
    "kerberos.realm",
    "kerberos.SNameString",
)
_ASKERS = {"tshark": tshark_fields, "pyshark": pyshark_fields}
_AP_REQ = "14"
_OFFERING = ("bind", "alter_context")


@record
class Difference:
    """One thing that the two readings say differently of a frame."""

    frame: int
    what: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        return safe_text(f"frame {self.frame}: {self.what}: ours {self.ours}, tshark's {self.theirs}")


@record
class Verification:
    """`through` says what was asked; `pdus` how many PDUs each side has; `complaint` what tshark said of the file;
    `complete` whether we could read all of it, and anything."""

    path: str
    through: str
    our_pdus: int
    their_pdus: int
    differences: tuple[Difference, ...]
    complaint: str | None
    complete: bool = True


@state
class _Reading:
    """What one side says of one frame; values are in wire order."""

    pdus: list[tuple[str, int]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    uuids: list[str] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)


def verify(path: str | os.PathLike[str], through: Through = "tshark") -> Verification:
    """Raises `CaptureError` for what is no capture, `EngineError` where tshark (or pyshark) is missing."""
    name = os.fspath(path)
    if name == "-":
        raise UsageError("verify needs a file: standard input can be read once")
    shown = _ASKERS[through](name, DISPLAY_FILTER, FIELDS, PREFERENCES)
    report = analyze(name, Options(calls="all", pdus=True))
    ours = _our_reading(report)
    theirs = {number: _their_reading(fields) for number, fields in shown.frames.items()}
    return Verification(
        path=name,
        through=_asked(through),
        our_pdus=sum(len(reading.pdus) for reading in ours.values()),
        their_pdus=sum(len(reading.pdus) for reading in theirs.values()),
        differences=tuple(_differences(ours, theirs)),
        complaint=shown.complaint,
        complete=report.complete and all(capture.frames for capture in report.captures),
    )


def _asked(through: Through) -> str:
    program = find_tshark()
    version = None if program is None else tshark_version(program)
    how = "fields" if through == "tshark" else "JSON read by pyshark"
    return f"tshark {version or '(version unknown)'}, {how}"


def _our_reading(report: Report) -> dict[int, _Reading]:
    frames: defaultdict[int, _Reading] = defaultdict(_Reading)
    for line in report.pdus:
        reading = frames[line.frame]
        reading.pdus.append((line.kind, line.call_id))
        if line.kind == "fault" and line.status is not None:
            reading.statuses.append(line.status)
        if line.token == "AP-REQ" and line.realm is not None:
            reading.tickets.append(_ticket(line.realm, line.sname))
    for call in report.calls:
        if call.kind in _OFFERING and call.request_frames:
            frames[call.request_frames[-1]].uuids += [interface.uuid for interface in call.interfaces]
    return dict(frames)


def _their_reading(fields: Fields) -> _Reading:
    types, ids = fields["dcerpc.pkt_type"], fields["dcerpc.cn_call_id"]
    pdus = [
        (_kind(kind), int(call_id, 0))
        for kind, call_id in zip(types, ids, strict=False)
        if int(kind, 0) != PduType.RTS  # keeps the channels of RPC over HTTP going, and is no part of an association
    ]
    tickets = []
    if fields["kerberos.msg_type"] == (_AP_REQ,) and fields["kerberos.realm"]:
        tickets.append(_ticket(fields["kerberos.realm"][0], fields["kerberos.SNameString"]))
    return _Reading(
        pdus=pdus,
        statuses=[int(status, 0) for status in fields["dcerpc.cn_status"]],
        uuids=[uuid.lower() for uuid in fields["dcerpc.cn_bind_to_uuid"]],
        tickets=tickets,
    )


def _kind(number: str) -> str:
    return PduType(int(number, 0)).name.lower()


def _ticket(realm: str, sname: Sequence[str]) -> str:
    return f"{'/'.join(sname)}@{realm}"


def _differences(ours: dict[int, _Reading], theirs: dict[int, _Reading]) -> Iterator[Difference]:
    nothing = _Reading()
    for frame in sorted(ours.keys() | theirs.keys()):
        our, their = ours.get(frame, nothing), theirs.get(frame, nothing)
        yield from _pdu_differences(frame, our, their)
        # What one side has no PDU for is said above, once.
        if our.pdus and their.pdus:
            yield from _value_difference(frame, "fault status", map(_hex, our.statuses), map(_hex, their.statuses))
            yield from _value_difference(frame, "interfaces", our.uuids, their.uuids)
            yield from _value_difference(frame, "ticket", our.tickets, their.tickets)


def _pdu_differences(frame: int, our: _Reading, their: _Reading) -> Iterator[Difference]:
    for (kind, call_id), number in (Counter(our.pdus) - Counter(their.pdus)).items():
        yield Difference(frame, f"{kind} with call id {call_id}", f"{number} more", "without")
    for (kind, call_id), number in (Counter(their.pdus) - Counter(our.pdus)).items():
        yield Difference(frame, f"{kind} with call id {call_id}", "without", f"{number} more")


def _value_difference(frame: int, what: str, ours: Iterable[str], theirs: Iterable[str]) -> Iterator[Difference]:
    our_values, their_values = list(ours), list(theirs)
    if Counter(our_values) != Counter(their_values):
        yield Difference(frame, what, " ".join(our_values) or "none", " ".join(their_values) or "none")


def _hex(status: int) -> str:
    return f"0x{status:08x}"
