"""Header sections -> the start line and the fields that matter."""

from __future__ import annotations

import random
from base64 import b64encode
from time import process_time

import pytest
from builders import http, ntlm
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.errors import Malformed
from rpctrace.protocols.http.headers import (
    MAXIMUM_FIELDS,
    SchemeToken,
    parse_head,
    scheme_tokens,
)


def test_a_request() -> None:
    head = parse_head(
        http.request("POST", "/wsman?a b", [("AUTHORIZATION", http.token("Negotiate", b"abc"))], b"12345")
    )
    assert (head.method, head.target, head.status, head.minor_version) == ("POST", "/wsman?a b", None, 1)
    assert (head.host, head.content_length, head.chunked) == ("web.domainb.com", 5, False)
    assert head.authentication(b"authorization") == [SchemeToken("negotiate", b"abc")]
    assert head.authentication(b"proxy-authorization") == []


def test_an_answer() -> None:
    schemes = [("WWW-Authenticate", "Negotiate"), ("www-authenticate", "NTLM")]
    head = parse_head(http.answer(401, [*schemes, ("Transfer-Encoding", "gzip, chunked")]))
    assert (head.method, head.status, head.reason, head.chunked) == (None, 401, "Reason", True)
    assert [each.scheme for each in head.authentication(b"www-authenticate")] == ["negotiate", "ntlm"]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Negotiate, NTLM", [("negotiate", None), ("ntlm", None)]),
        ("Negotiate,NTLM,Basic realm=\"a, Kerberos\"", [("negotiate", None), ("ntlm", None)]),
        ("Basic realm=\"x\" , Negotiate YWJj , Digest nonce=\"NTLM\"", [("negotiate", b"abc")]),
        ("NEGOTIATE YWI=", [("negotiate", b"ab")]),
        ("Kerberos  YWJjZA==", [("kerberos", b"abcd")]),
        ("Negotiation YWJj", []),
        ("Basic Negotiate", []),
        ("Bearer realm=Negotiate", []),
        ("", []),
    ],
)
def test_schemes_in_one_field(value: str, found: list[tuple[str, bytes | None]]) -> None:
    assert scheme_tokens(value.encode()) == [SchemeToken(*each) for each in found]


@pytest.mark.parametrize("length", range(1, 30))
def test_half_a_token_gives_whole_octets(length: int) -> None:
    whole = ntlm.negotiate()
    text = b64encode(whole)[:length]
    ((_, token),) = scheme_tokens(b"NTLM " + text)
    assert token == whole[: length * 6 // 8]


@pytest.mark.parametrize(
    "lines",
    [b"Content-Length: 12\r\nX: y\r\n\r\n", b"X: y\nCONTENT-LENGTH:12\n\n", b"Content-Length: 12, 12\r\n\r\n"],
)
def test_spellings_of_a_length(lines: bytes) -> None:
    assert parse_head(b"HTTP/1.1 200 OK\r\n" + lines).content_length == 12


@pytest.mark.parametrize("value", [b"", b"-1", b"0x10", b"9" * 30, "٣".encode()])
def test_a_length_that_is_no_number(value: bytes) -> None:
    assert parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: " + value + b"\r\n\r\n").content_length is None


def test_fields_are_bounded_and_names_are_not_found_in_values() -> None:
    head = parse_head(b"GET / HTTP/1.0\r\nX: Host: none\r\n" + b"Host: a\r\n" * 500 + b"\r\n")
    assert len(head.fields[b"host"]) == MAXIMUM_FIELDS
    assert head.host == "a"


def test_what_is_no_head() -> None:
    for octets in (b"", b"\x16\x03\x01", b"HTTP/2.0 200", b"G\r\n"):
        with pytest.raises(Malformed):
            parse_head(octets)


@given(st.binary(max_size=300))
def test_any_octets_give_a_head_or_malformed(octets: bytes) -> None:
    for text in (octets, b"HTTP/1.1 401 \r\nWWW-Authenticate: NTLM " + octets, b"GET / HTTP/1.1\r\n" + octets):
        try:
            head = parse_head(text)
        except Malformed:
            continue
        head.authentication(b"www-authenticate")
        assert head.content_length is None or head.content_length >= 0


def test_hostile_fields_cost_no_more_than_their_length() -> None:
    """Quotes that never end, thousands of commas, folds: 64 KiB of each, far from a second."""
    rng = random.Random(1)
    before = process_time()
    for piece in (b'"', b",", b"\\", b"\r\n ", b"NTLM ,", b' "\\', bytes(rng.randrange(256) for _ in range(7))):
        value = piece * (60_000 // len(piece))
        parse_head(b"HTTP/1.1 401 \r\nWWW-Authenticate: " + value).authentication(b"www-authenticate")
    assert process_time() - before < 2
