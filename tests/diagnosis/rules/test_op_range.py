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
def test_a_search_is_one_finding() -> None:
    """Twenty-one operations one after another."""
    finding = shared("lab/c-torture/rpc.wkssvc.np.pcap")[RULE.name]
    assert finding.severity == "low"
    assert "21 operations from 2 to 30" in finding.summary
    assert "a search" in finding.summary


def test_a_client_that_goes_on_misses_nothing() -> None:
    """It is said that others followed."""
    missing = faulted(0x6D1)
    assert "went on" not in only(RULE, missing).hypothesis.summary
    assert "went on with others" in only(RULE, missing, answered(3)).hypothesis.summary
    assert not judged(RULE, faulted(0x6D2))
