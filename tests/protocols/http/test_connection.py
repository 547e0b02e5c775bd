"""Requests and answers of one connection -> legs of authentications; and what tshark finds in captures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import http, kerberos, ntlm, spnego
from dissected import Talk, dissect, exchanges
from hypothesis import given
from hypothesis import strategies as st
from shared_captures import SHARED, needs_shared
from tokens import AP_REQ, SKEW, TOKENS
from tshark_reading import fields

from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.gssapi.exchange import Leg
from rpctrace.protocols.http.connection import MAXIMUM_PENDING_REQUESTS, MAXIMUM_SEARCH_OCTETS, HttpConnection

INIT = TOKENS["SPNEGO AP-REQ"]
AP_REP = kerberos.ap_rep(cipher=bytes(32))
NEGOTIATE, CHALLENGE = ntlm.negotiate(), ntlm.challenge("DOMAINB")
AUTHENTICATE = ntlm.authenticate("DOMAINB", "novice", "WS1")
ASKS = http.answer(401, [("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "NTLM")], b"<html>")


def connection(*, joined_late: bool = False, every_request: bool = False) -> HttpConnection:
    return HttpConnection(Problems(), joined_late=joined_late, every_request=every_request)


def asking(octets: bytes, scheme: str = "Negotiate", method: str = "GET", body: bytes = b"") -> bytes:
    return http.request(method, "/", [("Authorization", http.token(scheme, octets))], body)


def answering(status: int, octets: bytes | None = None, scheme: str = "Negotiate") -> bytes:
    value = scheme if octets is None else http.token(scheme, octets)
    return http.answer(status, [("WWW-Authenticate", value)], b"body")


def test_ntlm_as_browsers_do_it() -> None:
    talk = Talk(connection())
    assert talk.send(0, http.request("GET", "/")) == []
    assert talk.send(1, ASKS) == []
    talk.send(0, asking(NEGOTIATE, "NTLM"))
    talk.send(1, answering(401, CHALLENGE, "NTLM"))
    talk.send(0, asking(AUTHENTICATE, "NTLM"))
    talk.send(1, http.answer(200, body=b"welcome"))
    talk.send(0, http.request("GET", "/more"))
    talk.send(1, http.answer(200))
    (told,) = talk.exchanges()
    assert told.tokens == ("NEGOTIATE", "CHALLENGE", "AUTHENTICATE")
    assert (told.outcome, told.status, told.target) == (True, 200, "web.domainb.com")
    assert told.ntlm is not None
    assert told.ntlm.user == "novice"
    assert [leg.provenance.frame for leg in talk.legs()] == [3, 4, 5, 6]
    assert talk.exchanges()[0].reply is not None


@pytest.mark.parametrize(
    ("client", "scheme", "answer", "outcome"),
    [
        (INIT, "Negotiate", answering(200, TOKENS["accept-completed"]), True),
        (INIT, "Negotiate", answering(200), True),
        (INIT, "Negotiate", answering(404), True),
        (INIT, "Negotiate", answering(500), True),
        (INIT, "Negotiate", answering(503), None),
        (INIT, "Negotiate", answering(503, TOKENS["accept-completed"]), True),
        (INIT, "Negotiate", answering(400), None),
        (INIT, "Negotiate", answering(401), False),
        (INIT, "Negotiate", answering(401, TOKENS["reject"]), False),
        (INIT, "Negotiate", answering(401, kerberos.gss_frame(kerberos.TOKEN_ERROR, SKEW)), False),
        (INIT, "Negotiate", answering(401, spnego.neg_token_resp(3, spnego.NTLMSSP)), None),
        (INIT, "Negotiate", answering(407), None),
        (AP_REQ, "Kerberos", answering(200, AP_REP, "Kerberos"), True),
        (AUTHENTICATE, "NTLM", answering(401, None, "NTLM"), False),
        (NEGOTIATE, "NTLM", answering(401, None, "Basic"), False),
    ],
)
def test_how_an_answer_decides(client: bytes, scheme: str, answer: bytes, outcome: bool | None) -> None:
    talk = Talk(connection())
    talk.send(0, asking(client, scheme))
    talk.send(1, answer)
    (told,) = talk.exchanges()
    assert told.outcome is outcome
    assert told.ticket is None or told.ticket.presented_in == "http"


def test_a_proxy_and_the_server_behind_it() -> None:
    """Both authenticate in one request; each answers for itself."""
    both = [("Proxy-Authorization", http.token("NTLM", AUTHENTICATE)), ("Authorization", http.token("Negotiate", INIT))]
    talk = Talk(connection())
    talk.send(0, http.request("GET", "http://web.domainb.com/x", both))
    talk.send(1, http.answer(407, [("Proxy-Authenticate", "NTLM")]))
    talk.send(0, http.request("GET", "http://web.domainb.com/x", both))
    talk.send(1, answering(401))
    told = talk.exchanges()
    assert [(each.mechanism, each.outcome, each.target) for each in told] == [
        ("ntlm", False, "http://web.domainb.com/x"),
        ("kerberos", None, "web.domainb.com"),
        ("kerberos", False, "web.domainb.com"),
        ("ntlm", True, "http://web.domainb.com/x"),
    ]


def test_pipelined_requests_have_their_own_answers() -> None:
    talk = Talk(connection())
    talk.send(0, asking(INIT) + http.request("HEAD", "/") + asking(NEGOTIATE, "NTLM"))
    talk.send(1, http.answer(200, [("Content-Length", "3")], b"abc"))
    talk.send(1, http.answer(204) + answering(401))
    first, second = talk.exchanges()
    assert (first.mechanism, first.outcome) == ("kerberos", True)
    assert (second.mechanism, second.outcome, second.status) == ("ntlm", False, 401)


def test_an_answer_before_the_answer() -> None:
    talk = Talk(connection())
    talk.send(0, asking(INIT, method="POST", body=b"x" * 10))
    talk.send(1, b"HTTP/1.1 100 Continue\r\n\r\n")
    talk.send(1, answering(200))
    (told,) = talk.exchanges()
    assert told.status == 200


@pytest.mark.parametrize(
    ("request_octets", "answer"),
    [
        (http.request("CONNECT", "web.domainb.com:443"), b"HTTP/1.1 200 OK\r\n\r\n"),
        (http.request("GET", "/", [("Upgrade", "websocket")]), b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
    ],
)
def test_what_makes_a_connection_opaque(request_octets: bytes, answer: bytes) -> None:
    state = connection(every_request=True)
    talk = Talk(state)
    talk.send(0, request_octets)
    assert not state.is_other
    talk.send(1, answer)
    assert state.is_other
    assert talk.send(0, asking(INIT)) == []


def test_a_proxy_that_asks_before_it_connects() -> None:
    """The tunnel is opaque, how the client got it is not."""
    talk = Talk(connection())
    for octets, status, answered in ((NEGOTIATE, 407, CHALLENGE), (AUTHENTICATE, 200, None)):
        talk.send(0, http.request("CONNECT", "dc1:443", [("Proxy-Authorization", http.token("NTLM", octets))]))
        field = [("Proxy-Authenticate", http.token("NTLM", answered))] if answered else []
        talk.send(1, http.answer(status, field))
    (told,) = talk.exchanges()
    assert (told.outcome, told.target) == (True, "dc1:443")
    assert talk.dissector.is_other


def test_plain_http_is_let_go_behind_its_first_answer() -> None:
    state = connection()
    talk = Talk(state)
    talk.send(0, http.request("GET", "/"))
    assert not state.is_other
    talk.send(1, http.answer(200, [("Content-Length", "100000")]))
    assert state.is_other
    assert Talk(connection(every_request=True)).send(0, http.request("GET", "/")) == []


def test_every_request_on_demand() -> None:
    """Its first answer showed nothing; a later one demands a token. Bodies between are stepped over."""
    state = connection(every_request=True)
    talk = Talk(state)
    talk.send(0, http.request("GET", "/"))
    talk.send(1, http.answer(200, [("Content-Length", "100000")]))
    assert (state.is_other, state.skippable(1), state.skippable(0)) == (False, 100_000, 0)
    talk.lose(1, 100_000)
    talk.send(0, asking(INIT))
    talk.send(1, answering(401))
    (told,) = talk.exchanges()
    assert told.outcome is False


def test_a_lost_answer_leaves_its_request_open() -> None:
    """The next answer is not its own."""
    talk = Talk(connection())
    talk.send(0, asking(NEGOTIATE, "NTLM"))
    talk.lose(1, 700)
    talk.send(0, asking(INIT))
    talk.send(1, answering(200))
    opened, taken = sorted(talk.exchanges(), key=lambda each: each.mechanism, reverse=True)
    assert (opened.mechanism, opened.outcome) == ("ntlm", None)
    assert (taken.mechanism, taken.outcome) == ("kerberos", True)


def test_joined_late() -> None:
    state = connection(joined_late=True)
    talk = Talk(state)
    talk.send(1, b"middle of a page")
    talk.send(1, answering(200, TOKENS["accept-completed"]))
    (told,) = talk.exchanges()
    assert (told.request, told.outcome) == (None, True)
    for octets in (bytes(MAXIMUM_SEARCH_OCTETS + 1), http.request("GET", "/x" * 200) * 400):
        other = connection(joined_late=True)
        for direction in (0, 1):
            assert not other.is_other
            Talk(other).send(direction, octets)
        assert other.is_other


def test_what_is_no_http() -> None:
    state = connection()
    talk = Talk(state)
    talk.send(0, b"\x16\x03\x01\x02\x00")
    assert not state.is_other
    talk.send(1, b"\x16\x03\x03\x00\x7a")
    assert state.is_other


def test_http_2_is_let_go() -> None:
    """Its first octets look like a request; the answer is none of HTTP/1."""
    state = connection()
    talk = Talk(state)
    talk.send(0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
    assert not state.is_other
    talk.send(1, bytes.fromhex("000012040000000000") + bytes(18))
    assert state.is_other


def test_requests_without_answers_are_bounded() -> None:
    state = connection()
    talk = Talk(state)
    talk.send(0, asking(INIT) * (MAXIMUM_PENDING_REQUESTS + 2))
    assert state.limits == {"http_requests": 2}


@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    """Any gap, cut or wrong octet: whatever comes out are legs."""
    state = connection(joined_late=data.draw(st.booleans()), every_request=data.draw(st.booleans()))
    talk = Talk(state)
    turns = [(0, asking(NEGOTIATE)), (1, answering(401, CHALLENGE)), (0, asking(AUTHENTICATE)), (1, answering(200)),
             (0, http.request("CONNECT", "a:1")), (1, http.answer(407))]  # fmt: skip
    for direction, octets in turns:
        damaged = bytearray(octets)
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, len(damaged) - 1))
            damaged[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
        if data.draw(st.integers(0, 4)) == 0:
            talk.lose(direction, data.draw(st.integers(1, 300)))  # type: ignore[arg-type]
        talk.send(direction, bytes(damaged), data.draw(st.sampled_from((None, 11, 200))))  # type: ignore[arg-type]
        assert state.skippable(0) >= 0
    talk.close()
    assert all(isinstance(each, Leg) for each in talk.said)
    talk.exchanges()


# What tshark finds

WITH_HTTP = sorted(
    path
    for name in ("MS-RMSOD_Example2*", "MS-WMOD_Example2*", "MS-WMOD_Example6*", "MS-WSUSOD*", "MS-CCROD*Peer2*")
    for path in (SHARED / "netmon").glob(name + ".cap")
)


def tokens_of(values: str) -> Iterator[str]:
    """The tokens in what tshark prints of a field, several fields joined by commas."""
    for value in values.split(","):
        scheme, _, token = value.strip().partition(" ")
        if scheme.lower() in ("negotiate", "kerberos", "ntlm") and token:
            yield token


def legs_of(path: Path) -> list[Leg]:
    said = dissect(path, lambda each: HttpConnection(Problems(), joined_late=each.guessed, every_request=True))
    return [leg for _, leg in said if isinstance(leg, Leg)]


@needs_shared
@pytest.mark.parametrize("path", WITH_HTTP, ids=lambda path: path.stem[:20])
def test_tokens_are_those_that_tshark_finds(path: Path) -> None:
    """In the same frames, and as long. tshark shows a request with a body of several segments where the body ends, and
    not at all where it does not take the port for HTTP: those tokens only we have, and NTLM and Kerberos read them."""
    names = ("frame.number", "http.authorization", "http.www_authenticate")
    found = [
        (int(frame), token)
        for frame, *values in fields(path, "http", *names)
        for value in values
        for token in tokens_of(value)
    ]
    legs = legs_of(path)
    ours = {(leg.provenance.frame, len(leg.octets)) for leg in legs if leg.octets}
    theirs = {(frame, len(token) * 3 // 4 - token.count("=")) for frame, token in found}
    missing = {each for each in theirs - ours if each[0] in {frame for frame, _ in ours}}
    assert missing == set()
    late = {length for frame, length in theirs if frame not in {frame for frame, _ in ours}}
    assert late <= {length for _, length in ours}
    assert len(theirs) <= len(ours)


@needs_shared
def test_exchanges_of_a_rights_management_client() -> None:
    (path,) = (SHARED / "netmon").glob("MS-RMSOD_Example2*.cap")
    told = exchanges(dissect(path, lambda each: HttpConnection(Problems(), joined_late=each.guessed)))
    assert [(each.tokens, each.outcome, each.status) for each in told] == [
        (("NEGOTIATE", "CHALLENGE", "AUTHENTICATE"), True, 200)
    ] * 5
    assert {(each.ntlm.domain, each.ntlm.user.lower()) for each in told if each.ntlm and each.ntlm.user} == {
        ("CONTOSO", "administrator")
    }


@needs_shared
def test_exchanges_of_remote_management() -> None:
    """WinRM: the scheme Kerberos, accepted with an AP-REP in the answer."""
    (path,) = (SHARED / "netmon").glob("MS-WMOD_Example6*.cap")
    told = exchanges(dissect(path, lambda each: HttpConnection(Problems(), joined_late=each.guessed)))
    assert [(each.mechanism, each.tokens, each.outcome) for each in told] == [
        ("kerberos", ("AP-REQ", "AP-REP"), True)
    ] * 3
    assert {each.ticket.sname for each in told if each.ticket} == {("HTTP", "SUT01")}
    assert {each.target for each in told} == {"sut01:5985"}
