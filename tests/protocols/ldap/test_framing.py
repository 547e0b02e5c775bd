"""Octets of one direction -> the binds among its messages."""

from __future__ import annotations

import pytest
from builders import der, ldap
from hypothesis import given
from hypothesis import strategies as st
from tokens import TOKENS

from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.ldap.framing import MAXIMUM_BIND_OCTETS, FramedBind, LdapFramer
from rpctrace.stream.stream import Chunk, Gap

BIND = ldap.sasl_bind(2, ldap.GSS_SPNEGO, TOKENS["SPNEGO AP-REQ"])
SECOND = ldap.long_form(ldap.sasl_bind(3, ldap.GSSAPI, b""))
ENTRY = ldap.search_entry(1, "cn=novice", 3000)
STREAM = ldap.search(1, "") + BIND + ldap.unbind(7) + ENTRY + SECOND + ldap.unbind(8)


class Fed:
    def __init__(self, *, from_start: bool = True) -> None:
        self.problems = Problems()
        self.limits: dict[str, int] = {}
        self.framer = LdapFramer(self.problems, self.limits, from_start=from_start)
        self.found: list[FramedBind] = []
        self.offset = 0
        self.frame = 0

    def take(self, octets: bytes, piece: int = 1 << 20) -> None:
        for at in range(0, len(octets), piece):
            self.frame += 1
            part = memoryview(octets[at : at + piece])
            self.found += self.framer.feed(Chunk(0, self.offset, part, self.frame, self.frame))
            self.offset += len(part)

    def lose(self, length: int) -> None:
        self.found += self.framer.gap(Gap(0, self.offset, length, self.frame))
        self.offset += length

    @property
    def octets(self) -> list[bytes]:
        return [bytes(bind.octets) for bind in self.found]


@pytest.mark.parametrize("piece", [1, 3, 100, 100_000])
def test_binds_among_other_messages(piece: int) -> None:
    fed = Fed()
    fed.take(STREAM, piece)
    assert fed.octets == [BIND, SECOND]
    assert [bind.provenance.stream_offset for bind in fed.found] == [STREAM.index(BIND), STREAM.index(SECOND)]
    assert fed.framer.recognised
    assert not fed.framer.lost


def test_frames_of_a_bind() -> None:
    fed = Fed()
    fed.take(BIND, 100)
    (bind,) = fed.found
    assert bind.provenance.frames == tuple(range(1, fed.frame + 1))
    assert bind.provenance.timestamp_ns == fed.frame


def test_the_rest_of_an_entry_can_be_skipped() -> None:
    fed = Fed()
    fed.take(ENTRY[:100])
    assert fed.framer.skippable == len(ENTRY) - 100
    fed.lose(len(ENTRY) - 100)
    fed.take(BIND)
    assert fed.octets == [BIND]


def test_a_bind_that_a_gap_cuts() -> None:
    """It is given as far as it goes, and the next message is where it should be."""
    fed = Fed()
    fed.take(BIND[:80])
    fed.lose(50)
    assert fed.octets == [BIND[:80]]
    fed.take(BIND[130:] + SECOND)
    assert fed.octets == [BIND[:80], SECOND]


def test_behind_a_gap_a_message_is_found_where_a_segment_begins() -> None:
    fed = Fed()
    fed.lose(1000)
    assert fed.framer.lost
    fed.take(b"middle of an entry")
    fed.take(BIND)
    assert fed.octets == [BIND]
    assert fed.framer.searched == 18


def test_joined_late() -> None:
    fed = Fed(from_start=False)
    fed.take(bytes(100))
    fed.take(BIND[:50])
    assert fed.framer.close()[0].octets == BIND[:50]


@pytest.mark.parametrize(
    "octets",
    [b"\x16\x03\x01\x02\x00" + bytes(20), b"\x00\x00\x01\x00" + bytes(20), b"0\x05\x02\x01\x01\x99" + bytes(9)],
)
def test_something_else(octets: bytes) -> None:
    fed = Fed()
    fed.take(octets)
    assert fed.framer.foreign == octets[0]
    assert fed.found == []


def test_an_enormous_bind_is_stepped_over_and_counted() -> None:
    huge = ldap.sasl_bind(2, ldap.GSSAPI, bytes(MAXIMUM_BIND_OCTETS))
    fed = Fed()
    fed.take(huge + BIND, 1460)
    assert fed.octets == [BIND]
    assert fed.limits == {"ldap_bind_octets": 1}
    assert len(fed.problems) == 1
    fed.take(b"\x30\x84\xff\xff\xff\xff" + der.integer(1) + b"\x60\x84\xff\xff\xff\xfe" + bytes(100))
    assert fed.framer.skippable > 1 << 31


@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    octets = bytearray(STREAM)
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    fed = Fed(from_start=data.draw(st.booleans()))
    for at in range(0, len(octets), 60):
        if data.draw(st.integers(0, 9)) == 0:
            fed.lose(data.draw(st.integers(1, 4000)))
        fed.take(bytes(octets[at : at + 60]), data.draw(st.sampled_from((1, 7, 60))))
    fed.framer.close()
    assert fed.framer.skippable >= 0
