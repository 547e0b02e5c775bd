"""Frames of the sample captures beside the checkout, through scapy's plain reader, not the product's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rpctrace.capture.frame import Frame, LinkType

SAMPLES = Path(__file__).parents[1].parent / "shared" / "captures"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no folder of sample captures")


def frames(path: Path) -> Iterator[Frame]:
    from scapy.utils import RawPcapReader

    reader = RawPcapReader(str(path))
    for number, (octets, meta) in enumerate(reader, start=1):
        link_type = getattr(meta, "linktype", None) or reader.linktype
        wire = getattr(meta, "wirelen", None) or len(octets)
        yield Frame(number, number * 1_000_000, LinkType(link_type & 0xFFFF), memoryview(octets), wire, 0)
