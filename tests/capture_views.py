"""One capture as several machines of it would have captured it: each sees its own frames, by its own clock.

A frame that a machine receives reaches it later than the place where the original was captured, one that it sends was
there earlier; so a request and its reply are moved in opposite directions by the way between the two.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from builders import TimedFrame, pcap

from rpctrace.analysis import analyze
from rpctrace.capture.storage import open_capture
from rpctrace.report import Report

_ADDRESSES = {0x0800: (26, 30, 34), 0x86DD: (22, 38, 54)}  # Ethernet: source, destination, end


def frames_of(path: Path) -> list[TimedFrame]:
    """All frames of an Ethernet capture."""
    with open_capture(path) as capture:
        return [
            TimedFrame(frame.timestamp_ns or 0, bytes(frame.octets), frame.original_length_octets) for frame in capture
        ]


def ends(frame: TimedFrame) -> tuple[bytes, bytes]:
    """Packed source and destination address; empty for what is not IP."""
    source, destination, end = _ADDRESSES.get(int.from_bytes(frame.octets[12:14], "big"), (0, 0, 0))
    return frame.octets[source:destination], frame.octets[destination:end]


def view(
    frames: list[TimedFrame],
    *addresses: str,
    clock_ns: int = 0,
    way_ns: int = 0,
    sent: bool = True,
    received: bool = True,
) -> bytes:
    """The pcap of the machine with these addresses, whose clock is `clock_ns` ahead; `way_ns`: how long frames travel
    between the place of the original capture and it."""
    own = {ipaddress.ip_address(address).packed for address in addresses}
    seen = []
    for frame in frames:
        source, destination = ends(frame)
        moved = way_ns if destination in own else -way_ns
        if (source in own and sent) or (destination in own and received):
            seen.append(frame._replace(timestamp_ns=frame.timestamp_ns + clock_ns + moved))
    return pcap(sorted(seen, key=lambda frame: frame.timestamp_ns), nanoseconds=True)


def unjoined(source: Any) -> Report:
    """What `analyze` reads, before its records are joined."""
    with patch("rpctrace.analysis.correlate", lambda report: report):
        return analyze(source)
