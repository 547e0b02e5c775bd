"""Operations that the server does not have."""

from __future__ import annotations

from judging import answered, faulted, findings, judged, only, shared
from shared_captures import needs_shared

from rpctrace.diagnosis.rules.op_range import RULE


def test_it_fires_on_either_protocol() -> None:
    """Over TCP and over UDP; another fault is none of it."""
    assert findings("built/several-pdus-in-a-segment.pcap").keys() == {RULE.name}
    assert findings("built/datagrams.pcap").keys() == {RULE.name}
    assert RULE.name not in findings("lab/ndr-bad-stub.pcap")


@needs_shared
def test_a_search_is_a_note() -> None:
    """Twenty-one operations one after another."""
    finding = shared("lab/c-torture/rpc.wkssvc.np.pcap")[RULE.name]
    assert finding.severity == "note"
    assert "21 operations from 2 to 30" in finding.summary


def test_a_client_that_goes_on_misses_nothing() -> None:
    """Low where nothing followed."""
    missing = faulted(0x6D1)
    assert only(RULE, missing).hypothesis.severity == "low"
    assert only(RULE, missing, answered(3)).hypothesis.severity == "note"
    assert not judged(RULE, faulted(0x6D2))
