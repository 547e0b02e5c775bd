"""Stub data joined over fragments, bounded, and only lengths of what is sealed."""

from __future__ import annotations

import pytest
from builders import dcerpc as write
from dcerpc_talk import CONTEXT, head

from rpctrace.protocols.dcerpc import stub_octets
from rpctrace.protocols.dcerpc.association import Association
from rpctrace.protocols.dcerpc.call import Call
from rpctrace.protocols.dcerpc.parse import parse_header, parse_pdu
from rpctrace.protocols.dissector import Provenance

ICLASSFACTORY = "00000001-0000-0000-c000-000000000046"
FIRST, LAST = 0x01, 0x02


def calls(*sent: tuple[int, bytes], stubs_of: frozenset[str] = frozenset({ICLASSFACTORY})) -> list[Call]:
    association = Association(stubs_of=stubs_of)
    told: list[Call] = []
    for frame, (direction, octets) in enumerate(sent, 1):
        pdu = parse_pdu(memoryview(octets), parse_header(octets))
        told += association.pdu(1 if direction else 0, pdu, Provenance((frame,), frame, 0))
    return [*told, *association.close(None)]


BOUND = ((0, write.bind([CONTEXT], head(1))), (1, write.bind_ack([write.Result()], head(1))))


def test_fragments_are_joined() -> None:
    """Request and response, each over two PDUs; the tail is the response's end."""
    (*_, call) = calls(
        *BOUND,
        (0, write.request(b"abc", head(2, flags=FIRST))),
        (0, write.request(b"def", head(2, flags=LAST))),
        (1, write.response(b"0123456", head(2, flags=FIRST))),
        (1, write.response(b"789", head(2, flags=LAST))),
    )
    assert call.stub == stub_octets.StubOctets(b"abcdef", b"0123456789", 6, 10, b"23456789", False, True, False)


def test_other_interfaces_keep_nothing() -> None:
    """Nobody asked for their stubs."""
    (*_, call) = calls(*BOUND, (0, write.request(b"abc", head(2))), stubs_of=frozenset({"another"}))
    assert call.stub is None


def test_what_is_beyond_the_bound_is_not_kept_but_its_end_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its length and its last octets are told all the same."""
    monkeypatch.setattr(stub_octets, "MAXIMUM_STUB_OCTETS", 4)
    (*_, call) = calls(*BOUND, (0, write.request(b"abcdef", head(2))), (1, write.response(b"0123456789", head(2))))
    assert call.stub is not None
    assert (call.stub.request, call.stub.request_octets, call.stub.cut) == (b"abcd", 6, True)
    assert (call.stub.response, call.stub.tail) == (b"0123", b"23456789")


def test_sealed_stubs_are_lengths_alone() -> None:
    """Packet privacy: no octet is kept."""
    sealed = head(2, token=b"s" * 16, auth_type=10, level=6)
    (*_, call) = calls(*BOUND, (0, write.request(b"x" * 16, sealed)), (1, write.response(b"y" * 32, sealed)))
    assert call.stub is not None
    assert (call.stub.request, call.stub.response, call.stub.tail, call.stub.sealed) == (b"", b"", b"", True)
    assert (call.stub.request_octets, call.stub.response_octets) == (16, 32)
