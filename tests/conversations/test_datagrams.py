"""UDP: exchanges with a KDC come out with their ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from shared_captures import SHARED, needs_shared

from rpctrace.capture.storage import open_capture
from rpctrace.conversations.datagrams import Datagrams
from rpctrace.conversations.observations import ObservedExchange
from rpctrace.conversations.rpc import RpcBook
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Transport


def told(path: Path) -> list[object]:
    datagrams, decoder, said = Datagrams(RpcBook()), Decoder(), []  # type: ignore[var-annotated]
    with open_capture(path) as capture:
        for frame in capture:
            segment = decoder.decode(frame)
            if segment is not None and segment.transport is Transport.UDP:
                said += datagrams.feed(segment)
    return [*said, *datagrams.close(None)]


@needs_shared
@pytest.mark.parametrize(("name", "error"), [("client-unknown.udp", 6), ("as-clock-skew.udp", 37)])
def test_an_error_of_the_kdc(name: str, error: int) -> None:
    """lab/d-kerberos: who asked whom, and the code."""
    exchanges = list(told(SHARED / "lab" / "d-kerberos" / f"{name}.pcap"))
    assert exchanges
    assert all(isinstance(each, ObservedExchange) for each in exchanges)
    codes = [each.exchange.reply.error_code for each in exchanges]  # type: ignore[attr-defined]
    assert error in codes
    assert {each.server.port for each in exchanges} == {88}  # type: ignore[attr-defined]
