"""Who ended a connection."""

from __future__ import annotations

import pytest
from incident_records import report, stream
from judging import answered

from rpctrace.diagnosis.endings import Ending, ending_of
from rpctrace.diagnosis.evidence import Evidence


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ("closed by the server in frame 23", Ending(False, True, 23)),
        ("reset by the client in frame 7", Ending(True, False, 7)),
        (None, None),
    ],
)
def test_the_words_of_the_stream(ended: str | None, expected: Ending | None) -> None:
    """As the reading of streams writes them."""
    call = answered(1)
    assert ending_of(Evidence(report(call, stream("tcp-0-0", 1, ended=ended))), call) == expected


def test_without_a_stream_nothing_is_known() -> None:
    """A call over UDP, for instance."""
    assert ending_of(Evidence(report(answered(1))), answered(1)) is None
