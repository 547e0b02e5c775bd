"""Helpers of the tests of connectionless DCE/RPC: who says what, when, and the calls that come of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from builders.dcerpc_datagram import Activity, SyntaxId

from rpctrace.capture.storage import open_capture
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Endpoint, Segment, Transport
from rpctrace.protocols.dcerpc.activity import Activities
from rpctrace.protocols.dcerpc.datagram_call import DatagramCall

CLIENT, SERVER = Endpoint("10.0.0.1", 50400), Endpoint("10.0.0.2", 135)
OTHER_PORT = Endpoint("10.0.0.2", 1026)
INTERFACE = SyntaxId("9f3c1e52-7d1a-4b0e-8a46-2c5d90b1e7a4", 1, 2)
ACTIVITY = Activity(INTERFACE)
SECOND_NS = 1_000_000_000


def segment(
    frame: int,
    octets: bytes,
    source: Endpoint,
    destination: Endpoint,
    *,
    time_ns: int | None = None,
    cut: int | None = None,
    tunnel: tuple[int, ...] = (),
) -> Segment:
    """A datagram in a frame of its own, a millisecond after the one before, of which `cut` octets were captured."""
    time = frame * 1_000_000 if time_ns is None else time_ns
    return Segment(
        frame, time, Transport.UDP, source, destination, 0, 0, 0, memoryview(octets[:cut]), len(octets), tunnel
    )


class Talk:
    """The activities under test, between one client and one server unless told otherwise."""

    def __init__(self, *stubs_of: str) -> None:
        self.activities = Activities(stubs_of=frozenset(stubs_of))
        self.frame = 0
        self.now_ns = 0
        self.calls: list[DatagramCall] = []

    def say(self, octets: bytes, source: Endpoint, destination: Endpoint, *, after_ns: int = 1_000_000,
            cut: int | None = None) -> int:  # fmt: skip
        self.frame += 1
        self.now_ns += after_ns
        said = segment(self.frame, octets, source, destination, time_ns=self.now_ns, cut=cut)
        self.calls += self.activities.feed(said)
        return self.frame

    def client(self, *datagrams: bytes, after_ns: int = 1_000_000, cut: int | None = None) -> None:
        for octets in datagrams:
            self.say(octets, CLIENT, SERVER, after_ns=after_ns, cut=cut)

    def server(self, *datagrams: bytes, after_ns: int = 1_000_000, cut: int | None = None) -> None:
        for octets in datagrams:
            self.say(octets, SERVER, CLIENT, after_ns=after_ns, cut=cut)

    def end(self, after_ns: int = 0) -> list[DatagramCall]:
        self.calls += self.activities.close(self.now_ns + after_ns)
        return self.calls

    def one(self, after_ns: int = 0) -> DatagramCall:
        """The only call."""
        (call,) = self.end(after_ns)
        return call


def shown(said: DatagramCall) -> tuple[object, ...]:
    """Opnum, request frames, reply frames, reply, outcome, notes."""
    call = said.call
    return (
        call.opnum,
        call.request.frames if call.request else (),
        call.reply.frames if call.reply else (),
        call.reply_kind and call.reply_kind.value,
        call.outcome.value,
        call.notes,
    )


def calls_of(segments: Iterable[Segment], *stubs_of: str, end_ns: int | None = None) -> list[DatagramCall]:
    activities = Activities(stubs_of=frozenset(stubs_of))
    calls = [call for each in segments for call in activities.feed(each)]
    return calls + list(activities.close(end_ns))


def segments_of(path: Path) -> Iterator[Segment]:
    """Every segment of a capture, copied out of the reading window."""
    decoder = Decoder()
    with open_capture(path) as capture:
        for frame in capture:
            found = decoder.decode(frame)
            if found is not None:
                yield found._replace(payload=memoryview(bytes(found.payload)))
