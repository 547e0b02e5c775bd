"""Errors carry numbers and word them once."""

from __future__ import annotations

from rpctrace import errors


def test_words() -> None:
    """One line each, with the numbers in it."""
    assert str(errors.Truncated("dcerpc.bind", 20, 16, 3)) == (
        "dcerpc.bind: 16 octets needed, 3 available at octet 20"
    )
    assert str(errors.Malformed("t", 4)) == "t: not readable at octet 4"
    assert str(errors.CaptureError("a.pcap", "not a capture", 24)) == "a.pcap: not a capture (at octet 24)"
    assert str(errors.CaptureError("a.pcap", "not a capture")) == "a.pcap: not a capture"


def test_one_root() -> None:
    """A caller who catches RpctraceError catches all of them."""
    leaves = (errors.CaptureError, errors.Truncated, errors.Malformed, errors.UsageError, errors.EngineError)
    assert all(issubclass(leaf, errors.RpctraceError) for leaf in leaves)
