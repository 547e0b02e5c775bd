"""Octets -> `Stub`, and what every reader of stubs must hold: any cut and any mutation gives a value."""

from __future__ import annotations

import random
from collections.abc import Callable

from rpctrace.encoding.partial import Partial
from rpctrace.errors import ParseError
from rpctrace.protocols.interfaces.stub import Stub

MUTANTS = 1500


def stub(
    uuid: str,
    opnum: int,
    request: bytes | None = None,
    response: bytes | None = None,
    *,
    object_uuid: str | None = None,
    little_endian: bool = True,
    ndr64: bool = False,
    sealed: bool = False,
    cut: bool = False,
) -> Stub:
    """A whole, readable call unless told otherwise."""
    return Stub(
        uuid,
        opnum,
        object_uuid,
        None if request is None else memoryview(request),
        None if response is None else memoryview(response),
        little_endian,
        ndr64,
        sealed,
        None if request is None else len(request),
        None if response is None else len(response),
        cut,
    )


def survives(read: Callable[[Stub], object], call: Stub) -> None:
    """`read` gives a value for every cut of either stub and for mutants of both, and a cut is told in `problem`."""
    assert call.request is not None
    assert call.response is not None
    whole = read(call)
    for length in range(len(call.request)):
        judge(read(call._replace(request=call.request[:length], cut=True)))
    for length in range(len(call.response)):
        judge(read(call._replace(response=call.response[:length], cut=True)))
    rng = random.Random(repr(whole))
    for _ in range(MUTANTS):
        request, response = bytearray(call.request), bytearray(call.response)
        for octets in (request, response):
            for _ in range(rng.choice((1, 2, 8))):
                octets[rng.randrange(len(octets))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        judge(read(call._replace(request=memoryview(request), response=memoryview(response))))


def judge(value: object) -> None:
    """A value, or none at all; never an error that keeps what was being read."""
    if isinstance(value, Partial) and value.problem is not None:
        assert isinstance(value.problem, ParseError)
        assert value.problem.__traceback__ is None
