"""RTS PDUs, as the specification writes them, and in hostile hands."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from builders import http

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.http.rts import MAXIMUM_COMMANDS, CommandType, FlowControlAck, RtsFlag, parse_rts

VIRTUAL, IN_COOKIE, OUT_COOKIE, GROUP = map(str, (http.VIRTUAL, http.IN_COOKIE, http.OUT_COOKIE, http.GROUP))


def test_the_first_pdu_of_an_out_channel() -> None:
    """CONN/A1, 76 octets ([MS-RPCH] 2.2.4.2)."""
    octets = http.conn_a1()
    assert len(octets) == 76
    pdu = parse_rts(octets)
    assert pdu.complete
    assert pdu.flags == 0
    assert pdu.virtual_connection == VIRTUAL
    assert pdu.cookies == (VIRTUAL, OUT_COOKIE)
    assert pdu.values(CommandType.RECEIVE_WINDOW_SIZE) == (0x10000,)


def test_the_first_pdu_of_an_in_channel() -> None:
    """CONN/B1, 104 octets ([MS-RPCH] 2.2.4.5)."""
    octets = http.conn_b1()
    assert len(octets) == 104
    pdu = parse_rts(octets)
    assert pdu.virtual_connection == VIRTUAL
    assert pdu.values(CommandType.ASSOCIATION_GROUP_ID) == (GROUP,)
    assert pdu.values(CommandType.CLIENT_KEEPALIVE) == (300_000,)


def test_every_command() -> None:
    commands = [
        http.number(0, 1), http.flow_control_ack(7, 8, http.IN_COOKIE), http.number(2, 3), http.cookie(http.VIRTUAL),
        http.number(4, 5), http.number(5, 6), http.number(6, 1), http.bare(7), http.padding(5), http.bare(9),
        http.bare(10), http.client_address(bytes((10, 2, 0, 21))), http.client_address(bytes(15) + b"\1"),
        http.cookie(http.GROUP, 12), http.number(13, 2), http.number(14, 9),
    ]  # fmt: skip
    pdu = parse_rts(http.rts(http.OTHER_CMD | http.PING, *commands))
    assert pdu.complete
    assert pdu.flags == RtsFlag.OTHER_CMD | RtsFlag.PING
    assert {int(each.command_type) for each in pdu.commands} == set(range(15))
    assert pdu.values(CommandType.FLOW_CONTROL_ACK) == (FlowControlAck(7, 8, IN_COOKIE),)
    assert pdu.values(CommandType.CLIENT_ADDRESS) == ("10.2.0.21", "::1")
    assert pdu.values(CommandType.PADDING) == (5,)
    assert pdu.values(CommandType.ANCE) == (None,)
    assert pdu.virtual_connection is None


@pytest.mark.parametrize(
    "octets",
    [
        http.conn_a3(),
        http.conn_c2(),
        http.rts(http.ECHO),
        http.rts(http.NONE, http.number(6, 1), http.cookie(http.GROUP)),
    ],
)
def test_most_pdus_join_nothing(octets: bytes) -> None:
    assert parse_rts(octets).virtual_connection is None


@pytest.mark.parametrize("octets", [http.conn_a1(), http.conn_b2(), http.rts(2, http.padding(30))])
def test_any_truncation_gives_what_is_there(octets: bytes) -> None:
    whole = parse_rts(octets)
    for end in range(len(octets)):
        if end < 16:
            with pytest.raises(Truncated):
                parse_rts(octets[:end])
            continue
        pdu = parse_rts(octets[:end])
        assert isinstance(pdu.problem, Truncated)
        assert pdu.commands == whole.commands[: len(pdu.commands)]


def test_what_cannot_be() -> None:
    with pytest.raises(Malformed):
        parse_rts(http.conn_a1().replace(b"\x05\x00\x14", b"\x05\x00\x00", 1))
    many = parse_rts(http.rts(0, *[http.bare(7)] * (MAXIMUM_COMMANDS + 1)))
    assert isinstance(many.problem, Malformed)
    assert many.commands == ()
    for odd in (http.bare(15), http.number(0xB, 2)):
        pdu = parse_rts(http.rts(0, http.bare(7), odd))
        assert isinstance(pdu.problem, Malformed)
        assert len(pdu.commands) == 1


def test_mutants_never_raise_anything_else() -> None:
    rng = random.Random(8)
    for _ in range(5_000):
        octets = bytearray(rng.choice((http.conn_a1(), http.conn_b1(), http.conn_b2())))
        for _ in range(rng.randrange(1, 5)):
            octets[rng.randrange(len(octets))] = rng.choice((0, 1, 0xFF, rng.randrange(256)))
        with suppress(ParseError):
            parse_rts(octets)
