"""Values -> connectionless DCE/RPC PDUs (C706 12.5): the same calls over UDP, keyed by activity and sequence number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import pack

from builders.dcerpc import LITTLE_ENDIAN, NO_SYNTAX, Representation, SyntaxId


class DatagramType(IntEnum):
    """C706 12.5.2 PTYPE."""

    REQUEST = 0
    PING = 1
    RESPONSE = 2
    FAULT = 3
    WORKING = 4
    NOCALL = 5
    REJECT = 6
    ACK = 7
    CL_CANCEL = 8
    FACK = 9
    CANCEL_ACK = 10


@dataclass(frozen=True, slots=True)
class Activity:
    """What stays the same over a conversation: interface, object, activity, hints (C706 12.5.2)."""

    interface: SyntaxId
    activity: str = "a1b2c3d4-0000-4000-8000-000000000001"
    object_uuid: str = NO_SYNTAX.uuid
    server_boot: int = 0
    form: Representation = LITTLE_ENDIAN


def datagram(
    kind: int,
    activity: Activity,
    body: bytes = b"",
    *,
    opnum: int = 0,
    sequence: int = 0,
    flags_1: int = 0,
    flags_2: int = 0,
    fragment: int = 0,
    serial: int = 0,
    auth_protocol: int = 0,
) -> bytes:
    """C706 12.5.2: the 80-octet header, then the body."""
    form = activity.form
    drep = bytes([form.little_endian << 4 | form.character, form.floating_point, 0])
    version = activity.interface.version | activity.interface.version_minor << 16
    return (
        bytes([4, kind, flags_1, flags_2]) + drep + bytes([serial >> 8])
        + form.uuid(activity.object_uuid) + form.uuid(activity.interface.uuid) + form.uuid(activity.activity)
        + pack(form.order + "IIIHHHHHBB", activity.server_boot, version, sequence, opnum, 0xFFFF, 0xFFFF, len(body),
               fragment, auth_protocol, serial & 0xFF)
        + body
    )  # fmt: skip


def datagram_status(kind: int, activity: Activity, status: int, *, sequence: int = 0, opnum: int = 0) -> bytes:
    """C706 12.5.3.5 fault and 12.5.3.9 reject: a status in the body."""
    return datagram(kind, activity, pack(activity.form.order + "I", status), opnum=opnum, sequence=sequence)
