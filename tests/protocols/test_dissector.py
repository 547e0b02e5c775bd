"""Where a PDU was seen."""

from __future__ import annotations

from rpctrace.protocols.dissector import Provenance


def test_the_last_frame_completed_it() -> None:
    """Frames ascend; the PDU is attributed to the last, as Wireshark does."""
    assert Provenance((3, 4, 9), 1, 0).frame == 9
