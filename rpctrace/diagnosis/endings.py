"""How a connection ended, from the words of its stream (`closed by the server in frame 23`)."""

from __future__ import annotations

import re

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Call

_ENDED = r"(closed|reset) by the (client|server) in frame (\d+)"


class Ending(NamedTuple):
    """`reset` (RST) or closed (FIN), by whom, in which frame."""

    reset: bool
    by_server: bool
    frame: int


def ending_of(evidence: Evidence, call: Call) -> Ending | None:
    """Who ended the connection of a call; None where the capture does not show it."""
    stream = evidence.streams.get(call.connection)
    told = re.match(_ENDED, stream.ended or "") if stream is not None else None
    return Ending(told[1] == "reset", told[2] == "server", int(told[3])) if told else None
