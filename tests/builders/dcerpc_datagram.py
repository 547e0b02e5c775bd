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


FRAGMENT, LAST_FRAGMENT, NO_FACK, MAYBE, IDEMPOTENT, BROADCAST = 0x04, 0x02, 0x08, 0x10, 0x20, 0x40
UNRELATED = 0x04  # [MS-RPCE] 2.2.3.3, of the second set of flags
CONVERSATION_MANAGER = SyntaxId("333a2276-0000-0000-0d00-00809c000000", 3)  # C706 Appendix P


def fragments(
    kind: int,
    activity: Activity,
    body: bytes,
    size_octets: int,
    *,
    opnum: int = 0,
    sequence: int = 0,
    flags_1: int = 0,
) -> list[bytes]:
    """C706 9.5.3: a request or response in datagrams of `size_octets` of stub."""
    pieces = [body[at : at + size_octets] for at in range(0, len(body), size_octets)] or [b""]
    return [
        datagram(
            kind, activity, piece, opnum=opnum, sequence=sequence, fragment=number, serial=number,
            flags_1=flags_1 | FRAGMENT | (LAST_FRAGMENT if number == len(pieces) - 1 else 0),
        )
        for number, piece in enumerate(pieces)
    ]  # fmt: skip


def fack(
    activity: Activity,
    fragment: int,
    *,
    sequence: int = 0,
    kind: int = DatagramType.FACK,
    version: int = 0,
    window_size: int = 8,
    max_tsdu: int = 4096,
    max_fragment: int = 1464,
    serial: int = 0,
    selective: tuple[int, ...] = (),
) -> bytes:
    """C706 12.5.3.4, also the body of a nocall."""
    body = pack(
        activity.form.order + f"BxHIIHH{len(selective)}I", version, window_size, max_tsdu, max_fragment, serial,
        len(selective), *selective,
    )  # fmt: skip
    return datagram(kind, activity, body, sequence=sequence, fragment=fragment)


def cancel(activity: Activity, cancel_id: int = 1, *, sequence: int = 0) -> bytes:
    """C706 12.5.3.2 cl_cancel."""
    body = pack(activity.form.order + "II", 0, cancel_id)
    return datagram(DatagramType.CL_CANCEL, activity, body, sequence=sequence)


def cancel_ack(activity: Activity, cancel_id: int = 1, *, accepting: bool = True, sequence: int = 0) -> bytes:
    """C706 12.5.3.3."""
    body = pack(activity.form.order + "II?", 0, cancel_id, accepting)
    return datagram(DatagramType.CANCEL_ACK, activity, body, sequence=sequence)


def verifier(level: int, token: bytes, *, key: int = 0, block_octets: int = 8) -> bytes:
    """[MS-RPCE] 2.2.3.4: what stands behind the body; privacy pads to the block of the cipher."""
    padding = block_octets - 2 if level == 6 else 2
    return bytes([level, key]) + bytes(padding) + token


def secured(octets: bytes, auth_protocol: int, behind: bytes) -> bytes:
    """A datagram with an auth protocol and a verifier; the body is padded to 8 octets, which its length counts."""
    order = "<" if octets[4] & 0x10 else ">"
    padded = octets + bytes(-len(octets) % 8)
    length = pack(order + "H", len(padded) - 80)
    return padded[:74] + length + padded[76:78] + bytes([auth_protocol]) + padded[79:] + behind


def conv_question(about: Activity, server_boot: int, token: bytes | None = None, *, room_octets: int = 1024) -> bytes:
    """The stub of conv_who_are_you and conv_who_are_you2, or with a token of conv_who_are_you_auth."""
    form = about.form
    stub = form.uuid(about.activity) + pack(form.order + "I", server_boot)
    if token is None:
        return stub
    array = pack(form.order + "I", len(token)) + token
    return stub + array + bytes(-len(array) % 4) + pack(form.order + "II", len(token), room_octets)


def conv_answer(about: Activity, sequence: int, token: bytes, *, room_octets: int = 1024, status: int = 0) -> bytes:
    """The answer to conv_who_are_you_auth."""
    order = about.form.order
    return pack(order + "I", sequence) + bytes(range(16)) + conv_more(about, token, room_octets, status)


def conv_more(about: Activity, token: bytes, room_octets: int = 1024, status: int = 0) -> bytes:
    """The answer to conv_who_are_you_auth_more."""
    order = about.form.order
    array = pack(order + "III", room_octets, 0, len(token)) + token
    return array + bytes(-len(array) % 4) + pack(order + "II", len(token), status)
