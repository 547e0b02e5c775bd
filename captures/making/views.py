"""One run, three captures: which frames a computer sees, when by its own clock, and how long they are to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from builders import Host, TimedFrame
from builders.network import ETHERNET_MINIMUM_OCTETS

from making.cast import DC_B, EXPERT, EXPERT_6, MILLISECOND_NS, NOVICE, NOVICE_6

TRANSIT_NS = 70_000  # from card to card, within the site


class Place(NamedTuple):
    """A computer that captures, and how far its clock is ahead of the true one."""

    hosts: tuple[Host, ...]
    ahead_ns: int = 0


AT_EXPERT = Place((EXPERT, EXPERT_6))
AT_NOVICE = Place((NOVICE, NOVICE_6), 341 * MILLISECOND_NS + 217_000)
AT_DC_B = Place((DC_B,), -118 * MILLISECOND_NS - 94_000)


def _addresses(octets: bytes) -> tuple[bytes, bytes, int]:
    """Source, destination, and the length of the frame without padding."""
    packet = octets[14:]
    if packet[0] >> 4 == 4:
        return packet[12:16], packet[16:20], 14 + int.from_bytes(packet[2:4], "big")
    return packet[8:24], packet[24:40], 54 + int.from_bytes(packet[4:6], "big")


def seen_at(place: Place, frames: Iterable[TimedFrame], since_ns: int = 0) -> list[TimedFrame]:
    """What of the frames passes the card of `place`, in its order: those it sends leave a moment before they are seen
    elsewhere and are not padded, those that it receives come a moment later and are."""
    own = {host.packed_address for host in place.hosts}
    seen = []
    for frame in frames:
        source, destination, length = _addresses(frame.octets)
        if frame.timestamp_ns < since_ns or not own & {source, destination}:
            continue
        sends = source in own
        octets = frame.octets[:length] if sends else frame.octets[:length].ljust(ETHERNET_MINIMUM_OCTETS, b"\0")
        moved = -TRANSIT_NS if sends else TRANSIT_NS
        seen.append(frame._replace(timestamp_ns=frame.timestamp_ns + place.ahead_ns + moved, octets=octets))
    return sorted(seen, key=lambda frame: frame.timestamp_ns)
