"""What an association asks: which stubs to keep, one value a call, and what that tells other connections."""

from __future__ import annotations

from collections import Counter

import pytest
from builders import dcom, epm, netlogon_rpc
from builders.dcerpc import EPMAPPER, IOBJECTEXPORTER, ISYSTEMACTIVATOR, LSARPC, NETLOGON_INTERFACE
from builders.ndr import Ndr
from hypothesis import given
from hypothesis import strategies as st
from protocols.interfaces.captured_stubs import stubs
from protocols.interfaces.reading import judge, stub
from shared_captures import SHARED, captures_in, name_of, needs_shared

from rpctrace.encoding.partial import Partial
from rpctrace.protocols.interfaces.registry import STUBS_READ, objects, read_stub
from rpctrace.protocols.interfaces.stub import Stub, Telling

REM_UNKNOWN, ACTIVATION = "00000131-0000-0000-c000-000000000046", "4d9f4ab8-7d1c-11cf-861e-0020af6e7c57"
GIVEN = (dcom.props_out([(dcom.ICLASSFACTORY, 0, dcom.standard())]), dcom.scm_reply_info())
CALLS = [
    stub(EPMAPPER.uuid, 3, None, epm.map_response(Ndr(), [epm.tcp_tower(LSARPC, 49664)])),
    stub(ISYSTEMACTIVATOR.uuid, 4, None, dcom.activation_response(Ndr(), GIVEN)),
    stub(ACTIVATION, 0, None, dcom.remote_activation_response(Ndr(), [(0, dcom.standard())])),
    stub(IOBJECTEXPORTER.uuid, 0, dcom.resolve_oxid(Ndr()), dcom.resolved(Ndr(), version=False)),
    stub(REM_UNKNOWN, 3, None, dcom.queried(Ndr(), [(0, dcom.IPID)])),
    stub(NETLOGON_INTERFACE.uuid, 4, netlogon_rpc.challenge(Ndr(), None, "PC"), bytes(12)),
    stub("u", 3, dcom.this(Ndr()).done(), dcom.that(Ndr()).raw(dcom.standard()).done(), object_uuid=dcom.IPID),
]


@pytest.mark.parametrize(
    ("call", "kind", "named", "handed_out"),
    list(zip(
        CALLS,
        ["EndpointAnswer", "Activation", "Activation", "OxidAnswer", "RemUnknownCall", "NetlogonCall", "OrpcCall"],
        [1, 3, 3, 3, 0, 0, 0],
        [0, 2, 2, 1, 1, 0, 1],
        strict=True,
    )),
)
def test_each_kind(call: Stub, kind: str, named: int, handed_out: int) -> None:
    value = read_stub(call)
    assert value is not None
    assert type(value).__name__ == kind
    told = list(value.endpoints()) if isinstance(value, Telling) else []
    assert (len(told), len(objects(value))) == (named, handed_out)
    assert (call.uuid in STUBS_READ) == (kind != "OrpcCall")


def test_interfaces_that_are_not_read() -> None:
    assert read_stub(stub(LSARPC.uuid, 76, bytes(100), bytes(100))) is None


@given(
    uuid=st.sampled_from(sorted(STUBS_READ)),
    opnum=st.integers(0, 50),
    request=st.binary(max_size=200),
    response=st.binary(max_size=200),
    flags=st.tuples(*[st.booleans()] * 4),
)
def test_any_octets(uuid: str, opnum: int, request: bytes, response: bytes, flags: tuple[bool, ...]) -> None:
    """A value or none, in every form."""
    little_endian, ndr64, sealed, cut = flags
    value = read_stub(
        stub(uuid, opnum, request, response, little_endian=little_endian, ndr64=ndr64, sealed=sealed, cut=cut)
    )
    judge(value)
    if value is not None:
        told = list(value.endpoints()) if isinstance(value, Telling) else []
        assert len(told) + len(objects(value)) <= 600


@needs_shared
@pytest.mark.parametrize("path", captures_in(SHARED / "public") + captures_in(SHARED / "lab"), ids=name_of)
def test_every_stub_of_the_captures_is_read_whole(path: object) -> None:
    """Of the interfaces that are read: no problem, unless the capture cuts the stub."""
    problems: Counter[str] = Counter()
    for captured in stubs(path):
        value = read_stub(captured.stub)
        if isinstance(value, Partial) and value.problem is not None and not captured.stub.cut:
            problems[f"{captured.request_frame} {value.problem}"] += 1
    assert not problems


@needs_shared
def test_answers_of_the_endpoint_mapper_name_the_connections_that_follow() -> None:
    """Calls of an interface that the same server was asked for came to a port that it had named."""
    followed = 0
    for path in captures_in(SHARED / "public") + captures_in(SHARED / "lab") + captures_in(SHARED / "netmon"):
        named: dict[tuple[str, str], set[int | None]] = {}
        for captured in sorted(stubs(path), key=lambda each: each.response_frame or 0):
            host, port = captured.server
            value = read_stub(captured.stub)
            for place in value.endpoints() if isinstance(value, Telling) else ():
                if place.interface is not None:
                    named.setdefault((host, place.interface.uuid), set()).add(place.port)
            if port != 135 and (host, captured.stub.uuid) in named:
                assert port in named[host, captured.stub.uuid], (path, captured)
                followed += 1
    assert followed > 1000
