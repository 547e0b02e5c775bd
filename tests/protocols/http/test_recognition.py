"""What the recogniser lets through is what the dissector would go on with."""

from __future__ import annotations

import pytest
from builders import http
from dissected import Talk, dissected, scanned_events, stream_events
from shared_captures import SHARED, needs_shared
from tokens import TOKENS

from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.http.connection import HttpConnection
from rpctrace.protocols.http.recognition import (
    EVERY_CONNECTION,
    FIRST_OCTETS,
    MAY_START,
    RECOGNISER,
    START,
    is_http,
)
from rpctrace.stream.stream import Connection

TOKEN = http.token("Negotiate", TOKENS["SPNEGO AP-REQ"])
PLAIN, PAGE = http.request("GET", "/"), http.answer(200, body=b"x" * 3000)
OF_INTEREST = {
    "token": http.request("GET", "/", [("AUTHORIZATION", TOKEN)]),
    "proxy token": http.request("GET", "/", [("Proxy-Authorization", http.token("NTLM", b"NTLMSSP\0"))]),
    "challenge": http.answer(401, [("WWW-Authenticate", "Basic realm=\"a\", Negotiate")]),
    "proxy challenge": http.answer(407, [("Proxy-Authenticate", "NTLM")]),
    "RPC in": http.request("RPC_IN_DATA", "/rpc/rpcproxy.dll?dc1:593"),
    "RPC out": http.request("RPC_OUT_DATA", "/rpc/rpcproxy.dll?dc1:593"),
    "RPC version 1": http.request("RPC_CONNECT", "dc1:593", version="1.0"),
    "banner": http.INNER_BANNER,
    "accepted": http.answer(200, [("WWW-Authenticate", TOKEN)]),
}
PASSED_OVER = {
    "request": PLAIN,
    "page": PAGE,
    "basic": http.answer(401, [("WWW-Authenticate", "Basic realm=\"Negotiate it\"")]),
    "bearer": http.request("GET", "/", [("Authorization", "Bearer eyJhbGciOi")]),
    "name in the target": http.request("GET", "/?authorization:negotiate"),
}
OTHERS = (b"\x16\x03\x01\x02\x00", b"\x05\x00\x0b\x03\x10", b"SSH-2.0-OpenSSH\r\n", b"0\x84\0\0\0\x10", bytes(20))


@pytest.mark.parametrize("name", OF_INTEREST)
def test_what_may_authenticate(name: str) -> None:
    octets = OF_INTEREST[name]
    assert RECOGNISER.begins(octets)
    assert RECOGNISER.begins(octets[: len(octets) // 2])
    assert EVERY_CONNECTION.begins(octets)


@pytest.mark.parametrize("name", PASSED_OVER)
def test_what_is_passed_over(name: str) -> None:
    """Unless all of HTTP is followed. A header section that is not whole may still show a token."""
    octets = PASSED_OVER[name]
    if name != "basic":
        assert not RECOGNISER.begins(octets)
    assert EVERY_CONNECTION.begins(octets)
    assert RECOGNISER.begins(octets[:40])


@pytest.mark.parametrize("octets", OTHERS)
def test_other_protocols(octets: bytes) -> None:
    assert not is_http(octets)
    assert not RECOGNISER.occurs(octets)


@pytest.mark.parametrize("octets", [b"", b"G", b"HTT", b"ncacn_h", b"RPC_IN"])
def test_few_octets_may_be_anything(octets: bytes) -> None:
    assert RECOGNISER.begins(octets)


def test_an_answer_before_the_answer_decides_nothing() -> None:
    assert RECOGNISER.begins(b"HTTP/1.1 100 Continue\r\n\r\n")


def test_in_the_middle() -> None:
    for name, octets in OF_INTEREST.items():
        if name != "RPC version 1":
            assert RECOGNISER.occurs(octets), name
    assert RECOGNISER.occurs(b"end of a body\r\n" + OF_INTEREST["token"])
    for octets in (PLAIN, PAGE, b"text with Authorization: Negotiate in it"):
        assert not RECOGNISER.occurs(octets)
    assert not RECOGNISER.is_other(b"anything")


@pytest.mark.parametrize("asked", [PLAIN, OF_INTEREST["token"], OF_INTEREST["RPC in"], PASSED_OVER["bearer"]])
@pytest.mark.parametrize("answered", [PAGE, OF_INTEREST["challenge"], OF_INTEREST["accepted"], http.answer(304)])
def test_the_dissector_goes_on_only_with_what_is_let_through(asked: bytes, answered: bytes) -> None:
    """So that a capture read fast gives what a capture read in full gives."""
    state = HttpConnection(Problems(), joined_late=False)
    talk = Talk(state)
    talk.send(0, asked)
    talk.send(1, answered)
    if not state.is_other:
        assert RECOGNISER.begins(asked[:FIRST_OCTETS]) or RECOGNISER.begins(answered[:FIRST_OCTETS])
    else:
        assert talk.said == []


@needs_shared
@pytest.mark.parametrize("name", ["MS-RMSOD_Example2*", "MS-WMOD_Example6*", "MS-WSUSOD*"])
def test_a_capture_read_fast_says_what_it_says_in_full(name: str) -> None:
    (path,) = (SHARED / "netmon").glob(name + ".cap")

    def make(connection: Connection) -> HttpConnection:
        return HttpConnection(Problems(), joined_late=connection.guessed)

    whole = [said.provenance for _, said in dissected(stream_events(path), make)]
    assert [said.provenance for _, said in dissected(scanned_events(path, RECOGNISER), make)] == whole


STARTS = [
    b"GET / HTTP/1.1\r\n", b"OPTIONS * HTTP/1.1\r\n", b"CONNECT web.domainb.com:443 HTTP/1.1\r\n",
    b"GET http://web/ HTTP/1.0\r\n", b"RPC_IN_DATA /rpc/rpcproxy.dll?a:593 HTTP/1.1\r\n", b"HTTP/1.1 401 No\r\n",
    b"RPC_CONNECT dc1:593 HTTP/1.0\r\n", b"HTTP/1.0 200\r\n", b"M-SEARCH * HTTP/1.1\r\n",
    b"CONNECT [fd77::11]:443 HTTP/1.1\r\n",
]  # fmt: skip


@pytest.mark.parametrize("start", STARTS)
def test_a_start_is_told_from_any_number_of_octets(start: bytes) -> None:
    assert START.match(start)
    for length in range(1, len(start)):
        assert START.match(start[:length]) or MAY_START.match(start[:length]), start[:length]


@pytest.mark.parametrize(
    "octets",
    [b"\x16\x03\x01\x02\x00", b"\x05\x00\x0b\x03", b"INVITE sip:a@b SIP/2.0\r\n", b"SSH-2.0-x\r\n", b"0\x84\0\0",
     b"EHLO mail example\r\n", b"220 ready\r\n", b"HTTP/2.0 200\r\n", b"get / HTTP/1.1\r\n", b"DESCRIBE rtsp://a/b"],
)  # fmt: skip
def test_other_protocols_have_no_such_start(octets: bytes) -> None:
    assert not START.match(octets)
    assert not MAY_START.match(octets)
