"""[C706] 12.5: every PDU reads back what the builders wrote and what tshark reads, in both byte orders, whole, cut and
damaged; and few other octets are taken for one."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from builders import dcerpc, dns, kerberos, pcap
from builders import dcerpc_datagram as write
from builders.network import Host, TimedFrame, udp_frame
from datagram_talk import ACTIVITY, segments_of
from hypothesis import given
from hypothesis import strategies as st
from shared_captures import OWN, SHARED, captures_in, name_of, needs_shared
from tshark_reading import fields

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.network.flow import Transport
from rpctrace.protocols.dcerpc import datagram
from rpctrace.protocols.dcerpc.datagram import (
    Cancel,
    Flags1,
    FragmentAck,
    Refusal,
    Stub,
    Verifier,
    is_datagram,
    parse_datagram,
)
from rpctrace.protocols.dcerpc.pdu import PduType
from rpctrace.protocols.dcerpc.recognition import DATAGRAM_HEADER_OCTETS

ORDERS = (dcerpc.LITTLE_ENDIAN, dcerpc.BIG_ENDIAN)
OBJECT = "a0b1c2d3-e4f5-4678-9abc-def012345678"
Types = write.DatagramType


def samples(form: dcerpc.Representation = dcerpc.LITTLE_ENDIAN) -> list[bytes]:
    said = replace(ACTIVITY, form=form, object_uuid=OBJECT, server_boot=0x5F000000)
    request = write.datagram(Types.REQUEST, said, b"stub of a call..", opnum=3, sequence=7, flags_1=0x20, serial=0x102)
    return [
        request,
        *write.fragments(Types.RESPONSE, said, bytes(range(100)), 40, opnum=3, sequence=7),
        write.datagram(Types.PING, said, sequence=7),
        write.datagram(Types.WORKING, said, sequence=7),
        write.datagram(Types.ACK, said, sequence=7),
        write.datagram(Types.NOCALL, said, sequence=7),
        write.fack(said, 4, kind=Types.NOCALL, sequence=7),
        write.fack(said, 5, sequence=7, serial=9, selective=(0x80000001, 5), version=1),
        write.datagram_status(Types.FAULT, said, 0x1C010002, sequence=7, opnum=3),
        write.datagram_status(Types.REJECT, said, 0x1C010003, sequence=7, opnum=3),
        write.cancel(said, 17, sequence=7),
        write.cancel_ack(said, 17, sequence=7, accepting=True),
        write.datagram(Types.CANCEL_ACK, said, sequence=7),
        write.secured(request, 9, write.verifier(5, b"signature", key=2)),
        write.secured(request, 10, write.verifier(6, b"sealed", key=3)),
    ]


@pytest.mark.parametrize("form", ORDERS)
def test_the_header(form: dcerpc.Representation) -> None:
    """Every field, with the serial number put together and the interface's version halves apart."""
    header = parse_datagram(samples(form)[0]).header
    assert (header.version, header.pdu_type, header.flags_1, header.flags_2) == (4, PduType.REQUEST, 0x20, 0)
    assert header.little_endian == form.little_endian
    assert (header.object_uuid, header.activity) == (OBJECT, ACTIVITY.activity)
    assert header.interface == ("9f3c1e52-7d1a-4b0e-8a46-2c5d90b1e7a4", 1, 2)
    assert (header.server_boot, header.sequence, header.opnum) == (0x5F000000, 7, 3)
    assert (header.interface_hint, header.activity_hint, header.length_octets) == (0xFFFF, 0xFFFF, 16)
    assert (header.fragment, header.auth_protocol, header.serial) == (0, 0, 0x102)


@pytest.mark.parametrize("form", ORDERS)
def test_the_bodies(form: dcerpc.Representation) -> None:
    """Each PDU type gives its fields, complete and without a problem."""
    read = [parse_datagram(octets) for octets in samples(form)]
    assert all(pdu.complete and pdu.problem is None for pdu in read)
    bodies = [pdu.body for pdu in read]
    assert bodies[0] == Stub(memoryview(b"stub of a call.."))
    stubs = [body.octets for body in bodies[1:4] if isinstance(body, Stub)]
    assert b"".join(stubs) == bytes(range(100))
    assert [pdu.header.fragment for pdu in read[1:4]] == [0, 1, 2]
    assert [Flags1(pdu.header.flags_1) for pdu in read[1:4]] == [4, 4, 6]
    assert bodies[4:8] == [None] * 4
    assert bodies[8] == FragmentAck(0, 8, 4096, 1464, 0, ())
    assert bodies[9] == FragmentAck(1, 8, 4096, 1464, 9, (0x80000001, 5))
    assert bodies[10:12] == [Refusal(0x1C010002), Refusal(0x1C010003)]
    assert bodies[12:15] == [Cancel(0, 17, None), Cancel(0, 17, True), None]
    assert read[15].verifier == Verifier(5, 2, memoryview(b"signature"))
    assert read[15].header.auth_protocol == 9
    assert read[16].verifier is not None
    assert (read[16].verifier.auth_level, read[16].verifier.key_vers_num) == (6, 3)
    assert bytes(read[16].verifier.token).endswith(b"sealed")


@pytest.mark.parametrize("form", ORDERS)
def test_tshark_reads_the_same(form: dcerpc.Representation) -> None:
    """Header and bodies of every PDU type, a verifier too."""
    octets = samples(form)
    ends = ((Host("10.0.0.1"), 50400), (Host("10.0.0.2"), 50500))
    capture = pcap([TimedFrame(at, udp_frame(*ends, said)) for at, said in enumerate(octets)])
    theirs = fields(
        capture, "dcerpc", "dcerpc.pkt_type", "dcerpc.dg_seqnum", "dcerpc.dg_act_id", "dcerpc.dg_if_id",
        "dcerpc.obj_id", "dcerpc.opnum", "dcerpc.dg_frag_num", "dcerpc.dg_frag_len", "dcerpc.dg_auth_proto",
        "dcerpc.dg_status", "dcerpc.fack_serial_num", "dcerpc.fack_selack", "dcerpc.dg_cancel_id",
    )  # fmt: skip
    ours = []
    for said in octets:
        header, body, _, _, _ = parse_datagram(said)
        fack = body if isinstance(body, FragmentAck) else FragmentAck(None, None, None, None, None, ())
        ours.append((
            str(header.pdu_type.value), str(header.sequence), header.activity, header.interface.uuid,
            header.object_uuid, str(header.opnum), str(header.fragment), str(header.length_octets),
            str(header.auth_protocol),
            f"0x{body.status:08x}" if isinstance(body, Refusal) else "",
            "" if fack.serial is None else str(fack.serial),
            ",".join(f"0x{mask:08x}" for mask in fack.selective),
            str(body.cancel_id) if isinstance(body, Cancel) else "",
        ))  # fmt: skip
    assert ours == theirs
    assert fields(capture, "_ws.malformed", "frame.number") == []


# Every recorded capture in which tshark finds such a PDU, in all the formats it is there in.
RECORDED = (
    "public/dcerpc-udp.pcap", "formats/netmon-made/udp.netmon1.cap", "formats/netmon-made/udp.netmon2.cap",
    "formats/pcapng/udp.pcapng", "formats/pcap/udp.pcap",
)  # fmt: skip
CAPTURES = [OWN / "built" / "datagrams.pcap"] + [SHARED / name for name in RECORDED if SHARED.is_dir()]


@pytest.mark.parametrize("path", CAPTURES, ids=name_of)
def test_every_pdu_of_the_captures_as_tshark_reads_it(path: Path) -> None:
    """Type, sequence number, activity, opnum, fragment, interface and object of each frame, no more and no fewer."""
    ours = []
    for found in segments_of(path):
        if found.transport == Transport.UDP and is_datagram(found.payload, found.length_octets):
            header = parse_datagram(found.payload, found.length_octets).header
            numbers = (header.pdu_type.value, header.sequence, header.opnum, header.fragment, header.length_octets)
            ours.append((
                str(found.frame_number), *map(str, numbers), header.activity, header.interface.uuid, header.object_uuid
            ))  # fmt: skip
    theirs = fields(
        path, "dcerpc.ver == 4", "frame.number", "dcerpc.pkt_type", "dcerpc.dg_seqnum", "dcerpc.opnum",
        "dcerpc.dg_frag_num", "dcerpc.dg_frag_len", "dcerpc.dg_act_id", "dcerpc.dg_if_id", "dcerpc.obj_id",
    )  # fmt: skip
    assert ours == theirs
    assert ours


@pytest.mark.parametrize("form", ORDERS)
def test_recognised_by_the_octets(form: dcerpc.Representation) -> None:
    for octets in samples(form):
        assert is_datagram(octets)
        assert is_datagram(memoryview(octets))
        assert not is_datagram(octets[: DATAGRAM_HEADER_OCTETS - 1], len(octets))
        length = parse_datagram(octets).header.length_octets
        cut = octets[:DATAGRAM_HEADER_OCTETS]
        assert is_datagram(cut, len(octets))
        assert is_datagram(cut) == (length == 0)


@pytest.mark.parametrize(
    ("offset", "values"),
    [
        (0, (0, 3, 5)),  # version
        (1, (11, 19, 255)),  # a type of connections, or none
        (3, (0x08, 0x10, 0x20, 0x40, 0x80)),  # [C706] 12.5.2.4: must be zero
        (4, (0x02, 0x12, 0x20, 0xFF)),  # byte order, characters
        (5, (4, 255)),  # floating point
        (6, (1, 255)),  # reserved
        (75, (0xFF,)),  # a body past the datagram
    ],
)
def test_what_is_not_recognised(offset: int, values: tuple[int, ...]) -> None:
    for value in values:
        octets = bytearray(samples()[0])
        octets[offset] = value
        assert not is_datagram(octets), (offset, value)


def test_bits_that_implementations_use_are_no_hindrance() -> None:
    """[C706] 12.5.2.3 leaves the outer bits to them, and [MS-RPCE] 2.2.3.3 has one of the second set."""
    for offset, value in ((2, 0x01), (2, 0x80), (3, 0x01), (3, 0x04)):
        octets = bytearray(samples()[0])
        octets[offset] = value
        assert is_datagram(octets)


def test_no_activity_is_no_datagram() -> None:
    octets = bytearray(samples()[0])
    octets[40:56] = bytes(16)
    assert not is_datagram(octets)


def test_other_payloads_are_not_taken_for_one() -> None:
    """Random octets, zeros, DNS, Kerberos, and a PDU of a connection."""
    rng = random.Random(4)
    others = [rng.randbytes(120) for _ in range(20_000)]
    others += [b"\4" + rng.randbytes(119) for _ in range(20_000)]
    others += [bytes(200), b"\4" + bytes(199), dns.query(0x0400, "a.domainB.com") + bytes(90)]
    others += [kerberos.krb_error(37, "DOMAINB.COM", kerberos.ticket_granting("DOMAINB.COM"), server_time_ns=0), b""]
    others.append(dcerpc.request(bytes(100)))
    assert [octets for octets in others if is_datagram(octets)] == []


@needs_shared
def test_no_other_datagram_of_the_captures_is_taken_for_one() -> None:
    """Kerberos, DNS, NTP and whatever else went by."""
    seen = 0
    for path in [path for path in captures_in(SHARED / "lab") if "udp" in path.name]:
        for found in segments_of(path):
            if found.transport == Transport.UDP:
                seen += 1
                assert not is_datagram(found.payload, found.length_octets)
    assert seen > 20


@pytest.mark.parametrize("form", ORDERS)
def test_cut_anywhere(form: dcerpc.Representation) -> None:
    """Under a header `Truncated` with the numbers; else a value, complete only with the whole body."""
    for octets in samples(form):
        whole = parse_datagram(octets)
        end = DATAGRAM_HEADER_OCTETS + whole.header.length_octets
        for length in range(len(octets)):
            if length < DATAGRAM_HEADER_OCTETS:
                with pytest.raises(Truncated) as raised:
                    parse_datagram(octets[:length], len(octets))
                assert (raised.value.needed, raised.value.available) == (DATAGRAM_HEADER_OCTETS, length)
                continue
            pdu = parse_datagram(octets[:length], len(octets))
            assert pdu.header == whole.header
            assert pdu.complete == (length >= end)
            assert not isinstance(pdu.problem, Malformed)


def test_a_body_past_the_datagram_is_a_problem() -> None:
    octets = bytearray(samples()[8])
    octets[74:76] = b"\xff\0"
    problem = parse_datagram(octets).problem
    assert isinstance(problem, Malformed)
    assert (problem.layer, problem.offset) == ("dcerpc.datagram.nocall", 74)


@given(st.data())
def test_mutations_give_values_or_parse_errors(data: st.DataObject) -> None:
    octets = bytearray(data.draw(st.sampled_from(samples() + samples(dcerpc.BIG_ENDIAN))))
    for _ in range(data.draw(st.integers(1, 8))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(octets)))
    try:
        pdu = parse_datagram(octets[:length], len(octets))
    except ParseError as error:
        assert length < DATAGRAM_HEADER_OCTETS
        assert error.layer.startswith("dcerpc.datagram")
    else:
        assert pdu.header.pdu_type == octets[1]


def test_profinet_as_scapy_writes_it() -> None:
    """PROFINET's context manager (IEC 61158-6-10) on port 34964 simply reads: Read of a device, in both byte orders."""
    layers = pytest.importorskip("scapy.layers.dcerpc")
    profinet = pytest.importorskip("scapy.contrib.pnio_rpc")
    interface = str(profinet.RPC_INTERFACE_UUID["UUID_IO_DeviceInterface"])
    activity = "7e3f0c11-2a5d-4d0b-9c80-5d3b8f10aa01"
    for endian in ("little", "big"):
        head = layers.DceRpc4(
            endian=endian, flags1=0x20, if_id=interface, act_id=activity, opnum=2, seqnum=6, object=OBJECT, serial_lo=9
        )
        octets = bytes(head / profinet.IODReadReq(seqNum=1, index=0xAFF0))
        assert is_datagram(octets)
        pdu = parse_datagram(octets)
        header = pdu.header
        assert (header.interface, header.activity, header.object_uuid) == ((interface, 1, 0), activity, OBJECT)
        assert (header.opnum, header.sequence, header.serial, header.little_endian) == (2, 6, 9, endian == "little")
        assert isinstance(pdu.body, Stub)
        assert (len(pdu.body.octets), pdu.complete, pdu.problem) == (len(octets) - 80, True, None)


def test_octets_of_the_module_have_the_size_of_the_header() -> None:
    assert {layout.size for layout in datagram._HEADER} == {DATAGRAM_HEADER_OCTETS}
