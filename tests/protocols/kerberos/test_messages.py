"""RFC 4120 messages outside any frame: names of every kind, refusals, numbers out of range."""

from __future__ import annotations

import random

import pytest
from builders import der, kerberos
from tokens import AP_REQ, SKEW, TGT, U2U_AP_REQ

from rpctrace.errors import ParseError
from rpctrace.protocols.kerberos.messages import ApReq, MessageType, parse_message


def sname(octets: bytes) -> tuple[object, ...]:
    said = parse_message(octets)
    assert isinstance(said, ApReq)
    assert said.ticket is not None
    assert said.ticket.sname is not None
    return said.ticket.realm, said.ticket.sname.name_type, said.ticket.sname.components


@pytest.mark.parametrize(
    ("realm", "name", "expected"),
    [
        ("R.COM", kerberos.principal("a"), ("R.COM", 1, ("a",))),
        ("R.COM", kerberos.principal("a@R.COM", name_type=10), ("R.COM", 10, ("a@R.COM",))),
        ("R.COM", kerberos.principal("E3514235", "guid", "domain"), ("R.COM", 2, ("E3514235", "guid", "domain"))),
        ("R.COM", kerberos.principal("a", name_type=-128), ("R.COM", -128, ("a",))),
        ("R.COM", kerberos.principal("a", name_type=77), ("R.COM", 77, ("a",))),
        (b"R\xff", kerberos.principal(b"\xfe"), ("R\udcff", 1, ("\udcfe",))),
    ],
)
def test_names(realm: str | bytes, name: kerberos.Principal, expected: tuple[object, ...]) -> None:
    """Types known and unknown; undecodable octets are kept."""
    assert sname(kerberos.ap_req(kerberos.ticket(realm, name))) == expected


def test_message_types() -> None:
    """Each value knows its msg-type; the untagged user-to-user messages too."""
    kinds = {
        MessageType.AP_REQ: AP_REQ,
        MessageType.AP_REP: kerberos.ap_rep(),
        MessageType.ERROR: SKEW,
        MessageType.TGT_REQ: kerberos.tgt_request(),
        MessageType.TGT_REP: kerberos.tgt_reply(TGT),
    }
    assert {parse_message(octets).message_type: octets for octets in kinds.values()} == kinds


def test_numbers_out_of_range_leave_a_hole_not_a_crash() -> None:
    """An etype of 20 octets cannot be read; the name before it can."""
    big = der.sequence(der.context(0, b"\x02\x14" + b"\x7f" * 20), der.context(2, der.octet_string(b"")))
    broken = der.application(
        1,
        der.sequence(
            der.context(0, der.integer(5)),
            der.context(1, der.general_string("R")),
            der.context(2, kerberos.principal("a").encode()),
            der.context(3, big),
        ),
    )
    said = parse_message(kerberos.ap_req(broken))
    assert isinstance(said, ApReq)
    assert said.ticket is not None
    assert (said.ticket.realm, said.ticket.etype, said.complete) == ("R", None, False)


@pytest.mark.parametrize("octets", [b"", b"\x6e", b"\x30\x00", b"\x7f\x01\x00", der.application(3, b"")])
def test_what_is_no_message_is_refused(octets: bytes) -> None:
    """A ParseError where not even the kind can be told."""
    with pytest.raises(ParseError):
        parse_message(octets)


def test_damage_gives_no_other_exception() -> None:
    """5000 mutations of each kind."""
    rng = random.Random(88)
    for _ in range(5000):
        octets = bytearray(rng.choice((AP_REQ, U2U_AP_REQ, SKEW, kerberos.tgt_reply(TGT))))
        octets[rng.randrange(len(octets))] = rng.randrange(256)
        try:
            parse_message(bytes(octets[: rng.randint(0, 400)]))
        except ParseError as error:
            assert error.layer.startswith("kerberos")
