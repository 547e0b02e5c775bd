"""Real captures and tshark's readings of them, and properties of the whole: any cut, any gap, any octets."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from builders import dcerpc
from builders import smb as write
from builders.smb_talk import Heard, Talk, hear
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_captures import SHARED, name_of, needs_shared, sidecar
from tshark_reading import fields

from rpctrace.capture.frame import Frame
from rpctrace.protocols.dcerpc.pdu import PduType
from rpctrace.protocols.gssapi.token import TokenKind, read_token
from rpctrace.protocols.smb.notice import SmbNoticeKind
from rpctrace.stream.stream import Chunk, Gap

LAB = SHARED / "lab"
# the kinds that the sidecars list one by one, and the types of PDU in them
LISTED = {
    "binds": {PduType.BIND}, "acks": {PduType.BIND_ACK, PduType.ALTER_CONTEXT_RESP},
    "alter_contexts": {PduType.ALTER_CONTEXT}, "auth3": {PduType.AUTH3}, "faults": {PduType.FAULT},
    "bind_naks": {PduType.BIND_NAK},
}  # fmt: skip


def lab_captures() -> list[Path]:
    """Those with SMB in them, cut ones apart."""
    found = []
    for beside in sorted(LAB.rglob("*.json")) if LAB.is_dir() else []:
        text = beside.read_text()
        if ("pipe_fid" in text or "smb2 cmd" in text or "smb cmd" in text) and "snaplen" not in beside.name:
            found.append(beside.with_suffix(""))
    return found


def over_smb(listed: list[dict[str, object]]) -> list[dict[str, object]]:
    return [each for each in listed if "445" in (str(each["src"]).split(":")[-1], str(each["dst"]).split(":")[-1])]


@needs_shared
@pytest.mark.parametrize("capture", lab_captures(), ids=name_of)
def test_as_the_sidecar_says(capture: Path) -> None:
    """Every bind, acknowledgement, alter_context, auth3, fault and bind_nak in its frame with its call id; and every
    AP-REQ of a session setup."""
    heard, said = hear(capture), sidecar(capture)
    assert list(heard.problems) == []
    for name, types in LISTED.items():
        ours = sorted((pdu.frame, pdu.call_id) for pdu in heard.pdus if pdu.pdu_type in types)
        assert ours == sorted((each["frame"], each["call_id"]) for each in over_smb(said[name])), name
    theirs = [each["frame"] for each in said["ap_reqs"] if each["carried_in"] in ("smb2 cmd 1", "smb cmd 0x73")]
    asked = [leg for leg in heard.legs if leg.direction == 0]
    ours = [leg.provenance.frame for leg in asked if read_token(9, leg.octets).kind is TokenKind.AP_REQ]
    assert ours == sorted(theirs)
    assert all(channel.name is not None and not channel.joined_late for channel in heard.channels)


PUBLIC = [
    "public/CA_masterkey_rpc_protectedstorage.pcapng", "public/dcerpc-over-smb.pcap", "public/mapi.pcap",
    "public/dcom-classfactory-ntlm-fallback.pcap", "public/smb2-psexec-kerberos.pcap", "public/smb2_krb.pcap",
    "public/LM_psexec_smb_dcerpc_epm_svcctl.pcapng", "public/kerberos445_auth.pcapng", "public/smb_gssapi.pcap",
    "netmon/MS-ADOD_Example1_4_Win2016_X64_Win2016_X64_Domain_UnjoiningADomainMember.cap",
    "netmon/MS-ADOD_Example2_4_Win2016_X64_Win2016_X64_Domain_ChangeAUserAccountsPassword.cap",
    "netmon/MS-GPOD_Example3_Win2016_X64_Win10_X64.cap",
    "lab/c-torture/rpc.winreg.np.pcap", "lab/c-torture/rpc.samba3.np.pcap", "lab/c-torture/rpc.lsa.np.pcap",
    "lab/a-clean/xforest-rpcclient-np-smb311.pcap",
]  # fmt: skip


@needs_shared
@pytest.mark.parametrize("name", PUBLIC)
def test_as_tshark_says(name: str) -> None:
    """Every PDU in a pipe: the frame that completed it, its type and call id; and every session setup's status."""
    heard = hear(SHARED / name)
    theirs: Counter[tuple[int, int, int]] = Counter()
    for frame, types, calls in fields(
        SHARED / name, "dcerpc and (smb or smb2)", "frame.number", "dcerpc.pkt_type", "dcerpc.cn_call_id"
    ):
        theirs.update(
            (int(frame), int(one), int(call)) for one, call in zip(types.split(","), calls.split(","), strict=True)
        )
    assert Counter((pdu.frame, int(pdu.pdu_type), pdu.call_id) for pdu in heard.pdus) == theirs
    setups = fields(
        SHARED / name, "smb2.cmd == 1 or smb.cmd == 0x73", "frame.number", "smb2.nt_status", "smb.nt_status"
    )
    assert {(leg.provenance.frame, leg.status or 0) for leg in heard.legs} == {
        (int(frame), int(second or first or "0", 0)) for frame, second, first in setups
    }
    assert list(heard.problems) == []


@needs_shared
def test_a_session_over_several_connections() -> None:
    """Windows writes into a pipe on one connection and reads from it on another: one channel all the same."""
    heard = hear(SHARED / "netmon/MS-GPOD_Example3_Win2016_X64_Win10_X64.cap")
    assert [channel.name for channel in heard.channels] == ["\\pipe\\lsarpc", "\\pipe\\netlogon", "\\pipe\\lsarpc"]


@needs_shared
def test_a_capture_cut_at_the_snapshot_length() -> None:
    """Each segment ends in a gap: what is left of every PDU is there, in its frame, and more than tshark shows, which
    reads no message that is not whole."""
    capture = LAB / "f-capture-variants/mixed-small-snaplen.pcapng"
    said = sidecar(capture)
    ours = {(pdu.frame, pdu.call_id) for pdu in hear(capture).pdus if pdu.pdu_type in LISTED["acks"]}
    assert ours >= {(each["frame"], each["call_id"]) for each in said["acks"] if "pipe_fid" in each}


@needs_shared
def test_an_encrypted_session() -> None:
    """Said once, with how many messages."""
    (notice,) = hear(LAB / "a-impacket/imp-secretsdump.pcap").notices
    frames = fields(LAB / "a-impacket/imp-secretsdump.pcap", "smb2.header.transform.signature", "frame.number")
    assert (notice.kind, notice.messages) == (SmbNoticeKind.ENCRYPTED, len(frames))
    assert notice.provenance.frame == int(frames[0][0])


def pdus_of(heard: Heard) -> Counter[tuple[int, int, int]]:
    return Counter((pdu.frame, int(pdu.pdu_type), pdu.call_id) for pdu in heard.pdus)


DAMAGED = [
    ("lab/c-torture/rpc.samba3.np.pcap", 1000), ("public/mapi.pcap", 350), ("lab/c-torture/rpc.lsa.np.pcap", 300),
]  # fmt: skip


@needs_shared
@pytest.mark.parametrize(("name", "frame"), DAMAGED)
def test_joined_in_the_middle(name: str, frame: int) -> None:
    """From a frame on, every PDU of a connection that goes on; a pipe whose opening is not there has no name."""
    whole = pdus_of(hear(SHARED / name))
    late = hear(SHARED / name, lambda each: each if each.number >= frame else None)
    expected = Counter({pdu: count for pdu, count in whole.items() if pdu[0] >= frame})
    assert pdus_of(late) - expected == Counter()
    assert sum((expected - pdus_of(late)).values()) <= 1  # an answer whose beginning is in frames before


@needs_shared
@pytest.mark.parametrize(("name", "octets"), [(DAMAGED[0][0], 300), (DAMAGED[1][0], 200), (DAMAGED[2][0], 260)])
def test_every_frame_is_cut(name: str, octets: int) -> None:
    """Where the header of a PDU is still there, so is the PDU; a long one ends in the frame that its cut is in."""

    def cut(frame: Frame) -> Frame:
        return frame._replace(octets=frame.octets[:octets])

    whole, ours = hear(SHARED / name).pdus, hear(SHARED / name, cut).pdus
    assert Counter(pdu[1:4] for pdu in ours) == Counter(pdu[1:4] for pdu in whole)
    assert sum(pdu.frame for pdu in whole) - sum(pdu.frame for pdu in ours) < 10


@needs_shared
@pytest.mark.parametrize(("name", "_frame"), DAMAGED)
def test_frames_are_lost(name: str, _frame: int) -> None:
    """One in fifty: hardly more PDUs than those in them, and next to nothing that is none."""
    rng = random.Random(3)
    whole = pdus_of(hear(SHARED / name))
    damaged = pdus_of(hear(SHARED / name, lambda frame: None if rng.random() < 0.02 else frame))
    assert sum((whole - damaged).values()) < 0.06 * sum(whole.values())
    assert sum((damaged - whole).values()) <= 3  # completed as far as it goes, in an earlier frame


# Properties

BIND = dcerpc.bind([dcerpc.Context(0, dcerpc.ICLASSFACTORY)])
HEAD, HEAD1 = write.Head(10), write.Head1(10)
SECOND = {
    False: [
        *write.begun2(), *write.opened2(),
        (0, write.write_request(HEAD, BIND)), (1, write.write_answer(HEAD)),
        (0, write.read_request(HEAD.but(number=11))),
        (1, write.error2(write.READ, HEAD.but(number=11, status=write.PENDING, asynchronous=True))),
        (1, write.read_answer(HEAD.but(number=11, asynchronous=True, signed=True), BIND)),
        (0, write.ioctl_request(HEAD.but(number=12), BIND)), (1, write.ioctl_answer(HEAD.but(number=12), BIND)),
        (0, write.compound(
            write.create_request(HEAD.but(number=14), "samr"),
            write.write_request(HEAD.but(number=15, related=True), BIND, write.LAST))),
        (1, write.transform(5, bytes(30))), (1, write.compressed(bytes(90), bytes(30), 1080)),
        (0, write.close_request(HEAD.but(number=13))), (1, write.close_answer(HEAD.but(number=13))),
    ],
    True: [
        *write.begun1(), *write.opened1(),
        (0, write.write_andx1(HEAD1, BIND)), (1, write.write_andx_answer1(HEAD1, 5)),
        (0, write.read_andx1(HEAD1)), (1, write.read_andx_answer1(HEAD1, BIND)),
        (0, write.trans1(HEAD1, BIND[:30], total=len(BIND))),
        (0, write.trans_secondary1(HEAD1, BIND[30:], 30, len(BIND))), (1, write.trans_answer1(HEAD1, BIND)),
        (0, write.plain_setup_request1(HEAD1.but(session=0), "D", "u")), (1, write.plain_setup_answer1(HEAD1)),
        (0, write.close1(HEAD1)), (1, write.error1(4, HEAD1)),
    ],
}  # fmt: skip


def essence(heard: Heard) -> list[object]:
    """What was said, without the frames and with the pieces of a channel joined."""
    return [
        [(channel.name, heard.octets(channel, 0), heard.octets(channel, 1)) for channel in heard.channels],
        [type(event).__name__ for _channel, event in heard.events if not isinstance(event, Chunk)],
        [(pdu.pdu_type, pdu.call_id) for pdu in heard.pdus],
        [leg[:6] for leg in heard.legs],
        [(notice.kind, notice.name, notice.status, notice.messages) for notice in heard.notices],
        [facts[:3] for facts in heard.facts],
    ]


@pytest.mark.parametrize("first", [False, True], ids=["smb2", "smb1"])
@pytest.mark.parametrize("size", [1, 2, 3, 61, 200])
def test_whole_is_octet_by_octet(first: bool, size: int) -> None:
    whole, cut = Talk(), Talk()
    whole.turns(SECOND[first])
    cut.turns(SECOND[first], size)
    assert essence(whole.end()) == essence(cut.end())
    assert [len(whole.heard.pdus), len(whole.heard.legs)] == ([4, 6] if first else [5, 4])


@pytest.mark.parametrize("first", [False, True], ids=["smb2", "smb1"])
def test_a_late_start_finds_the_pipe(first: bool) -> None:
    """Without negotiation, tree and open: a pipe without a name, known by its data."""
    talk = Talk(joined_late=True)
    talk.turns(SECOND[first][10 - 2 * first :])
    (channel, *_others) = talk.end().channels
    assert (channel.name, channel.joined_late) == (None, True)
    assert talk.heard.octets(channel, 0)[: len(BIND)] == BIND


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), first=st.booleans())
def test_any_octets_give_values_or_problems(seed: int, first: bool) -> None:
    """Mutated, cut, with gaps; what is said of a channel stays consistent: offsets follow each other."""
    rng = random.Random(seed)
    talk = Talk(joined_late=rng.random() < 0.3)
    for direction, message in SECOND[first]:
        octets = bytearray(write.packet(message))
        for _ in range(rng.choice((0, 0, 0, 1, 2, 5))):
            octets[rng.randrange(min(len(octets), 140))] = rng.choice((0, 1, 0xFF, 0xFE, rng.randrange(256)))
        if rng.random() < 0.05:
            del octets[rng.randrange(1, len(octets)) :]
        size = rng.choice((None, 1, 10, 100))
        if rng.random() < 0.1:
            at = rng.randrange(len(octets))
            until = rng.randrange(at, len(octets))
            talk.say(direction, bytes(octets[:at]), size)
            talk.lose(direction, until - at + 1)
            octets = octets[until + 1 :]
        talk.say(direction, bytes(octets), size)
    ends: dict[tuple[int, int], int] = {}
    for channel, event in talk.end().events:
        if isinstance(event, Chunk | Gap):
            key = (id(channel), event.direction)
            assert event.offset == ends.get(key, 0)
            ends[key] = event.offset + (len(event.octets) if isinstance(event, Chunk) else event.length_octets)


def test_skippable_and_other() -> None:
    talk = Talk()
    talk.turns(write.begun2(path="\\\\a\\data"))
    answer = write.packet(write.read_answer(HEAD.but(tree=1), bytes(60_000)))
    talk.server(answer[:1000])
    assert talk.reader.skippable(1) == len(answer) - 1000
    assert talk.reader.skippable(0) == 0
    assert not talk.reader.is_other
    other = Talk()
    other.client(b"GET / HTTP/1.1\r\n")
    other.server(b"HTTP/1.1 200 OK\r\n")
    assert other.reader.is_other


def test_refused_by_the_session_service() -> None:
    """RFC 1002 4.3.4: called name not present."""
    talk = Talk()
    talk.client(write.packet(b"\x20" + b"CA" * 16 + b"\0" + b"\x20" + b"CA" * 16 + b"\0", 0x81))
    talk.server(b"\x83\0\0\x01\x82")
    (notice,) = talk.end().notices
    assert (notice.kind, notice.status) == (SmbNoticeKind.NETBIOS_REFUSED, 0x82)


def test_turned_around() -> None:
    """Who is the client is told by the messages, where the connection could only guess."""
    talk = Talk(joined_late=True)
    talk.turns([(1 - direction, message) for direction, message in SECOND[False]])
    heard = talk.end()
    assert heard.octets(heard.channels[0], 0) == BIND * 2
    assert [leg.direction for leg in heard.legs] == [0, 1, 0, 1]
