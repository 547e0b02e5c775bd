"""A common shape says what `network.decode` says, of frames with any octets in them."""

from __future__ import annotations

import random

import pytest
from builders.network import TCP, UDP, Host, ip_frame, tcp_segment, udp_datagram
from scan_talk import tcp_key

from rpctrace.capture.frame import Frame, LinkType
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Transport
from rpctrace.scan.headers import NO_SHAPE, SHAPES, Shape, carried, compiled, ends_of, segment, shapes_of

V4 = (Host("10.0.0.1"), 49_700), (Host("10.0.0.2", "02:00:00:00:00:02"), 135)
V6 = (Host("fd77::1"), 49_700), (Host("fd77::2", "02:00:00:00:00:02"), 135)


def frames() -> dict[str, bytes]:
    """One frame of every shape."""
    found = {}
    for version, (source, destination) in (("ipv4", V4), ("ipv6", V6)):
        told = tcp_segment(source, destination, b"payload", sequence=7, acknowledgement=9, options=bytes(12))
        plain = ip_frame(source[0], destination[0], TCP, told)
        found[f"ethernet {version}"] = plain
        found[f"vlan {version}"] = ip_frame(source[0], destination[0], TCP, told, vlans=(100,))
        found[f"sll {version}"] = bytes(14) + plain[12:]
    found["raw ipv4"] = found["ethernet ipv4"][14:]
    return found


FRAMES = frames()


def test_every_shape_has_its_frame() -> None:
    assert set(FRAMES) == {shape.name for shape in SHAPES}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_the_same_as_decode(shape: Shape) -> None:
    """With 3 000 mutants: where a shape fits and gives a segment, it is that of `decode`; and it fits the good one."""
    good, rng = FRAMES[shape.name], random.Random(shape.name)
    for turn in range(3_000):
        octets = bytearray(good[: rng.randrange(shape.smallest_octets, len(good) + 1)] if turn else good)
        for _ in range(rng.choice((0, 1, 2)) if turn else 0):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        buffer = memoryview(b"????" + octets + bytes(200))
        key, _flags = tcp_key(shape, buffer, 4)
        assert turn or key is not None
        if key is None:
            continue
        found = segment(shape, buffer, 4, len(octets), 5, 6, ends_of(key))
        assert turn or found is not None
        if found is not None:
            frame = Frame(5, 6, shape.link_types[0], memoryview(bytes(octets)), len(good), 0)
            assert found == Decoder().decode(frame)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_behind_a_record_header(shape: Shape, order: str) -> None:
    """The fields of the record, then words that masks compare, in either byte order; UDP is told apart."""
    form = compiled(order, "IIII", shape)
    record = b"".join(number.to_bytes(4, "little" if order == "<" else "big") for number in (1, 2, 3, 4))
    fields = form.unpack_from(record + FRAMES[shape.name] + bytes(50))
    assert fields[:4] == (1, 2, 3, 4)
    assert fields[4] & form.type_mask == form.type_value
    assert fields[5] & form.protocol_mask == form.tcp_value
    assert ends_of(fields[6]) == tuple((host.address, port) for host, port in (V4 if len(fields[6]) == 12 else V6))
    assert fields[7] == FRAMES[shape.name][shape.tcp_at + 13]


def test_datagrams() -> None:
    datagram = ip_frame(V4[0][0], V4[1][0], UDP, udp_datagram(V4[0], V4[1], b"payload" * 9))
    form = compiled("<", "", SHAPES[0])
    assert form.unpack_from(datagram)[1] & form.protocol_mask == form.udp_value
    transport, key, flags = carried(SHAPES[0], memoryview(datagram), 0)
    assert (transport, key[-4:], flags) == (Transport.UDP, bytes.fromhex("c2240087"), 0)
    assert carried(SHAPES[1], memoryview(datagram), 0) == (None, b"", 0)


def test_links_without_a_shape() -> None:
    assert shapes_of(LinkType.IEEE802_11) == (NO_SHAPE,)
    assert tcp_key(NO_SHAPE, memoryview(bytes(range(256))), 0) == (None, 0)
