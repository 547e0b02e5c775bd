"""What tells a connection of each protocol by its octets, as a table of contents."""

from __future__ import annotations

from rpctrace.protocols.dcerpc.recognition import RECOGNISER as DCERPC
from rpctrace.scan.candidates import Recogniser

RECOGNISERS: tuple[Recogniser, ...] = (DCERPC,)
