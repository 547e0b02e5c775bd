"""What came in IP fragments is told with all of their frames, by every way of reading: those that tshark names too."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from builders import dcerpc
from builders import kerberos as krb
from builders.dcerpc_datagram import Activity, datagram
from builders.files import pcap
from builders.filler import filler
from builders.network import (
    TCP,
    UDP,
    Host,
    TimedFrame,
    ipv4_fragments,
    ipv6_fragments,
    tcp_segment,
    udp_datagram,
    udp_frame,
)
from range_reading import same_by_ranges
from tshark_reading import fields

from rpctrace.analysis import Options, analyze
from rpctrace.cli import main
from rpctrace.report import Report

START_NS = 1_700_000_000_000_000_000
REALM, USER = "CHILD.DOMAINA.COM", krb.principal("alice")
ISOLATED = dcerpc.SyntaxId("9f3c1e52-7d1a-4b0e-8a46-2c5d90b1e7a4", 1)
FRAME_OF = {4: "ip.fragment", 6: "ipv6.fragment"}

AS_REQ = krb.as_req(
    krb.KdcRequest(REALM, krb.ticket_granting(REALM), START_NS + 10**13, cname=USER),
    [krb.padata(16, filler("certificates", 1_000))],
)
AS_REP = krb.as_rep(REALM, USER, krb.ticket(REALM, krb.ticket_granting(REALM), cipher=filler("groups", 1_200)))
UNKNOWN = krb.krb_error(6, REALM, krb.ticket_granting(REALM), server_time_ns=START_NS, data=filler("data", 1_200))
Order = Callable[[list[bytes]], list[bytes]]


def pieces(source: Host, destination: Host, protocol: int, packet: bytes, number: int) -> list[bytes]:
    """In three fragments."""
    cut = ipv4_fragments if len(source.packed_address) == 4 else ipv6_fragments
    size = -(-len(packet) // 24) * 8
    made = cut(source, destination, protocol, packet, size, identification=number)
    assert len(made) == 3
    return made


def told(version: int, order: Order) -> list[bytes]:
    """Two exchanges with a KDC, a call of connectionless DCE/RPC, and a bind that was refused, each message in three
    frames, with one of somebody else between the first and the second."""
    client, server = (Host(f"10.0.0.{n}", f"02:00:00:00:00:0{n}") for n in (1, 2))
    if version == 6:
        client, server = (Host(f"2001:db8::{n}", each.mac) for n, each in enumerate((client, server), 1))
    kdc, rpc, alone = ((client, 50_088), (server, 88)), ((client, 50_001), (server, 50_002)), udp_frame(
        (client, 5353), (server, 5353), b"?"
    )
    activity, stub = Activity(ISOLATED), filler("stub", 900)
    datagrams = (
        (*kdc, AS_REQ), (*kdc[::-1], AS_REP), (*kdc, krb.as_req(
            krb.KdcRequest(REALM, krb.ticket_granting(REALM), START_NS + 10**13, cname=krb.principal("nobody")),
            [krb.padata(16, filler("others", 1_000))],
        )), (*kdc[::-1], UNKNOWN),
        (*rpc, datagram(0, activity, stub, opnum=3)), (*rpc[::-1], datagram(2, activity, stub, opnum=3)),
    )  # fmt: skip
    packets = [(a[0], b[0], UDP, udp_datagram(a, b, octets)) for a, b, octets in datagrams]
    ends = (client, 50_135), (server, 135)
    bind = dcerpc.bind([dcerpc.Context(0, dcerpc.ICLASSFACTORY)])
    nak = dcerpc.bind_nak(4)
    packets += [
        (client, server, TCP, tcp_segment(*ends, sequence=1, acknowledgement=1, payload=bind, flags=0x18)),
        (server, client, TCP, tcp_segment(*ends[::-1], sequence=1, acknowledgement=1 + len(bind), payload=nak)),
    ]
    frames: list[bytes] = []
    for number, packet in enumerate(packets, start=1):
        first, *others = order(pieces(*packet, number))
        frames += [first, alone, *others]
    return frames


def both(report: Report) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Frames of requests and answers, in order."""
    entries = sorted((*report.kerberos, *report.calls), key=lambda each: each.request_frames)
    return [(each.request_frames, each.reply_frames) for each in entries]


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


ORDERS: dict[str, Order] = {
    "in order": lambda each: each,
    "reversed": lambda each: each[::-1],
    "first last": lambda each: each[1:] + each[:1],
}
IN_ANY_ORDER = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)


def written(frames: Sequence[bytes]) -> bytes:
    return pcap([TimedFrame(START_NS + at * 1_000_000, octets) for at, octets in enumerate(frames)])


@IN_ANY_ORDER
def test_every_frame_of_a_message_is_named(version: int, order: Order) -> None:
    octets = written(told(version, order))
    report = analyze(io.BytesIO(octets))
    places = [(first, first + 2, first + 3) for first in range(1, 32, 4)]
    assert both(report) == list(zip(places[::2], places[1::2], strict=True))
    assert [each.request_frame for each in report.kerberos] == [4, 12]
    assert {each.transport for each in report.calls} == {"ncadg_ip_udp", "ncacn_ip_tcp"}
    (unknown,) = (each for each in report.findings if each.rule == "client-unknown")
    assert unknown.frames == (9, 11, 12, 13, 15, 16)
    assert analyze(io.BytesIO(octets), Options(plain=True)) == report


@IN_ANY_ORDER
def test_tshark_names_the_same(version: int, order: Order) -> None:
    octets = written(told(version, order))
    shown = fields(octets, FRAME_OF[version], FRAME_OF[version])
    theirs = [tuple(sorted(map(int, numbers.split(",")))) for (numbers,) in shown]
    assert theirs == [frames for pair in both(analyze(io.BytesIO(octets))) for frames in pair]


@IN_ANY_ORDER
def test_by_ranges_too(version: int, order: Order, tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(written(told(version, order)))
    for border in range(300, path.stat().st_size, 500):
        same_by_ranges(path, border)


def test_the_evidence_alone_has_them(version: int, tmp_path: Path) -> None:
    path, small = tmp_path / "cut.pcap", tmp_path / "small.pcapng"
    path.write_bytes(written(told(version, ORDERS["reversed"])))
    assert main(["annotate", "-q", "--only-evidence", str(path), "-o", str(small)]) == 0
    whole, part = analyze(path), analyze(small)
    assert [each.rule for each in part.findings] == [each.rule for each in whole.findings]
    assert len(both(part)) < len(both(whole))
