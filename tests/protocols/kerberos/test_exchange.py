"""Which reply answers which request."""

from __future__ import annotations

import pytest
from builders import kerberos
from protocols.kerberos.kdc_talk import (
    ALICE,
    AS_REP,
    AS_REQ,
    BOB,
    CLIENT,
    EVERY_MESSAGE,
    KPASSWD_ERROR,
    KPASSWD_REP,
    KPASSWD_REQ,
    OTHER_REALM,
    PREAUTH_REQUIRED,
    REALM,
    REFERRAL,
    SERVER,
    SERVICE,
    TGS_REP,
    TGS_REQ,
    TILL_NS,
    U2U_REQ,
    UNKNOWN_SERVICE,
    at_frame,
)

from rpctrace.errors import ParseError
from rpctrace.protocols.kerberos.exchange import (
    GIVEN_UP,
    MAXIMUM_COPIES,
    MAXIMUM_OPEN_REQUESTS,
    OTHER_SERVICE,
    REPLY_IN_A_GAP,
    KdcExchange,
    KdcOutcome,
    Pairing,
    Reply,
    Request,
    granted_realm,
    kind_of,
    names_agree,
    names_of,
    outcome_of,
    parse_exchanged,
)
from rpctrace.protocols.kerberos.kdc_messages import KdcReq
from rpctrace.protocols.kerberos.messages import PrincipalName


def request(octets: bytes) -> Request:
    return parse_exchanged(octets)  # type: ignore[return-value]


def reply(octets: bytes) -> Reply:
    return parse_exchanged(octets)  # type: ignore[return-value]


def pairing() -> Pairing:
    return Pairing("kdc_tcp", {})


@pytest.mark.parametrize(("asked", "said", "kind", "outcome"), [
    (AS_REQ, AS_REP, "AS", KdcOutcome.ANSWERED),
    (AS_REQ, PREAUTH_REQUIRED, "AS", KdcOutcome.REJECTED),
    (TGS_REQ, TGS_REP, "TGS", KdcOutcome.ANSWERED),
    (TGS_REQ, REFERRAL, "TGS", KdcOutcome.ANSWERED),
    (TGS_REQ, UNKNOWN_SERVICE, "TGS", KdcOutcome.REJECTED),
    (KPASSWD_REQ, KPASSWD_REP, "KPASSWD", KdcOutcome.ANSWERED),
    (KPASSWD_REQ, KPASSWD_ERROR, "KPASSWD", KdcOutcome.REJECTED),
    (KPASSWD_REQ, UNKNOWN_SERVICE, "KPASSWD", KdcOutcome.REJECTED),
])  # fmt: skip
def test_a_request_and_its_reply(asked: bytes, said: bytes, kind: str, outcome: KdcOutcome) -> None:
    pairs = pairing()
    assert pairs.request(request(asked), CLIENT, at_frame(1)) == []
    expected = KdcExchange(
        kind, "kdc_tcp", request(asked), reply(said), at_frame(1), at_frame(2), (), outcome, 0, ()
    )
    assert pairs.reply(reply(said), SERVER, at_frame(2)) == expected
    assert pairs.open == []


@pytest.mark.parametrize(("said", "kind"), [(AS_REP, "AS"), (TGS_REP, "TGS"), (UNKNOWN_SERVICE, None)])
def test_a_reply_without_its_request(said: bytes, kind: str | None) -> None:
    told = pairing().reply(reply(said), CLIENT, at_frame(2))
    assert (told.kind, told.request, told.request_seen, told.client_direction) == (kind, None, None, SERVER)


def test_a_reply_goes_the_other_way_and_fits() -> None:
    """A request in the same direction, and one of another kind, are not answered."""
    pairs = pairing()
    pairs.request(request(AS_REQ), CLIENT, at_frame(1))
    assert pairs.reply(reply(AS_REP), CLIENT, at_frame(2)).request is None
    assert pairs.reply(reply(TGS_REP), SERVER, at_frame(3)).request is None
    assert pairs.reply(reply(KPASSWD_REP), SERVER, at_frame(4)).request is None
    assert len(pairs.open) == 1


def test_of_several_the_oldest_that_named_the_service() -> None:
    pairs = pairing()
    other = kerberos.tgs_req(kerberos.KdcRequest(REALM, kerberos.principal("cifs", "fs1"), TILL_NS), b"")
    for frame, asked in enumerate((other, TGS_REQ, TGS_REQ), 1):
        pairs.request(request(asked), CLIENT, at_frame(frame))
    seen = [pairs.reply(reply(said), SERVER, at_frame(9)).request_seen for said in (UNKNOWN_SERVICE, REFERRAL, TGS_REP)]
    assert seen == [at_frame(2), at_frame(1), at_frame(3)]


def test_the_only_one_that_fits_though_it_named_another() -> None:
    """Names may be made canonical: the reply is taken, and says so."""
    pairs = pairing()
    pairs.request(request(U2U_REQ), CLIENT, at_frame(1))
    told = pairs.reply(reply(TGS_REP), SERVER, at_frame(2))
    assert (told.request_seen, told.notes) == (at_frame(1), (OTHER_SERVICE,))


def test_a_request_whose_reply_a_gap_took_is_closed_by_the_next() -> None:
    pairs = pairing()
    pairs.request(request(AS_REQ), CLIENT, at_frame(1))
    pairs.open[0].reply_may_be_lost = True
    (lost,) = pairs.request(request(AS_REQ), CLIENT, at_frame(3))
    assert (lost.request_seen, lost.outcome, lost.notes) == (at_frame(1), KdcOutcome.NOT_CAPTURED, (REPLY_IN_A_GAP,))
    assert pairs.reply(reply(AS_REP), SERVER, at_frame(4)).request_seen == at_frame(3)


def test_bounds_give_out_what_they_drop() -> None:
    limits: dict[str, int] = {}
    pairs = Pairing("kdc_udp", limits)
    told = [each for frame in range(1, MAXIMUM_OPEN_REQUESTS + 3)
            for each in pairs.request(request(AS_REQ), CLIENT, at_frame(frame))]  # fmt: skip
    assert [(each.request_seen, each.notes) for each in told] == [(at_frame(n), (GIVEN_UP,)) for n in (1, 2)]
    assert len(pairs.open) == MAXIMUM_OPEN_REQUESTS
    for frame in range(MAXIMUM_COPIES + 5):
        pairs.copied(pairs.open[0], at_frame(frame))
    assert len(pairs.open[0].copies) == MAXIMUM_COPIES
    assert limits == {"open_requests": 2, "request_copies": 5}
    assert {each.notes for each in pairs.given_up()} == {(GIVEN_UP,)}


def test_copies_are_of_the_same_octets_and_direction() -> None:
    pairs = pairing()
    pairs.request(request(AS_REQ), CLIENT, at_frame(1), digest=b"d")
    assert pairs.copy_of(b"d", CLIENT) is pairs.open[0]
    assert pairs.copy_of(b"d", SERVER) is None
    assert pairs.copy_of(b"e", CLIENT) is None


def test_names_agree_as_windows_compares_them() -> None:
    asked = request(TGS_REQ)
    ticket = kerberos.ticket(REALM, kerberos.principal("HOST", "APP1.domainb.com"))
    assert names_agree(asked, reply(kerberos.tgs_rep(REALM, ALICE, ticket)))
    assert names_agree(asked, reply(REFERRAL))
    assert names_agree(asked, reply(PREAUTH_REQUIRED))  # krbtgt in an error about a referral
    by_its_short_name = kerberos.as_req(kerberos.KdcRequest("CHILD", kerberos.ticket_granting("CHILD"), TILL_NS))
    assert names_agree(request(by_its_short_name), reply(AS_REP))
    elsewhere = kerberos.krb_error(7, REALM, kerberos.principal("host", "dc1.domainb.com"), server_time_ns=0)
    assert not names_agree(asked, reply(elsewhere))
    assert not names_agree(request(AS_REQ), reply(elsewhere))
    nameless = kerberos.krb_error(37, REALM, kerberos.Principal((), 0), server_time_ns=0)
    assert names_agree(asked, reply(nameless))
    assert names_agree(request(KPASSWD_REQ), reply(UNKNOWN_SERVICE))


def test_the_realm_that_a_ticket_is_granted_for() -> None:
    assert granted_realm(PrincipalName(None, ("krbtgt", OTHER_REALM))) == OTHER_REALM
    for components in ((), ("krbtgt",), ("host", "dc1"), ("krbtgt", "A", "B")):
        assert granted_realm(PrincipalName(None, components)) is None
    assert granted_realm(None) is None


def test_outcomes() -> None:
    error = kerberos.krb_error(60, REALM, SERVICE, server_time_ns=0, data=kerberos.kpasswd_result(0))
    assert outcome_of(reply(kerberos.kpasswd(error))) is KdcOutcome.ANSWERED
    assert outcome_of(reply(KPASSWD_ERROR)) is KdcOutcome.REJECTED


@pytest.mark.parametrize("name", EVERY_MESSAGE)
def test_whatever_is_exchanged_is_read(name: str) -> None:
    value = parse_exchanged(EVERY_MESSAGE[name])
    assert value.complete
    assert kind_of(value) == {  # type: ignore[arg-type]
        "AS-REQ": "AS", "AS-REP": "AS", "preauth-required": None, "service-unknown": None, "kpasswd": "KPASSWD",
        "kpasswd-reply": "KPASSWD", "kpasswd-error": "KPASSWD",
    }.get(name, "TGS")  # fmt: skip
    with pytest.raises(ParseError):
        parse_exchanged(b"")


def test_a_request_for_nobody() -> None:
    """A name may be left out: then any reply of the kind agrees."""
    asked = request(kerberos.tgs_req(kerberos.KdcRequest(REALM, BOB, TILL_NS), b""))
    assert isinstance(asked, KdcReq)
    assert asked.preauthentication.tgs is not None
    assert asked.preauthentication.tgs.ticket is None


@pytest.mark.parametrize(("asked", "said", "expected"), [
    (AS_REQ, AS_REP, (REALM, "alice-a", f"krbtgt/{REALM}")),
    (TGS_REQ, REFERRAL, (REALM, "alice-a", "host/app1.domainb.com")),
    (TGS_REQ, UNKNOWN_SERVICE, (REALM, None, "host/app1.domainb.com")),
    (None, REFERRAL, (REALM, "alice-a", f"krbtgt/{OTHER_REALM}")),
    (None, UNKNOWN_SERVICE, (REALM, None, "host/app1.domainb.com")),
    (KPASSWD_REQ, KPASSWD_REP, (REALM, None, "kadmin/changepw")),
    (None, KPASSWD_ERROR, (REALM, None, "kadmin/changepw")),
    (None, KPASSWD_REP, (None, None, None)),
])  # fmt: skip
def test_who_asks_whom_for_what(asked: bytes | None, said: bytes, expected: tuple[str | None, ...]) -> None:
    pairs = pairing()
    if asked is not None:
        pairs.request(request(asked), CLIENT, at_frame(1))
    realm, cname, sname = names_of(pairs.reply(reply(said), SERVER, at_frame(2)))
    assert (realm, None if cname is None else str(cname), None if sname is None else str(sname)) == expected


def test_a_request_alone_names_what_it_asks_for() -> None:
    pairs = pairing()
    pairs.request(request(AS_REQ), CLIENT, at_frame(1))
    names = names_of(pairs.finished(pairs.open[0], KdcOutcome.UNANSWERED))
    assert (names.realm, str(names.cname)) == (REALM, "alice-a")
