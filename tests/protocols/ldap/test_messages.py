"""Binds, as RFC 4511 and Active Directory write them."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from builders import CLIENT, SERVER, Host, TcpConversation, der, ldap, ntlm, pcap
from tokens import TOKENS
from tshark_reading import fields

from rpctrace.errors import Malformed, ParseError
from rpctrace.protocols.ldap.messages import (
    AuthenticationChoice,
    BindRequest,
    BindResponse,
    ResultCode,
    parse_bind,
)

INIT = TOKENS["SPNEGO AP-REQ"]
BINDS = {
    "spnego": ldap.sasl_bind(2837, ldap.GSS_SPNEGO, INIT),
    "long lengths": ldap.long_form(ldap.sasl_bind(3, ldap.GSSAPI, INIT)),
    "no credentials": ldap.sasl_bind(4, ldap.GSSAPI),
    "simple": ldap.simple_bind(1, "cn=novice", "secret"),
    "sicily": ldap.sicily_bind(1, ldap.SICILY_NEGOTIATE, ntlm.negotiate()),
    "answer": ldap.bind_response(2837, 14, b"token", said="more"),
    "refusal": ldap.long_form(ldap.bind_response(3, 49, said="80090308: LdapErr: DSID-0C09, data 52e, v4563\0")),
    "challenge": ldap.bind_response(1, 0, matched=ntlm.challenge("DOMAINB")),
}


def test_a_bind_by_sasl() -> None:
    for name, mechanism in (("spnego", "GSS-SPNEGO"), ("long lengths", "GSSAPI")):
        bind = parse_bind(BINDS[name])
        assert isinstance(bind, BindRequest)
        assert bind.complete
        assert (bind.choice, bind.mechanism, bind.credentials) == (AuthenticationChoice.SASL, mechanism, INIT)
    assert parse_bind(BINDS["spnego"]).message_id == 2837


def test_binds_without_a_token() -> None:
    without = parse_bind(BINDS["no credentials"])
    simple = parse_bind(BINDS["simple"])
    assert isinstance(without, BindRequest)
    assert isinstance(simple, BindRequest)
    assert (without.mechanism, without.credentials) == ("GSSAPI", None)
    assert (simple.choice, simple.credentials) == (AuthenticationChoice.SIMPLE, None)
    assert b"secret" not in repr(simple).encode()


def test_sicily() -> None:
    asked, answered = parse_bind(BINDS["sicily"]), parse_bind(BINDS["challenge"])
    assert isinstance(asked, BindRequest)
    assert isinstance(answered, BindResponse)
    assert (asked.choice, asked.credentials) == (AuthenticationChoice.SICILY_NEGOTIATE, ntlm.negotiate())
    assert answered.matched_dn == ntlm.challenge("DOMAINB")


def test_answers() -> None:
    more, refused = parse_bind(BINDS["answer"]), parse_bind(BINDS["refusal"])
    assert isinstance(more, BindResponse)
    assert isinstance(refused, BindResponse)
    assert (more.result_code, more.credentials) == (ResultCode.SASL_BIND_IN_PROGRESS, b"token")
    assert more.diagnostic_message == "more"
    assert (refused.result_code, refused.credentials) == (49, None)
    assert refused.diagnostic_message is not None
    assert "data 52e" in refused.diagnostic_message


@pytest.mark.parametrize("octets", [ldap.search(1, ""), ldap.unbind(2), der.sequence(der.integer(1)), b"", b"0"])
def test_what_is_no_bind(octets: bytes) -> None:
    with pytest.raises(ParseError):
        parse_bind(octets)


def test_another_message_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse_bind(ldap.search(1, "dc=domainb"))


@pytest.mark.parametrize("name", BINDS)
def test_any_truncation_is_a_value_or_an_error(name: str) -> None:
    octets = BINDS[name]
    for end in range(len(octets)):
        try:
            bind = parse_bind(octets[:end])
        except ParseError:
            continue
        assert not bind.complete


def test_mutants_never_raise_anything_else() -> None:
    rng = random.Random(3)
    for _ in range(5_000):
        octets = bytearray(rng.choice(list(BINDS.values()))[:120])
        for _ in range(rng.randrange(1, 4)):
            octets[rng.randrange(len(octets))] = rng.choice((0, 0x30, 0x84, 0xFF, rng.randrange(256)))
        with suppress(ParseError):
            parse_bind(octets)


def test_tshark_reads_what_the_builder_writes() -> None:
    client, server = (Host("10.2.0.21", "02:00:00:00:00:21"), 50211), (Host("10.2.0.73", "02:00:00:00:00:73"), 389)
    talk = TcpConversation(client, server)
    talk.connect()
    talk.send(CLIENT, ldap.search(1, ""))
    talk.send(SERVER, ldap.search_entry(1, "cn=novice", 20))
    talk.send(CLIENT, BINDS["sicily"])
    talk.send(SERVER, BINDS["refusal"])
    talk.send(CLIENT, BINDS["spnego"])
    talk.send(SERVER, BINDS["answer"])
    talk.send(CLIENT, ldap.start_tls(9))
    names = ("ldap.protocolOp", "ldap.messageID", "ldap.authentication", "ldap.mechanism", "ldap.resultCode")
    assert fields(pcap(talk.frames), "ldap", *names) == [
        ("3", "1", "", "", ""),
        ("4", "1", "", "", ""),
        ("0", "1", "10", "", ""),
        ("1", "3", "", "", "49"),
        ("0", "2837", "3", "GSS-SPNEGO", ""),
        ("1", "2837", "", "", "14"),
        ("23", "9", "", "", ""),
    ]
