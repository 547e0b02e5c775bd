"""Binds of one connection -> legs of authentications; and what tshark finds in captures."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import kerberos, ldap, ntlm
from dissected import Talk, dissect, exchanges
from hypothesis import given
from hypothesis import strategies as st
from shared_captures import SHARED, needs_shared
from tokens import AP_REQ, TOKENS
from tshark_reading import fields

from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.gssapi.exchange import Leg
from rpctrace.protocols.ldap.connection import MAXIMUM_PENDING_BINDS, MAXIMUM_SEARCH_OCTETS, LdapConnection

INIT, COMPLETED = TOKENS["SPNEGO AP-REQ"], TOKENS["accept-completed"]
NEGOTIATE, CHALLENGE = ntlm.negotiate(), ntlm.challenge("DOMAINB")
AUTHENTICATE = ntlm.authenticate("DOMAINB", "novice", "WS1")
GSS_AP_REQ = kerberos.gss_frame(kerberos.TOKEN_AP_REQ, AP_REQ)
GSS_AP_REP = kerberos.gss_frame(kerberos.TOKEN_AP_REP, kerberos.ap_rep(cipher=bytes(32)))
WRAPPED = bytes.fromhex("0504 04ff 000c 000c 0000 0000 0000 0001") + bytes(16)
REFUSAL = "80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data 52e, v4563\0"


def connection(*, joined_late: bool = False) -> LdapConnection:
    return LdapConnection(Problems(), joined_late=joined_late)


def test_spnego_in_one_round() -> None:
    talk = Talk(connection())
    talk.send(0, ldap.search(1, ""))
    talk.send(1, ldap.search_entry(1, "", 900))
    talk.send(0, ldap.sasl_bind(2, ldap.GSS_SPNEGO, INIT), 100)
    talk.send(1, ldap.long_form(ldap.bind_response(2, ldap.SUCCESS, COMPLETED)))
    (told,) = talk.exchanges()
    assert (told.carried_in, told.mechanism, told.status, told.outcome) == ("ldap", "kerberos", 0, True)
    assert told.ticket is not None
    assert told.ticket.presented_in == "ldap_bind"
    assert told.request is not None
    assert told.request.frames == (3, 4, 5, 6)


def test_gssapi_takes_three_rounds() -> None:
    """RFC 4752 3.1: ticket, an empty leg, and the security layers in wrapped tokens."""
    talk = Talk(connection())
    talk.send(0, ldap.sasl_bind(1, ldap.GSSAPI, GSS_AP_REQ))
    talk.send(1, ldap.bind_response(1, ldap.SASL_BIND_IN_PROGRESS, GSS_AP_REP))
    talk.send(0, ldap.sasl_bind(2, ldap.GSSAPI))
    talk.send(1, ldap.bind_response(2, ldap.SASL_BIND_IN_PROGRESS, WRAPPED))
    talk.send(0, ldap.sasl_bind(3, ldap.GSSAPI, WRAPPED))
    assert talk.dissector.is_other is False
    talk.send(1, ldap.bind_response(3, ldap.SUCCESS))
    (told,) = talk.exchanges()
    assert told.tokens == ("AP-REQ", "AP-REP", "Wrap", "Wrap")
    assert (told.mechanism, told.outcome) == ("kerberos", True)
    assert told.request is not None
    assert told.request.frame == 1


def test_a_refusal_and_its_words() -> None:
    talk = Talk(connection())
    for message_id, octets in ((5, NEGOTIATE), (6, AUTHENTICATE)):
        talk.send(0, ldap.sasl_bind(message_id, ldap.GSS_SPNEGO, octets))
        code = ldap.SASL_BIND_IN_PROGRESS if message_id == 5 else ldap.INVALID_CREDENTIALS
        said = "" if message_id == 5 else REFUSAL
        talk.send(1, ldap.bind_response(message_id, code, CHALLENGE if message_id == 5 else None, said=said))
    (told,) = talk.exchanges()
    assert (told.status, told.outcome, told.notes) == (49, False, (REFUSAL[:-1],))
    assert told.ntlm is not None
    assert (told.ntlm.user, told.ntlm.target) == ("novice", "DOMAINB")


def test_sicily() -> None:
    """[MS-ADTS] 5.1.1.1.3: the CHALLENGE comes in a successful answer, which ends nothing."""
    talk = Talk(connection())
    talk.send(0, ldap.sicily_bind(1, ldap.SICILY_DISCOVERY))
    talk.send(1, ldap.bind_response(1, 0, matched=b"NTLM"))
    talk.send(0, ldap.sicily_bind(2, ldap.SICILY_NEGOTIATE, NEGOTIATE))
    talk.send(1, ldap.bind_response(2, 0, matched=CHALLENGE))
    talk.send(0, ldap.sicily_bind(3, ldap.SICILY_RESPONSE, AUTHENTICATE))
    talk.send(1, ldap.bind_response(3, 0))
    (told,) = talk.exchanges()
    assert told.tokens == ("NEGOTIATE", "CHALLENGE", "AUTHENTICATE")
    assert (told.outcome, told.status) == (True, 0)


@pytest.mark.parametrize(
    "bind",
    [
        ldap.simple_bind(1, "cn=x", "secret"),
        ldap.sasl_bind(1, "DIGEST-MD5", b"realm"),
        ldap.sasl_bind(1, "EXTERNAL"),
    ],
)
def test_what_is_no_leg(bind: bytes) -> None:
    talk = Talk(connection())
    talk.send(0, bind)
    talk.send(1, ldap.bind_response(1, 49, said=REFUSAL))
    assert talk.said == []


def test_behind_a_security_layer_nothing_can_be_seen() -> None:
    state = connection()
    talk = Talk(state)
    talk.send(0, ldap.sasl_bind(2, ldap.GSS_SPNEGO, INIT))
    talk.send(1, ldap.bind_response(2, 0, COMPLETED))
    assert not state.is_other
    talk.send(0, len(WRAPPED).to_bytes(4, "big") + WRAPPED)
    assert state.is_other


def test_behind_start_tls_nothing_can_be_seen() -> None:
    state = connection()
    talk = Talk(state)
    talk.send(0, ldap.start_tls(1))
    talk.send(1, ldap.extended_response(1))
    talk.send(0, bytes.fromhex("16030102000100") + bytes(100))
    assert state.is_other


def test_binds_without_a_security_layer_follow_each_other() -> None:
    talk = Talk(connection())
    for message_id in (1, 2):
        talk.send(0, ldap.sasl_bind(message_id, ldap.GSS_SPNEGO, INIT))
        talk.send(1, ldap.bind_response(message_id, 0, COMPLETED))
    assert [told.outcome for told in talk.exchanges()] == [True, True]


def test_an_entry_is_stepped_over() -> None:
    state = connection()
    talk = Talk(state)
    talk.send(1, ldap.search_entry(1, "", 5000)[:100])
    assert (state.skippable(0), state.skippable(1)) == (0, len(ldap.search_entry(1, "", 5000)) - 100)


def test_a_lost_answer_leaves_its_bind_open() -> None:
    talk = Talk(connection())
    talk.send(0, ldap.sasl_bind(2, ldap.GSS_SPNEGO, NEGOTIATE))
    talk.lose(1, 400)
    talk.send(0, ldap.sasl_bind(9, ldap.GSS_SPNEGO, INIT))
    talk.send(1, ldap.bind_response(9, 0, COMPLETED))
    told = {each.mechanism: each.outcome for each in talk.exchanges()}
    assert told == {"ntlm": None, "kerberos": True}


def test_joined_late() -> None:
    talk = Talk(connection(joined_late=True))
    talk.send(1, ldap.bind_response(3, 49, TOKENS["GSS KRB-ERROR"]))
    talk.send(1, ldap.bind_response(4, 49))
    (told,) = talk.exchanges()
    assert (told.request, told.outcome) == (None, False)
    other = connection(joined_late=True)
    for direction in (0, 1):
        Talk(other).send(direction, bytes(MAXIMUM_SEARCH_OCTETS + 1))
    assert other.is_other


def test_what_is_no_ldap() -> None:
    state = connection()
    talk = Talk(state)
    talk.send(0, bytes(20))
    assert not state.is_other
    talk.send(1, bytes(20))
    assert state.is_other


def test_a_bind_that_the_end_cuts() -> None:
    talk = Talk(connection())
    talk.send(0, ldap.sasl_bind(2, ldap.GSS_SPNEGO, INIT)[:300])
    (leg,) = talk.close()
    assert len(leg.octets) > 200
    (told,) = talk.exchanges()
    assert told.tokens == ("AP-REQ",)


def test_binds_without_answers_are_bounded() -> None:
    state = connection()
    talk = Talk(state)
    for message_id in range(1, MAXIMUM_PENDING_BINDS + 3):
        talk.send(0, ldap.sasl_bind(message_id, ldap.GSS_SPNEGO, INIT))
    assert state.limits == {"ldap_pending_binds": 2}


@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    state = connection(joined_late=data.draw(st.booleans()))
    talk = Talk(state)
    turns = [(0, ldap.sasl_bind(1, ldap.GSS_SPNEGO, NEGOTIATE)), (1, ldap.bind_response(1, 14, CHALLENGE)),
             (0, ldap.sasl_bind(2, ldap.GSS_SPNEGO, AUTHENTICATE)), (1, ldap.bind_response(2, 49, said=REFUSAL)),
             (1, ldap.search_entry(3, "cn=x", 300))]  # fmt: skip
    for direction, octets in turns:
        damaged = bytearray(octets)
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, len(damaged) - 1))
            damaged[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        if data.draw(st.integers(0, 4)) == 0:
            talk.lose(direction, data.draw(st.integers(1, 300)))  # type: ignore[arg-type]
        talk.send(direction, bytes(damaged), data.draw(st.sampled_from((None, 11, 200))))  # type: ignore[arg-type]
    talk.close()
    assert all(isinstance(each, Leg) for each in talk.said)
    talk.exchanges()


# What tshark finds

WITH_BINDS = sorted(
    path
    for folder, names in {
        "netmon": ("MS-RMSOD_Example2*.cap", "MS-GPOD_Example3*.cap", "MS-ADOD_Example2_17*.cap"),
        "public": ("krb5-tcp-fragments.pcap",),
        "lab/c-torture": ("rpc.cracknames.pcap", "rpc.lsa.np.pcap", "rpc.samlogon.pcap", "rpc.schannel.pcap"),
    }.items()
    for name in names
    for path in (SHARED / folder).glob(name)
)


@needs_shared
@pytest.mark.parametrize("path", WITH_BINDS, ids=lambda path: path.stem[:24])
def test_binds_are_those_that_tshark_finds(path: Path) -> None:
    """Every bind by SASL or Sicily and its answer, in the same frames with the same result codes. Simple binds are no
    legs. Of rights management tshark shows three answers alone: their requests are in offloaded segments, whose IPv6
    payload length is 0, which it takes for malformed and we read."""
    names = ("frame.number", "ldap.messageID", "ldap.authentication", "ldap.resultCode", "tcp.stream")
    rows = fields(path, "ldap.bindRequest_element || ldap.bindResponse_element", *names)
    simple = {(stream, message_id) for _, message_id, choice, _, stream in rows if choice == "0"}
    theirs = {
        (int(frame), int(result) if result else None)
        for frame, message_id, _, result, stream in rows
        if (stream, message_id) not in simple
    }
    said = dissect(path, lambda each: LdapConnection(Problems(), joined_late=each.guessed), (389, 3268))
    ours = {(leg.provenance.frame, leg.status) for _, leg in said}
    assert theirs <= ours
    extra = ours - theirs
    assert all(status is None for _, status in extra)
    assert len(extra) == (3 if path.name.startswith("MS-RMSOD") else 0)


@needs_shared
def test_exchanges_of_a_group_policy_client() -> None:
    (path,) = (SHARED / "netmon").glob("MS-GPOD_Example3*.cap")
    told = exchanges(dissect(path, lambda each: LdapConnection(Problems(), joined_late=each.guessed), (389,)))
    assert len(told) == 14
    assert {(each.mechanism, each.tokens, each.outcome, each.status) for each in told} == {
        ("kerberos", ("AP-REQ", "AP-REP"), True, 0)
    }
    services = {each.ticket.sname[:2] for each in told if each.ticket}
    assert {(service.lower(), host) for service, host in services} == {("ldap", "WIN-F9UMJGUCFNR.contoso.com")}


@needs_shared
def test_exchange_by_sicily_in_a_capture() -> None:
    path = SHARED / "public" / "krb5-tcp-fragments.pcap"
    (told,) = exchanges(dissect(path, lambda each: LdapConnection(Problems(), joined_late=each.guessed), (389,)))
    assert told.tokens == ("NEGOTIATE", "CHALLENGE", "AUTHENTICATE")
    assert told.ntlm is not None
    assert (told.ntlm.user, told.ntlm.domain, told.ntlm.target) == ("user01", "dom.test.lo.com", "dom")
