"""AS and TGS messages: their clear fields, whole and cut; what is damaged is missing from the value and never more."""

from __future__ import annotations

import pickle
from dataclasses import fields as fields_of
from typing import Any

import pytest
from authentication_tokens import mutants, truncations
from builders import der as write
from builders import filler, kerberos
from protocols.kerberos.kdc_talk import (
    ALICE,
    AS_REP,
    AS_REQ,
    EVERY_MESSAGE,
    FROM_NS,
    MACHINE_TGT,
    REALM,
    RTIME_NS,
    TGS_REP,
    TGS_REQ,
    TGT,
    TILL_NS,
    U2U_REQ,
    digest,
)

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.kerberos.elements import EncryptedData
from rpctrace.protocols.kerberos.kdc_messages import (
    AnyMessage,
    KdcOptions,
    KdcRep,
    KdcReq,
    SealedMessage,
    parse_any_message,
)
from rpctrace.protocols.kerberos.messages import KrbError, MessageType, NameType, PrincipalName, Ticket, parse_message
from rpctrace.protocols.kerberos.preauth import EtypeInfo, Fast

KRBTGT_NAME = PrincipalName(NameType.SRV_INST, ("krbtgt", REALM))
KDC_MESSAGES = {name: octets for name, octets in EVERY_MESSAGE.items() if not name.startswith("kpasswd")}


def request(octets: bytes) -> KdcReq:
    value = parse_any_message(octets)
    assert isinstance(value, KdcReq)
    return value


def reply(octets: bytes) -> KdcRep:
    value = parse_any_message(octets)
    assert isinstance(value, KdcRep)
    return value


def test_an_as_req() -> None:
    said = request(AS_REQ)
    assert said.complete
    assert (said.message_type, said.pvno) == (MessageType.AS_REQ, 5)
    options = KdcOptions.FORWARDABLE | KdcOptions.RENEWABLE | KdcOptions.CANONICALIZE | KdcOptions.RENEWABLE_OK
    assert said.options == options
    assert said.cname == PrincipalName(NameType.PRINCIPAL, ("alice-a",))
    assert (said.realm, said.sname) == (REALM, KRBTGT_NAME)
    assert (said.from_ns, said.till_ns, said.rtime_ns) == (FROM_NS, TILL_NS, RTIME_NS)
    assert (said.nonce, said.etypes) == (0x12345678, (18, 17, 23))
    assert (said.has_authorization_data, said.additional_tickets) == (False, ())
    assert said.preauthentication.types == (2, 128, 167, 136, 133, 16)


def test_a_tgs_req() -> None:
    """A nonce is unsigned, however it is written."""
    said = request(TGS_REQ)
    assert said.complete
    assert (said.message_type, said.cname, said.from_ns, said.rtime_ns) == (MessageType.TGS_REQ, None, None, None)
    assert said.nonce == 0xFFFFFFF0
    unsigned, signed = bytes.fromhex("a707020500fffffff0"), bytes.fromhex("a7070205fffffffff0")
    assert TGS_REQ.count(unsigned) == 1
    assert request(TGS_REQ.replace(unsigned, signed)).nonce == 0xFFFFFFF0
    assert said.preauthentication.types == (1, 136, 129, 130)
    assert said.preauthentication.tgs is not None
    assert said.preauthentication.tgs.ticket == Ticket(REALM, KRBTGT_NAME, 18, 2, 1024, digest(TGT, 1024))


def test_a_user_to_user_request_names_the_other_ticket() -> None:
    said = request(U2U_REQ)
    assert said.options is not None
    assert KdcOptions.ENC_TKT_IN_SKEY in said.options
    assert said.additional_tickets == (Ticket(REALM, KRBTGT_NAME, 18, 7, 900, digest(MACHINE_TGT, 900)),)
    assert said.has_authorization_data


def test_replies() -> None:
    said = reply(AS_REP)
    assert said.complete
    assert (said.message_type, said.pvno, said.crealm) == (MessageType.AS_REP, 5, REALM)
    assert said.cname == PrincipalName(NameType.PRINCIPAL, ("alice-a",))
    assert said.ticket == Ticket(REALM, KRBTGT_NAME, 18, 2, 1024, digest(TGT, 1024))
    assert said.enc_part == EncryptedData(18, None, 240)
    assert said.preauthentication.etypes_offered == (EtypeInfo(18, "CHILD.DOMAINA.COMalice-a"),)
    assert reply(TGS_REP).message_type is MessageType.TGS_REP


def test_an_error_says_what_the_kdc_would_take() -> None:
    said = parse_message(EVERY_MESSAGE["preauth-required"])
    assert isinstance(said, KrbError)
    assert said.pa_data_types == said.preauthentication.types == (16, 2, 19, 136)
    assert said.preauthentication.etypes_offered == (EtypeInfo(18, "salt"), EtypeInfo(23, None))
    assert said.preauthentication.fast == Fast(None, None, 17)


def test_a_status_is_no_salt() -> None:
    """[MS-KILE] 2.2.1: a KERB-EXT-ERROR comes under the type of a salt."""
    status = bytes.fromhex("720000c0 00000000 01000000")
    for octets, salt in ((status, None), (b"CHILD.salt", "CHILD.salt")):
        data = write.sequence(kerberos.padata(3, octets))
        said = parse_message(kerberos.krb_error(18, REALM, ALICE, server_time_ns=0, data=data))
        assert isinstance(said, KrbError)
        assert said.preauthentication.salt == salt


@pytest.mark.parametrize("number", [20, 21, 22])
def test_sealed_messages_are_a_kind(number: int) -> None:
    body = write.sequence(write.context(0, write.integer(5)), write.context(1, write.integer(number)))
    assert parse_any_message(write.application(number, body)) == SealedMessage(MessageType(number))


def test_options_without_a_name_are_dropped() -> None:
    every = kerberos.KdcRequest(REALM, ALICE, TILL_NS, options=0xFFFFFFFF)
    options = request(kerberos.as_req(every)).options
    assert options == KdcOptions(sum(KdcOptions))
    assert options is not None
    assert len(list(options)) == 16


def test_an_additional_ticket_that_is_none() -> None:
    body = kerberos.KdcRequest(REALM, ALICE, TILL_NS, additional_tickets=(write.sequence(),))
    said = request(kerberos.tgs_req(body, TGT))
    assert said.additional_tickets == ()
    assert isinstance(said.problem, Malformed)


def test_only_the_kinds_of_an_authentication_are_tokens() -> None:
    """`parse_message` is for tokens, where a KDC's messages have no place."""
    for name in ("AS-REQ", "TGS-REQ", "AS-REP", "TGS-REP"):
        with pytest.raises(ParseError):
            parse_message(KDC_MESSAGES[name])


def test_the_application_tag_decides() -> None:
    wrong = AS_REQ.replace(bytes.fromhex("a20302010a"), bytes.fromhex("a20302010c"), 1)
    assert request(wrong).message_type is MessageType.AS_REQ
    assert isinstance(request(wrong).problem, Malformed)


def assert_only_less(value: Any, whole: Any) -> None:
    """Each part is the whole's, or None, or empty."""
    if value is None or value == () or value == whole:
        return
    assert type(value) is type(whole)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        for found, expected in zip(value, whole, strict=True):
            assert_only_less(found, expected)
        return
    assert hasattr(value, "__dataclass_fields__"), (value, whole)
    for field in fields_of(value):
        if field.name != "problem":
            found, expected = getattr(value, field.name), getattr(whole, field.name)
            is_microseconds = field.name == "stime_ns" and found is not None and found // 10**9 == expected // 10**9
            if not is_microseconds and not (found is False and field.name == "has_authorization_data"):
                assert_only_less(found, expected)


@pytest.mark.parametrize("name", KDC_MESSAGES)
def test_every_truncation(name: str) -> None:
    octets = KDC_MESSAGES[name]
    whole = parse_any_message(octets)
    assert whole.complete
    for cut in truncations(octets):
        try:
            value = parse_any_message(cut)
        except ParseError:
            assert len(cut) < 10
            continue
        assert isinstance(value.problem, Truncated)
        assert_only_less(value, whole)


@pytest.mark.parametrize("name", KDC_MESSAGES)
def test_mutants_raise_nothing_but_parse_errors(name: str) -> None:
    octets = KDC_MESSAGES[name]
    values: list[AnyMessage] = []
    for mutant in mutants(octets, seed=len(octets), count=1500):
        try:
            values.append(parse_any_message(mutant))
        except ParseError:
            continue
    assert len(values) > 500


@pytest.mark.parametrize("name", KDC_MESSAGES)
def test_no_cipher_is_kept(name: str) -> None:
    """Neither ciphers nor checksums: not one run of eight octets of what stands for them."""
    kept = pickle.dumps(parse_any_message(KDC_MESSAGES[name]))
    labels = ("timestamp", "fast", "fast req", "fast rep", "machine", "authorization", "for user", "tgs authenticator",
              "authenticator", f"ticket {REALM!r} {('krbtgt', REALM)!r}", f"kdc reply {REALM}")  # fmt: skip
    assert [label for label in labels if filler(label, 8) in kept] == []
    assert sum(filler(label, 8) in KDC_MESSAGES[name] for label in labels) >= (0 if "unknown" in name else 1)
