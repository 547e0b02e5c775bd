"""The shortlist says what all recognisers together say."""

from __future__ import annotations

import random

import pytest
from builders import dcerpc as write
from builders.smb import Head, packet, read_request

from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan.candidates import TELLING_OCTETS, Recogniser, Shortlist

BEGINNINGS = (
    write.bind([write.Context(0, write.ICLASSFACTORY)]),
    packet(read_request(Head())),
    bytes.fromhex("00000400 6a8203fc 308203f8 a103020105 a20302010a"),
    bytes.fromhex("300c020101 6007020103 0400 8000") + bytes(8),
    b"RPC_IN_DATA /rpc/rpcproxy.dll HTTP/1.1\r\n",
    b"ncacn_http/1.0" + bytes(8),
)


@pytest.mark.parametrize("recogniser", RECOGNISERS, ids=lambda each: each.name)
def test_first_octets(recogniser: Recogniser) -> None:
    """None begins with another octet than it says, where there are enough of them to tell."""
    begun = [octets for octets in BEGINNINGS if recogniser.begins(octets)]
    assert begun
    for octets in begun:
        for first in range(256):
            other = bytes((first,)) + octets[1:]
            if recogniser.first_octets is not None and first not in recogniser.first_octets:
                for length in (TELLING_OCTETS, len(octets)):
                    assert not recogniser.begins(other[:length])


def test_the_shortlist_and_all() -> None:
    """Of octets of any length, of changed beginnings, and of none."""
    shortlist, rng = Shortlist(RECOGNISERS), random.Random(5)
    found = []
    for _ in range(20_000):
        octets = bytearray(rng.choice(BEGINNINGS))
        if rng.random() < 0.5:
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        some = bytes(octets[: rng.choice((0, 1, 5, 9, 15, 16, 17, len(octets)))])
        found.append(shortlist.may_begin(memoryview(some)))
        assert found[-1] == any(each.begins(some) for each in RECOGNISERS)
    assert 0 < sum(found) < len(found)
