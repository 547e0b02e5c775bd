"""The writing half writes what the specifications say: tshark, impacket and scapy read it; it equals what was recorded
(captures/u2u/u2u-fault-721-extended-error.pcap)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from struct import unpack_from

import pytest
from builders import (
    CLIENT,
    SERVER,
    Host,
    Interface,
    TcpConversation,
    TimedFrame,
    cut,
    dcerpc,
    dcerpc_datagram,
    der,
    dns,
    dropped,
    duplicated,
    filler,
    kerberos,
    merged,
    netmon,
    network,
    ntlm,
    pcap,
    pcapng,
    reordered,
    shifted,
    spnego,
    udp_frame,
)
from builders.dcerpc import Context, Head, Pfc, Result, Security
from builders.extended_error import ErrorRecord, ParameterType, extended_error
from tshark_reading import fields, tshark

RECORDED = Path(__file__).parents[1] / "captures" / "u2u" / "u2u-fault-721-extended-error.pcap"
CLIENT_HOST, SERVER_HOST = Host("10.2.0.21", "02:00:00:00:00:21"), Host("10.2.0.73", "02:00:00:00:00:73")
CLIENT_HOST_6, SERVER_HOST_6 = Host("fd00::21", "02:00:00:00:00:21"), Host("fd00::73", "02:00:00:00:00:73")
REALM = "CHILD.DOMAINA.COM"
NOVICE = kerberos.principal("bob-a")
FEATURES = Context(1, dcerpc.ICLASSFACTORY, (dcerpc.bind_time_features(),))
OBJECT_UUID = "a1b2c3d4-0000-4000-8000-000000000001"
HEADER_SIGNING = dcerpc.WHOLE | Pfc.SUPPORT_HEADER_SIGN


def recorded_payload(number: int) -> bytes:
    """The TCP payload of one frame of the recorded capture (no VLAN, TCP header of 32 octets)."""
    data, at = RECORDED.read_bytes(), 24
    for _ in range(number - 1):
        at += 16 + unpack_from("<I", data, at + 8)[0]
    length = unpack_from("<I", data, at + 8)[0]
    return data[at + 16 + 14 + 20 + 32 : at + 16 + length]


def conversation(
    client: Host = CLIENT_HOST, server: Host = SERVER_HOST, port: int = 49834, **more: object
) -> TcpConversation:
    return TcpConversation((client, 50211), (server, port), **more)  # type: ignore[arg-type]


def test_a_bind_with_a_ticket_request_equals_the_recorded_one() -> None:
    """bind, two contexts, SPNEGO, KERB-TGT-REQUEST: frame 32."""
    token = spnego.neg_token_init(mech_token=kerberos.gss_tgt_request(NOVICE, REALM))
    head = Head(2, HEADER_SIGNING, Security(dcerpc.SPNEGO, dcerpc.PRIVACY, token))
    assert dcerpc.bind([Context(0, dcerpc.ICLASSFACTORY), FEATURES], head) == recorded_payload(32)


def test_a_bind_ack_with_a_ticket_reply_equals_the_recorded_one() -> None:
    """bind_ack, two results, SPNEGO, KERB-TGT-REPLY: frame 34."""
    recorded = recorded_payload(34)
    cipher = recorded[-0x418:]
    ticket = kerberos.ticket(REALM, kerberos.ticket_granting(REALM), kvno=1, cipher=cipher)
    token = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, kerberos.MS_KRB5, kerberos.gss_tgt_reply(ticket))
    head = Head(2, HEADER_SIGNING, Security(dcerpc.SPNEGO, dcerpc.PRIVACY, token))
    assert dcerpc.bind_ack([Result(), dcerpc.FEATURES_ACCEPTED], head, secondary_address="49170") == recorded


def test_an_alter_context_with_an_ap_req_equals_the_recorded_one() -> None:
    """alter_context, AP-REQ with use-session-key and mutual-required, no kvno: frames 50 and 51."""
    recorded = recorded_payload(50) + recorded_payload(51)
    at = recorded.index(b"\xa2\x82", 0xB0)
    ticket_cipher = recorded[recorded.index(bytes.fromhex("9905544d11ed8a16")) :][
        : unpack_from(">H", recorded, at + 6)[0]
    ]
    authenticator = recorded[recorded.index(bytes.fromhex("70ede83debdbdf59")) :]
    ap_req = kerberos.ap_req(
        kerberos.ticket(REALM, NOVICE, cipher=ticket_cipher),
        ap_options=kerberos.USE_SESSION_KEY | kerberos.MUTUAL_REQUIRED,
        authenticator_cipher=authenticator,
    )
    token = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, None, ap_req)
    head = Head(2, HEADER_SIGNING, Security(dcerpc.SPNEGO, dcerpc.PRIVACY, token))
    assert dcerpc.alter_context([Context(0, dcerpc.ICLASSFACTORY)], head) == recorded


def test_a_fault_with_an_extended_error_equals_the_recorded_one() -> None:
    """fault 0x721 with one [MS-EERR] record of three long parameters: frame 53."""
    recorded = recorded_payload(53)
    filetime = unpack_from("<Q", recorded, 32 + 16 + 0x20)[0]
    record = ErrorRecord(
        0x721, 130, 3, "WS2", 0x4A0, (filetime - 116_444_736_000_000_000) * 100,
        parameters=((ParameterType.LONG, 0x8009030C), (ParameterType.LONG, 9), (ParameterType.LONG, 6)),
    )  # fmt: skip
    extended = extended_error(record)
    assert dcerpc.fault(0x721, extended_error=extended, alloc_hint=144) == recorded


def every_pdu(form: dcerpc.Representation) -> list[tuple[int, bytes]]:
    """(direction, PDU) of one made-up connection that uses every type there is, in an order that makes sense."""
    ntlm_head = Head(1, HEADER_SIGNING, Security(dcerpc.NTLM, dcerpc.INTEGRITY, ntlm.negotiate(), 7), form)
    asked = ntlm.challenge("RESOURCE", [(ntlm.AV_NB_DOMAIN, "RESOURCE"), (ntlm.AV_DNS_DOMAIN, "domainB.com")])
    answered = Head(1, HEADER_SIGNING, Security(dcerpc.NTLM, dcerpc.INTEGRITY, asked, 7), form)
    proof = Head(
        1, HEADER_SIGNING, Security(dcerpc.NTLM, dcerpc.INTEGRITY, ntlm.authenticate("RESOURCE", "user", "PC"), 7), form
    )
    signed = Security(dcerpc.NTLM, dcerpc.INTEGRITY, b"\1\0\0\0" + filler("verifier", 12), 7, alignment=16)
    offered = [Context(0, dcerpc.LSARPC, (dcerpc.NDR,)), Context(1, dcerpc.LSARPC, (dcerpc.NDR64,))]
    plain = Head(2, form=form)
    return [
        (CLIENT, dcerpc.bind(offered, ntlm_head)),
        (SERVER, dcerpc.bind_ack([Result(), dcerpc.REJECTED_TRANSFER], answered, secondary_address="49834")),
        (CLIENT, dcerpc.auth3(proof)),
        (CLIENT, dcerpc.request(filler("stub", 21), Head(2, security=signed, form=form), opnum=300)),
        (SERVER, dcerpc.fault(5, Head(2, form=form))),
        (CLIENT, dcerpc.alter_context([Context(2, dcerpc.NETLOGON_INTERFACE)], Head(3, form=form))),
        (SERVER, dcerpc.alter_context_resp([dcerpc.REJECTED_SYNTAX], Head(3, form=form))),
        (CLIENT, dcerpc.request(b"", Head(4, form=form), opnum=301, object_uuid=OBJECT_UUID)),
        (CLIENT, dcerpc.co_cancel(Head(4, form=form))),
        (CLIENT, dcerpc.orphaned(Head(4, form=form))),
        (SERVER, dcerpc.response(b"", Head(4, form=form))),
        (SERVER, dcerpc.bind_nak(8, plain, extended_error=extended_error(ErrorRecord(8, 10)))),
        (SERVER, dcerpc.shutdown(Head(5, form=form))),
    ]  # fmt: skip


@pytest.mark.parametrize("form", [dcerpc.LITTLE_ENDIAN, dcerpc.BIG_ENDIAN])
@pytest.mark.parametrize("hosts", [(CLIENT_HOST, SERVER_HOST), (CLIENT_HOST_6, SERVER_HOST_6)])
def test_tshark_reads_every_pdu_type(form: dcerpc.Representation, hosts: tuple[Host, Host]) -> None:
    """Types, call ids, lengths and status come back in either byte order over IPv4 and IPv6; nothing is malformed."""
    talk = conversation(*hosts)
    talk.connect()
    expected = every_pdu(form)
    for direction, octets in expected:
        talk.send(SERVER if direction else CLIENT, octets)
    talk.close()
    capture = pcap(talk.frames)
    assert tshark(capture, "-Y", "_ws.malformed || tcp.analysis.flags") == []
    read = fields(capture, "dcerpc", "dcerpc.pkt_type", "dcerpc.cn_call_id", "dcerpc.cn_frag_len", "dcerpc.cn_status")
    call_id = "<I" if form.little_endian else ">I"
    assert [tuple(row[:3]) for row in read] == [
        (str(octets[2]), str(unpack_from(call_id, octets, 12)[0]), str(len(octets))) for _, octets in expected
    ]
    assert [row[3] for row in read if row[3]] == ["0x00000005"]


def test_tshark_reads_the_negotiated_names() -> None:
    """Interfaces, transfer syntaxes, results, object UUID and NTLM names are where the specifications put them."""
    talk = conversation()
    talk.connect()
    for direction, octets in every_pdu(dcerpc.LITTLE_ENDIAN):
        talk.send(SERVER if direction else CLIENT, octets)
    capture = pcap(talk.frames)
    binds = fields(
        capture, "dcerpc.pkt_type == 11", "dcerpc.cn_bind_to_uuid", "dcerpc.cn_bind_trans_id", "dcerpc.auth_ctx_id"
    )
    assert binds == [(",".join([dcerpc.LSARPC.uuid] * 2), f"{dcerpc.NDR.uuid},{dcerpc.NDR64.uuid}", "7")]
    assert fields(capture, "dcerpc.pkt_type == 12", "dcerpc.cn_ack_result", "dcerpc.cn_ack_reason") == [("0,2", "2")]
    assert fields(capture, "dcerpc.cn_flags.object == 1", "dcerpc.obj_id") == [
        ("a1b2c3d4-0000-4000-8000-000000000001",)
    ]
    assert fields(capture, "dcerpc.pkt_type == 16", "ntlmssp.auth.username", "ntlmssp.auth.hostname") == [
        ("user", "PC")
    ]
    assert fields(capture, "dcerpc.pkt_type == 13", "dcerpc.cn_reject_reason") == [("8",)]


def test_fragments_join_to_the_stub() -> None:
    """tshark reassembles a request and a response in three fragments each; flags and alloc_hint as in C706 12.6.3."""
    stub = filler("stub", 2500)
    talk = conversation()
    talk.connect()
    talk.send(CLIENT, dcerpc.bind([Context(0, dcerpc.LSARPC)], Head(1)))
    talk.send(SERVER, dcerpc.bind_ack([Result()], Head(1)))
    requests = dcerpc.request_fragments(stub, 1000, Head(2), opnum=200)
    for octets in [*requests, *dcerpc.response_fragments(stub, 1000, Head(2))]:
        talk.send(SERVER if octets[2] else CLIENT, octets)
    assert [octets[3] for octets in requests] == [Pfc.FIRST, 0, Pfc.LAST]
    assert [unpack_from("<I", octets, 16)[0] for octets in requests] == [2500, 1500, 500]
    assert b"".join(octets[24:] for octets in requests) == stub
    assert len(fields(pcap(talk.frames), "dcerpc.fragment.count == 3", "frame.number")) == 2


def test_padding_is_counted_in_the_trailer() -> None:
    """[MS-RPCE] 2.2.2.11: the padding stands before the trailer and in auth_pad_length, auth_length leaves both out."""
    security = Security(dcerpc.KERBEROS, dcerpc.PRIVACY, b"token", alignment=16)
    octets = dcerpc.request(b"12345", Head(security=security))
    assert octets[24:29] == b"12345"
    assert octets[-13:] == bytes([dcerpc.KERBEROS, dcerpc.PRIVACY, 3, 0]) + bytes(4) + b"token"
    assert unpack_from("<HH", octets, 8) == (len(octets), 5)
    lying = dcerpc.request(b"12345", Head(security=security._replace(pad_length=9)))
    assert lying[-11] == 9
    assert len(lying) == len(octets)


def test_impacket_reads_the_kerberos_messages() -> None:
    """Every message decodes with pyasn1 against RFC 4120's module, with nothing left over."""
    from impacket.krb5 import asn1
    from pyasn1.codec.der import decoder

    ticket = kerberos.ticket("child.domainA.COM", kerberos.principal("novice"))
    body = kerberos.KdcRequest(REALM, NOVICE, 2_000_000_000 * 10**9, cname=NOVICE, additional_tickets=(ticket,))
    error = kerberos.krb_error(
        37, REALM, NOVICE, server_time_ns=1_331_717_210_123_456_000, client_time_ns=1, client_realm=REALM, cname=NOVICE,
        text="skew", data=kerberos.extended_error_data(0xC0000133),
    )  # fmt: skip
    table = [
        (kerberos.ap_req(ticket), asn1.AP_REQ()),
        (kerberos.ap_rep(), asn1.AP_REP()),
        (kerberos.as_req(body, [kerberos.padata(128, der.sequence())]), asn1.AS_REQ()),
        (kerberos.as_rep(REALM, NOVICE, ticket), asn1.AS_REP()),
        (kerberos.tgs_req(body, ticket), asn1.TGS_REQ()),
        (kerberos.tgs_rep(REALM, NOVICE, ticket), asn1.TGS_REP()),
        (error, asn1.KRB_ERROR()),
    ]
    read = {}
    for octets, specification in table:
        value, rest = decoder.decode(octets, asn1Spec=specification)
        assert rest == b""
        read[type(specification)] = value
    shown = read[asn1.AP_REQ]
    assert str(shown["ticket"]["realm"]) == "child.domainA.COM"
    assert [str(name) for name in shown["ticket"]["sname"]["name-string"]] == ["novice"]
    assert not shown["ticket"]["enc-part"]["kvno"].isValue
    assert int(read[asn1.KRB_ERROR]["error-code"]) == 37
    assert str(read[asn1.KRB_ERROR]["stime"]) == "20120314092650Z"
    assert len(read[asn1.TGS_REQ]["req-body"]["additional-tickets"]) == 1


def test_impacket_reads_the_ntlm_messages() -> None:
    """[MS-NLMP]: offsets, lengths and flags of the three messages."""
    from impacket import ntlm as reader

    asked = reader.NTLMAuthChallenge(ntlm.challenge("RESOURCE", [(ntlm.AV_DNS_DOMAIN, "domainB.com")]))
    pairs = reader.AV_PAIRS(asked["TargetInfoFields"])
    assert pairs[reader.NTLMSSP_AV_DNS_DOMAINNAME][1].decode("utf-16-le") == "domainB.com"
    assert asked["challenge"] == filler("server challenge", 8)
    proof = reader.NTLMAuthChallengeResponse()
    proof.fromString(ntlm.authenticate("RESOURCE", "user", "PC"))
    assert [proof[name].decode("utf-16-le") for name in ("domain_name", "user_name", "host_name")] == [
        "RESOURCE",
        "user",
        "PC",
    ]
    assert proof["ntlm"] == filler("nt response", 24)
    first = reader.NTLMAuthNegotiate()
    first.fromString(ntlm.negotiate())
    assert first["flags"] == ntlm.DEFAULT_FLAGS


def test_scapy_reads_the_extended_error() -> None:
    """[MS-EERR]: all parameter types in one record; a chain of two (scapy reads the names of chained records elsewhere
    than C706 14.3.12.3 puts them, so that chain has none)."""
    from scapy.layers.msrpce.mseerr import DceRpc5ExtendedErrorInfo

    kinds = (
        (ParameterType.UNICODE, "novice"), (ParameterType.LONG, 0x8009030C),
        (ParameterType.POINTER, 0x1122334455), (ParameterType.BINARY, b"\1\2\3"),
    )  # fmt: skip
    first = ErrorRecord(0x721, 73, 2, "WS2", 0x4A0, 10**18, 0, kinds)
    read = DceRpc5ExtendedErrorInfo(extended_error(first)).extended_error.value
    assert (read.Status, read.DetectionLocation, read.ProcessID, read.nLen) == (0x721, 73, 0x4A0, 4)
    values = [parameter.value.value for parameter in read.Params]
    assert values[0].pString.value.value == "novice\0".encode("utf-16-le")
    assert values[1] & 0xFFFF_FFFF == 0x8009030C
    assert values[2] == 0x1122334455
    assert values[3].pBlob.value.value == b"\1\2\3"
    short = (ParameterType.SHORT, 7), (ParameterType.NONE, None)
    chain = DceRpc5ExtendedErrorInfo(extended_error(ErrorRecord(5, 1461, parameters=short), ErrorRecord(0x6D, 0, 8)))
    outer = chain.extended_error.value
    assert [parameter.value.value for parameter in outer.Params] == [7, b""]
    assert (outer.Next.value.Status, outer.Next.value.GeneratingComponent) == (0x6D, 8)


def test_tcp_numbers_follow_and_wrap() -> None:
    """RFC 9293 3.4: numbers wrap at 2**32, SYN and FIN count, checksums are right; tshark finds no fault."""
    talk = conversation(sequence=[0xFFFF_FF00, 0xFFFF_FFF0], vlans=(7,))
    assert len(talk.connect()) == 3
    assert len(talk.send(CLIENT, filler("up", 1000), segment_size=300, acknowledge=True)) == 5
    talk.send(SERVER, filler("down", 4000), acknowledge=True)
    assert len(talk.close(SERVER)) == 3
    assert talk.sequence == [(0xFFFF_FF00 + 1002) & 0xFFFF_FFFF, (0xFFFF_FFF0 + 4002) & 0xFFFF_FFFF]
    capture = pcap(talk.frames)
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    bad = "tcp.analysis.flags || tcp.checksum.status != 1 || ip.checksum.status != 1 || vlan.id != 7"
    assert tshark(capture, *checks, "-Y", bad) == []
    assert all(later.timestamp_ns > earlier.timestamp_ns for earlier, later in pairwise(talk.frames))


def test_udp_frames_are_read() -> None:
    """DNS and connectionless DCE/RPC over IPv4 and IPv6, small frames padded to 60 octets, checksums right."""
    activity = dcerpc_datagram.Activity(dcerpc.EPMAPPER)
    frames = []
    for client, server in ((CLIENT_HOST, SERVER_HOST), (CLIENT_HOST_6, SERVER_HOST_6)):
        frames += [
            udp_frame((client, 5000), (server, 53), dns.query(1, "a.domainB.com"), padded=True),
            udp_frame((server, 53), (client, 5000), dns.answer(1, "a.domainB.com", [dns.address_record("10.2.0.73")])),
            udp_frame(
                (client, 5001),
                (server, 135),
                dcerpc_datagram.datagram(0, activity, filler("s", 8), opnum=99, flags_1=0x20),
            ),
            udp_frame(
                (server, 135), (client, 5001), dcerpc_datagram.datagram_status(3, activity, 0x1C010003, opnum=99)
            ),
        ]
    capture = pcap([TimedFrame(index, octets) for index, octets in enumerate(frames)])
    checks = ["-o", "udp.check_checksum:TRUE"]
    assert tshark(capture, *checks, "-Y", "_ws.malformed || udp.checksum.status != 1") == []
    assert fields(capture, "dns.a", "dns.a") == [("10.2.0.73",)] * 2
    assert fields(capture, "dcerpc", "dcerpc.pkt_type", "dcerpc.opnum") == [("0", "99"), ("3", "99")] * 2


def test_ip_fragments_join() -> None:
    """RFC 791 3.2: tshark puts the pieces together and finds the datagram's checksum right."""
    datagram = network.udp_datagram((CLIENT_HOST, 1), (SERVER_HOST, 2), filler("big", 3000))
    pieces = network.ipv4_fragments(CLIENT_HOST, SERVER_HOST, network.UDP, datagram, 1480)
    capture = pcap([TimedFrame(index, octets) for index, octets in enumerate(pieces)])
    assert len(pieces) == 3
    assert fields(capture, "udp", "ip.fragment.count", "udp.length") == [("3", "3008")]


STAMPED = [
    TimedFrame(
        1_331_717_210_123_456_789 + number * 1_000_003_000, udp_frame((CLIENT_HOST, 9), (SERVER_HOST, 9), bytes(number))
    )
    for number in range(3)
]
NANOSECOND = Interface("Ethernet 2", resolution=9)
FILES = {
    "pcap": (lambda frames: pcap(frames), 1_000),
    "pcap big endian": (lambda frames: pcap(frames, little_endian=False), 1_000),
    "pcap nanoseconds": (lambda frames: pcap(frames, nanoseconds=True), 1),
    "pcap big endian nanoseconds": (lambda frames: pcap(frames, little_endian=False, nanoseconds=True), 1),
    "pcapng": (lambda frames: pcapng(frames), 1_000),
    "pcapng big endian": (lambda frames: pcapng(frames, little_endian=False, interfaces=[NANOSECOND], comment="c"), 1),
    "pcapng binary resolution": (lambda frames: pcapng(frames, interfaces=[Interface(resolution=0x80 | 20)]), 2_000),
    "pcapng offset": (lambda frames: pcapng(frames, interfaces=[Interface(offset_seconds=1_000_000, resolution=9)]), 1),
    "netmon 1.1": (lambda frames: netmon(frames, version=(1, 1)), 1_000_000),
    "netmon 2.0": (lambda frames: netmon(frames, version=(2, 0)), 1_000),
    "netmon 2.1": (lambda frames: netmon(frames, version=(2, 1)), 1_000),
    "netmon 2.2": (lambda frames: netmon(frames, version=(2, 2)), 1_000),
    "netmon 2.3": (lambda frames: netmon(frames), 1_000),
    "netmon 2.3 short header": (lambda frames: netmon(frames, header_octets=72), 1_000),
}


@pytest.mark.parametrize("name", FILES)
def test_tshark_reads_every_file_format(name: str) -> None:
    """Times to the format's resolution, lengths and octets come back."""
    write, resolution_ns = FILES[name]
    rows = fields(write(cut(STAMPED, 43)), "frame", "frame.time_epoch", "frame.len", "frame.cap_len")
    assert [(int(length), int(kept)) for _, length, kept in rows] == [(42, 42), (43, 43), (44, 43)]
    for (text, _, _), frame in zip(rows, STAMPED, strict=True):
        seconds, fraction = text.split(".")
        assert 0 <= frame.timestamp_ns - (int(seconds) * 10**9 + int(fraction.ljust(9, "0"))) < resolution_ns


def test_comments_and_interfaces_are_read() -> None:
    """pcapng: packet comments, a section comment, two interfaces, simple packet blocks; Network Monitor comments."""
    frames = [
        frame._replace(interface=index % 2, comments=("look", "here")[: index + 1])
        for index, frame in enumerate(STAMPED)
    ]
    capture = pcapng(frames, interfaces=[NANOSECOND, Interface("loop")], application="made", comment="ours")
    assert [row[0] for row in fields(capture, "frame", "frame.interface_name")] == ["Ethernet 2", "loop", "Ethernet 2"]
    assert fields(capture, "frame", "frame.comment") == [("look",), ("look,here",), ("look,here",)]
    assert len(fields(pcapng(STAMPED, simple=True), "udp", "frame.number")) == 3
    assert "    [Comment title: look]" in tshark(netmon(frames[:1]), "-V")


def test_damage_is_what_it_says() -> None:
    """The helpers change order, number and length of frames and nothing else."""
    frames = STAMPED
    assert [len(frame.octets) for frame in reordered(frames, (2, 0, 1))] == [44, 42, 43]
    assert [frame.timestamp_ns for frame in reordered(frames, (2, 0, 1))] == [frame.timestamp_ns for frame in frames]
    assert [frame.octets for frame in duplicated(frames, {1})] == [frames[at].octets for at in (0, 1, 1, 2)]
    assert dropped(frames, {0, 2}) == [frames[1]]
    assert cut(cut(frames, 43), 20)[2] == frames[2]._replace(octets=frames[2].octets[:20], original_length_octets=44)
    assert merged(frames[1:], frames[:1]) == frames
    assert [frame.timestamp_ns for frame in shifted(frames, 5)] == [frame.timestamp_ns + 5 for frame in frames]
