"""[C706] Appendix P: the stubs of conv, in both byte orders, whole, cut and damaged; tshark reads what it knows of."""

from __future__ import annotations

from dataclasses import replace
from struct import pack

import pytest
from builders import dcerpc, pcap
from builders import dcerpc_datagram as write
from builders.network import Host, TimedFrame, udp_frame
from datagram_talk import ACTIVITY
from hypothesis import given
from hypothesis import strategies as st
from tshark_reading import fields

from rpctrace.protocols.dcerpc.conversation_manager import (
    CONVERSATION_MANAGER_UUID,
    NAMES,
    Answer,
    ConvOperation,
    Question,
    parse_answer,
    parse_question,
)

ORDERS = (dcerpc.LITTLE_ENDIAN, dcerpc.BIG_ENDIAN)


@pytest.mark.parametrize("form", ORDERS)
def test_questions(form: dcerpc.Representation) -> None:
    about = replace(ACTIVITY, form=form)
    little = form.little_endian
    plain = write.conv_question(about, 77)
    for opnum in (0, 1, 2):
        assert parse_question(opnum, plain, little_endian=little) == Question(about.activity, 77, b"", 0)
    asked = write.conv_question(about, 77, b"token")
    assert parse_question(3, asked, little_endian=little) == Question(about.activity, 77, b"token", 0)
    more = plain + pack(form.order + "II", 1024, 2048)
    assert parse_question(4, more, little_endian=little) == Question(about.activity, 77, b"", 1024)


@pytest.mark.parametrize("form", ORDERS)
def test_answers(form: dcerpc.Representation) -> None:
    about = replace(ACTIVITY, form=form)
    little, order = form.little_endian, form.order
    assert parse_answer(0, pack(order + "II", 5, 0), little_endian=little) == Answer(5, b"", 0)
    assert parse_answer(1, pack(order + "I16xI", 5, 1), little_endian=little) == Answer(5, b"", 1)
    assert parse_answer(2, pack(order + "I", 0x1C00000A), little_endian=little) == Answer(None, b"", 0x1C00000A)
    whole = write.conv_answer(about, 5, b"token")
    assert parse_answer(3, whole, little_endian=little) == Answer(5, b"token", 0)
    assert parse_answer(4, write.conv_more(about, b"token"), little_endian=little) == Answer(None, b"token", 0)


def test_a_cut_token_is_told_as_far_as_it_goes() -> None:
    whole = write.conv_answer(ACTIVITY, 5, b"a longer token")
    assert parse_answer(3, whole[:36], little_endian=True) == Answer(5, b"a lo", None)
    question = write.conv_question(ACTIVITY, 77, b"a longer token")
    assert parse_question(3, question[:28], little_endian=True).token == b"a lo"


@given(st.integers(0, 6), st.binary(max_size=80), st.booleans())
def test_any_octets_give_a_value(opnum: int, octets: bytes, little_endian: bool) -> None:
    question = parse_question(opnum, octets, little_endian=little_endian)
    answer = parse_answer(opnum, octets, little_endian=little_endian)
    assert len(question.token) <= len(octets)
    assert len(answer.token) <= len(octets)
    assert (question.activity is None) == (len(octets) < 16)


@pytest.mark.parametrize("form", ORDERS)
def test_tshark_reads_the_same(form: dcerpc.Representation) -> None:
    """Operations 0 and 1, which it knows."""
    about = replace(ACTIVITY, form=form)
    server = write.Activity(write.CONVERSATION_MANAGER, "c3d4e5f6-0000-4000-8000-000000000003", form=form)
    ends = ((Host("10.0.0.2"), 135), (Host("10.0.0.1"), 50400))
    frames = []
    for opnum, answer in enumerate((pack(form.order + "II", 5, 0), pack(form.order + "I16xI", 5, 0))):
        question = write.conv_question(about, 77)
        for source, destination, kind, stub in ((*ends, 0, question), (*ends[::-1], 2, answer)):
            said = write.datagram(kind, server, stub, opnum=opnum, sequence=opnum, flags_1=write.IDEMPOTENT)
            frames.append(udp_frame(source, destination, said))
    capture = pcap([TimedFrame(at, octets) for at, octets in enumerate(frames)])
    names = ("conv.who_are_you_rqst_actuid", "conv.who_are_you2_rqst_actuid", "conv.who_are_you_resp_seq",
             "conv.who_are_you2_resp_seq")  # fmt: skip
    theirs = fields(capture, "conv", *names)
    assert theirs == [(ACTIVITY.activity, "", "", ""), ("", "", "5", ""), ("", ACTIVITY.activity, "", ""),
                      ("", "", "", "5")]  # fmt: skip


def test_the_operations_have_their_names() -> None:
    assert set(NAMES) == set(ConvOperation)
    assert write.CONVERSATION_MANAGER.uuid == CONVERSATION_MANAGER_UUID
