"""A direction gives the same PDUs however it is cut; gaps cost only the PDUs that they hit."""

from __future__ import annotations

import pytest
from builders import dcerpc as write
from dcerpc_talk import framed, head

from rpctrace.protocols.dcerpc.framing import PduFramer

PDUS = [
    write.request(bytes(range(200)), head(3), opnum=4),
    write.co_cancel(head(3)),
    write.request(b"", head(4)),
    write.pdu(99, b"unknown types are kept", head(5)),
    write.request(b"x" * 3000, head(6)),
]
STREAM = b"".join(PDUS)


def octets(pieces: list[bytes | int], *, from_start: bool = True) -> list[bytes]:
    return [bytes(pdu.octets) for pdu in framed(PduFramer(from_start=from_start), pieces)]


@pytest.mark.parametrize("size", [1, 2, 7, 15, 16, 17, 100, 1460, len(STREAM)])
def test_any_segmentation_gives_the_same(size: int) -> None:
    """Several PDUs in a segment and one over many: the cut does not show, and frames are those that brought octets."""
    pieces: list[bytes | int] = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    pdus = list(framed(PduFramer(from_start=True), pieces))
    assert [bytes(pdu.octets) for pdu in pdus] == PDUS
    end = 0
    for pdu in pdus:
        first, end = end, end + len(pdu.octets)
        assert pdu.provenance.frames == tuple(range(first // size + 1, (end - 1) // size + 2))
        assert pdu.provenance.stream_offset == first
        assert pdu.provenance.timestamp_ns == pdu.provenance.frame * 1000


def test_another_protocol_is_left_alone() -> None:
    """A stream known from its start that does not begin with a header is not searched."""
    framer = PduFramer(from_start=True)
    assert list(framed(framer, [b"GET / HTTP/1.1\r\n" + STREAM])) == []
    assert framer.is_other_protocol


def test_joined_in_the_middle_it_finds_the_next_header() -> None:
    """A capture that starts inside a PDU loses that one only, at any offset and any cut."""
    for start in range(1, 220, 13):
        for size in (1, 50, 4000):
            tail = STREAM[start:]
            pieces: list[bytes | int] = [tail[at : at + size] for at in range(0, len(tail), size)]
            assert octets(pieces, from_start=False)[-2:] == PDUS[-2:]


def test_a_gap_inside_a_pdu_gives_its_head_and_goes_on_behind_it() -> None:
    """The rest of a cut PDU is stepped over by its fragment length, without a search."""
    first = len(PDUS[0])
    got = octets([STREAM[:50], 20, STREAM[70:]])
    assert got == [PDUS[0][:50], *PDUS[1:]]
    assert octets([STREAM[:50], first - 50, STREAM[first:]]) == [PDUS[0][:50], *PDUS[1:]]


def test_a_gap_over_a_boundary_resumes_at_the_next_header() -> None:
    """Octets of the hit PDU's end are skipped until a header is seen again."""
    third = len(PDUS[0]) + len(PDUS[1]) + len(PDUS[2])
    assert octets([STREAM[:50], third - 50 - 4, STREAM[third - 4 :]]) == [PDUS[0][:50], PDUS[4]]  # type 99 is unknown


def test_the_end_gives_the_head_of_what_was_begun() -> None:
    """A capture that ends inside a PDU still shows what it was."""
    assert octets([STREAM[:-100]])[-1] == PDUS[-1][:-100]


def test_a_stream_that_is_smb_is_not_searched_for_pdus() -> None:
    """PDUs inside SMB belong to a pipe, not to the TCP connection."""
    smb = b"\x00\x00\x01\x00\xfeSMB" + bytes(60) + PDUS[0]
    assert octets([smb], from_start=False) == []


def test_a_damaged_length_is_a_problem_and_the_next_pdu_is_found() -> None:
    """A fragment length under 16 cannot be stepped over: it is noted with its frame, and a search goes on."""
    broken = bytearray(PDUS[1])
    broken[8:10] = b"\x03\x00"
    framer = PduFramer(from_start=True)
    got = [bytes(p.octets) for p in framed(framer, [PDUS[0], bytes(broken), PDUS[2]])]
    assert got == [PDUS[0], PDUS[2]]
    assert [problem.frame_number for problem in framer.problems] == [2]


def test_zeros_of_another_protocol_are_no_big_endian_header() -> None:
    """Joined late, `05 00 03 03` and zeros occur by chance; a big-endian header counts once another follows it."""
    chance = bytes.fromhex("05000303000000000030000000000001") + bytes(100)
    assert octets([b"xx" + chance], from_start=False) == []
    big = write.Representation(little_endian=False)
    one = write.request(b"abc", write.Head(1, form=big))
    for size in (1, 1000):
        stream = b"xx" + one * 3
        pieces: list[bytes | int] = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert octets(pieces, from_start=False) == [one] * 3
