"""Frames -> the conversation numbers that Network Monitor would give them: one counter over all kinds, in order of
appearance. In each frame a new pair of hosts counts first, then a new TCP or UDP conversation, then a new MSRPC
conversation (a TCP connection at its first MSRPC PDU). Reads only the frames that the maker builds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from builders import TimedFrame


class Numbers(NamedTuple):
    """0 = the frame has no such conversation."""

    hosts: int
    transport: int
    msrpc: int


def _parts(octets: bytes) -> tuple[bytes, bytes, int, bytes]:
    """Source address, destination address, protocol, what the IP packet carries."""
    packet = octets[14:]
    if packet[0] >> 4 == 4:
        length = int.from_bytes(packet[2:4], "big")
        return packet[12:16], packet[16:20], packet[9], packet[20:length]
    return packet[8:24], packet[24:40], packet[6], packet[40 : 40 + int.from_bytes(packet[4:6], "big")]


def conversation_numbers(frames: Iterable[TimedFrame]) -> list[Numbers]:
    """The numbers of each frame, in the order of the frames."""
    known: dict[object, int] = {}
    told = []
    for frame in frames:
        source, destination, protocol, segment = _parts(frame.octets)
        hosts = frozenset((source, destination))
        ports = frozenset(((source, segment[:2]), (destination, segment[2:4])))
        payload = segment[(segment[12] >> 4) * 4 :] if protocol == 6 else b""
        rpc = payload[:2] == b"\x05\x00" and payload[4:8] in (b"\x10\0\0\0", b"\0\0\0\0")
        keys: list[object] = [hosts, (protocol, ports)]
        if rpc or ("msrpc", ports) in known:
            keys.append(("msrpc", ports))
        for key in keys:
            known.setdefault(key, len(known) + 1)
        told.append(Numbers(known[hosts], known[protocol, ports], known.get(("msrpc", ports), 0)))
    return told
