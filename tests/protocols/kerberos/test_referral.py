"""Referrals to another realm, and user-to-user, as an exchange shows them."""

from __future__ import annotations

import pytest
from builders import kerberos
from protocols.kerberos.kdc_talk import (
    ALICE,
    AS_REP,
    AS_REQ,
    CLIENT,
    KPASSWD_REP,
    KPASSWD_REQ,
    KRBTGT,
    OTHER_REALM,
    REALM,
    REFERRAL,
    SERVER,
    TGS_REP,
    TGS_REQ,
    TGT,
    TILL_NS,
    U2U_REQ,
    UNKNOWN_SERVICE,
    at_frame,
)

from rpctrace.protocols.kerberos.exchange import KdcExchange, Pairing, parse_exchanged
from rpctrace.protocols.kerberos.referral import client_referral, referral, requested_user_to_user


def exchange(asked: bytes | None, said: bytes) -> KdcExchange:
    pairs = Pairing("kdc_tcp", {})
    if asked is not None:
        pairs.request(parse_exchanged(asked), CLIENT, at_frame(1))  # type: ignore[arg-type]
    return pairs.reply(parse_exchanged(said), SERVER, at_frame(2))  # type: ignore[arg-type]


def granting(realm: str) -> bytes:
    return kerberos.tgs_req(kerberos.KdcRequest(REALM, kerberos.ticket_granting(realm), TILL_NS), TGT)


RENEWED = kerberos.tgs_rep(REALM, ALICE, TGT)
WRONG_REALM = kerberos.krb_error(68, REALM, KRBTGT, server_time_ns=0, client_realm=OTHER_REALM)


@pytest.mark.parametrize(("asked", "said", "expected"), [
    (TGS_REQ, REFERRAL, OTHER_REALM),  # a service was asked for
    (granting("DOMAINC.COM"), REFERRAL, OTHER_REALM),  # a realm further on was asked for
    (granting(OTHER_REALM), REFERRAL, None),  # what was asked for
    (granting("domainb.com"), REFERRAL, None),
    (granting("CHILD"), RENEWED, None),  # the NetBIOS name of the issuing realm
    (TGS_REQ, TGS_REP, None),
    (TGS_REQ, UNKNOWN_SERVICE, None),
    (None, REFERRAL, None),
    (AS_REQ, AS_REP, None),
    (KPASSWD_REQ, KPASSWD_REP, None),
    (kerberos.tgs_req(kerberos.KdcRequest(REALM, kerberos.Principal(()), TILL_NS), TGT), REFERRAL, None),
])  # fmt: skip
def test_referrals(asked: bytes | None, said: bytes, expected: str | None) -> None:
    assert referral(exchange(asked, said)) == expected


def test_a_client_is_sent_to_its_own_realm() -> None:
    assert client_referral(exchange(AS_REQ, WRONG_REALM)) == OTHER_REALM
    assert client_referral(exchange(AS_REQ, AS_REP)) is None
    assert client_referral(exchange(TGS_REQ, UNKNOWN_SERVICE)) is None


def test_user_to_user_is_an_option_of_the_request() -> None:
    assert requested_user_to_user(exchange(U2U_REQ, TGS_REP)) is True
    assert requested_user_to_user(exchange(TGS_REQ, TGS_REP)) is False
    assert requested_user_to_user(exchange(KPASSWD_REQ, KPASSWD_REP)) is False
    assert requested_user_to_user(exchange(None, TGS_REP)) is None
    cut = exchange(U2U_REQ[:30], kerberos.tgs_rep(REALM, ALICE, TGT))
    assert cut.request is not None
    assert requested_user_to_user(cut) is None
