"""[MS-NLMP] 2.2.1: names and flags of the three messages, cut and damaged."""

from __future__ import annotations

import random

import pytest
from builders import ntlm as write
from tokens import TARGET

from rpctrace.errors import ParseError
from rpctrace.protocols.ntlm.messages import Authenticate, Challenge, Negotiate, parse_message

MESSAGES = (
    write.negotiate(domain="DOMAINB", workstation="WS1"),
    write.challenge("DOMAINB", TARGET),
    write.authenticate("DOMAINB", "alice", "WS1"),
)


def test_the_three_messages() -> None:
    """OEM names in the first, UTF-16 in the others, the server's names from its AV pairs."""
    negotiate, challenge, authenticate = map(parse_message, MESSAGES)
    assert isinstance(negotiate, Negotiate)
    assert isinstance(challenge, Challenge)
    assert challenge.target_name == "DOMAINB"
    assert challenge.target_info is not None
    assert (challenge.target_info.dns_computer, challenge.target_info.netbios_computer) == ("dc1.domainb.com", "DC1")
    assert isinstance(authenticate, Authenticate)
    assert (authenticate.domain, authenticate.user, authenticate.workstation) == ("DOMAINB", "alice", "WS1")


@pytest.mark.parametrize("whole", MESSAGES)
def test_every_truncation(whole: bytes) -> None:
    """A value or a ParseError."""
    for length in range(len(whole)):
        try:
            parse_message(whole[:length])
        except ParseError:
            assert length < 12


def test_damage_gives_no_other_exception() -> None:
    """Offsets and lengths that lie point nowhere."""
    rng = random.Random(10)
    for _ in range(5000):
        octets = bytearray(rng.choice(MESSAGES))
        for _ in range(3):
            octets[rng.randrange(8, len(octets))] = rng.randrange(256)
        try:
            parse_message(bytes(octets))
        except ParseError as error:
            assert error.layer.startswith("ntlm")
