"""Both directions of a conversation share one flow; endpoints read as people write them."""

from __future__ import annotations

import pytest

from rpctrace.network.flow import Endpoint, Flow, Segment, TcpFlags, Transport

ONE, OTHER = Endpoint("10.2.0.21", 49_834), Endpoint("fd77::11", 135)


def _segment(source: Endpoint, destination: Endpoint, tunnel: tuple[int, ...] = ()) -> Segment:
    return Segment(1, 2, Transport.TCP, source, destination, 0, 0, TcpFlags.ACK, memoryview(b""), 0, tunnel)


@pytest.mark.parametrize(("endpoint", "text"), [(ONE, "10.2.0.21:49834"), (OTHER, "[fd77::11]:135")])
def test_endpoint_text(endpoint: Endpoint, text: str) -> None:
    assert str(endpoint) == text


def test_both_directions_are_one_flow_and_a_tunnel_is_another() -> None:
    there, back = _segment(ONE, OTHER), _segment(OTHER, ONE)
    assert there.flow == back.flow == Flow(Transport.TCP, ONE, OTHER)
    assert _segment(ONE, OTHER, (5001,)).flow != there.flow
