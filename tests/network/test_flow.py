"""Both directions of a conversation share one flow; endpoints read as people write them."""

from __future__ import annotations

import json
import pickle

import pytest

from rpctrace.network.flow import CompletingFrame, Endpoint, Flow, Segment, TcpFlags, Transport, all_frames

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


def test_a_completing_frame_is_a_number_that_knows_the_others() -> None:
    """Through comparisons, sets and copies; where no frame is one of these the numbers are told as they are."""
    last = CompletingFrame((3, 4, 7))
    assert (last, max(2, last), f"{last}", json.dumps(last)) == (7, 7, "7", "7")
    assert all_frames((2, last)) == (2, 3, 4, 7)
    assert all_frames((5, last)) == (3, 4, 5, 7)
    assert all_frames(sorted({9, last})) == (3, 4, 7, 9)
    assert all_frames([8, 2]) == (8, 2)
    again = pickle.loads(pickle.dumps(last))
    assert (again, again.frames) == (7, (3, 4, 7))


def test_the_frames_of_a_segment() -> None:
    made = _segment(ONE, OTHER)
    assert made.frames == (1,)
    assert made._replace(frame_number=CompletingFrame((1, 2))).frames == (1, 2)
