"""Names of pipes, texts on the wire, and what tells DCE/RPC from other data."""

from __future__ import annotations

import pytest
from builders import dcerpc

from rpctrace.protocols.dissector import Channel
from rpctrace.protocols.smb.operation import Span
from rpctrace.protocols.smb.pipe import Pipe, Session, begins_a_pdu, pipe_name, text_at, texts_at

BIND = dcerpc.bind([dcerpc.Context(0, dcerpc.ICLASSFACTORY)])


@pytest.mark.parametrize("text", ["samr", "\\samr", "\\PIPE\\SamR", "pipe\\samr"])
def test_one_name_for_all_spellings(text: str) -> None:
    assert pipe_name(text) == "\\pipe\\samr"


def test_texts() -> None:
    """None where it is cut; what follows a NUL is not the name."""
    wide = memoryview("ab\0cd\0".encode("utf-16-le"))
    assert text_at(wide, Span(0, 12), unicode=True) == "ab"
    assert text_at(wide, Span(0, 14), unicode=True) is None
    assert text_at(wide, Span(0, 0), unicode=True) is None
    assert text_at(memoryview(b"ab\0"), Span(0, 3), unicode=False) == "ab"
    assert texts_at(wide, Span(0, 40), unicode=True) == ["ab", "cd", ""]


def test_what_begins_a_pdu() -> None:
    """C706 12.6.3.1, in both byte orders; lengths have to fit."""
    assert begins_a_pdu(BIND)
    assert not begins_a_pdu(BIND[:15])
    assert begins_a_pdu(bytes.fromhex("05000003 00000000 0018 0000 00000001"))
    for octets in ("05000003 10000000 0f00 0000 01000000", "05000003 10000000 1800 0900 01000000",
                   "04000003 10000000 1800 0000 01000000", "05000703 10000000 1800 0000 01000000"):  # fmt: skip
        assert not begins_a_pdu(bytes.fromhex(octets))


@pytest.mark.parametrize(("octets", "sure", "speaks"), [
    (BIND, False, True), (BIND[:3], True, True), (b"\x05", True, True), (BIND[:3], False, False),
    (b"\x05\x07", True, False), (b"", True, False), (bytes(40), True, False),
])  # fmt: skip
def test_a_pipe_speaks(octets: bytes, sure: bool, speaks: bool) -> None:
    pipe = Pipe(Channel("ncacn_np", None, False), Session(1), None, sure=sure)
    pipe.look_at(octets[:16])
    assert pipe.speaks is speaks


def test_a_pipe_that_spoke_goes_on_speaking() -> None:
    pipe = Pipe(Channel("ncacn_np", None, False), Session(1), None, sure=False)
    pipe.look_at(BIND[:16])
    pipe.look_at(bytes(16))
    assert pipe.speaks


def test_what_was_lost_before_is_not_missed() -> None:
    session = Session(1)
    session.lose(1, 500, 9)
    pipe = Pipe(Channel("ncacn_np", None, False), session, None, sure=True)
    session.lose(1, 20, 10)
    assert (session.lost, session.lost_in, pipe.losses) == ([0, 520], [0, 10], [0, 500])
