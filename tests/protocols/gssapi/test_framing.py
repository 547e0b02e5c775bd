"""GSS-API frames: the mechanism named and its token's octets, whole, cut and damaged."""

from __future__ import annotations

import pytest
from authentication_tokens import mutants, octets
from builders import der as write

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.gssapi.framing import MECHANISMS, TOKEN_IDS, Mechanism, parse_frame
from rpctrace.protocols.kerberos.messages import MessageType

FRAMED = [
    ("krb_error_skew", "1.2.840.113554.1.2.2", b"\x03\x00\x7e"),
    ("tgt_req_framed", "1.2.840.113554.1.2.2.3", b"\x04\x00\x30"),
    ("tgt_rep_framed", "1.2.840.113554.1.2.2.3", b"\x04\x01\x30"),
    ("tgt_req", "1.3.6.1.5.5.2", b"\xa0\x7d\x30"),
]


@pytest.mark.parametrize(("name", "oid", "start"), FRAMED)
def test_whole_frames(name: str, oid: str, start: bytes) -> None:
    """RFC 2743 3.1 frames of the lab: thisMech, then everything behind it."""
    whole = octets(name)
    frame = parse_frame(whole)
    assert (frame.mechanism_oid, bytes(frame.token[:3])) == (oid, start)
    assert whole.endswith(bytes(frame.token))
    assert frame.complete


@pytest.mark.parametrize(("name", "oid", "start"), FRAMED)
def test_every_truncation(name: str, oid: str, start: bytes) -> None:
    """A cut frame gives the octets at hand and says that it is cut; without its mechanism it is `Truncated`."""
    whole = octets(name)
    for end in range(80):
        cut = whole[: min(end, len(whole) - 1)]
        if end < whole.index(start):
            with pytest.raises(Truncated):
                parse_frame(cut)
        else:
            frame = parse_frame(cut)
            assert frame.mechanism_oid == oid
            assert cut.endswith(bytes(frame.token))
            assert isinstance(frame.problem, Truncated)


def test_surplus_behind_a_frame_is_left_out() -> None:
    """What lies behind the declared length does not belong to the token."""
    frame = parse_frame(octets("krb_error_skew") + b"surplus")
    assert bytes(frame.token) == octets("krb_error_skew")[13:]
    assert frame.complete


@pytest.mark.parametrize("damaged", [
    b"",
    b"\x60",
    b"\xa1\x07",
    b"\x60\x03\x30\x01\x00",
    b"\x60\x02\x06\x00",
    b"\x60\x82\x01\x00\x06\x81\x41" + b"\x2a" * 65,
    b"\x60\x03\x06\x01\x80",
])  # fmt: skip
def test_no_mechanism_no_frame(damaged: bytes) -> None:
    """Another tag, no object identifier, an empty, unending or overlong one: `ParseError`."""
    with pytest.raises(ParseError):
        parse_frame(damaged)


def test_mutants_raise_nothing_but_parse_errors() -> None:
    """2000 damaged frames."""
    read = 0
    for mutant in mutants(octets("tgt_req_framed"), seed=1, count=2000):
        try:
            read += bool(parse_frame(mutant))
        except (Malformed, Truncated):
            continue
    assert read


def test_tables() -> None:
    """Every object identifier of the table survives a round of writing and reading; token ids are RFC 4121 4.1's."""
    for oid in MECHANISMS:
        frame = parse_frame(write.tagged(0x60, write.object_identifier(oid) + b"token"))
        assert (frame.mechanism_oid, bytes(frame.token)) == (oid, b"token")
    assert MECHANISMS["1.2.840.48018.1.2.2"] is Mechanism.KERBEROS
    assert TOKEN_IDS[b"\x04\x01"] is MessageType.TGT_REP
    assert [Mechanism.KERBEROS.value, Mechanism.NEGOEX.value] == ["kerberos", "negoex"]
