"""Referral paths: from the client's realm to the service ticket, or to where it stopped, and what is not captured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from capture_views import unjoined
from incident_records import (
    KDC_B,
    REALM_A,
    REALM_B,
    REALM_C,
    ap_exchange,
    as_exchange,
    refused,
    report,
    tgs_exchange,
    tgt,
    ticket,
)
from shared_captures import SHARED, needs_shared

from rpctrace.correlation import paths, tickets
from rpctrace.correlation.registry import correlate
from rpctrace.report import Host, KerberosExchange, ReferralPath, Report

SERVICE = ticket(REALM_B, "host", "dc1.domainb.com", digest="s")
CIFS = ticket(REALM_B, "cifs", "dc1.domainb.com", digest="c")
OWN = tgt(REALM_A, digest="t")
TO_B = tgt(REALM_B, issued_by=REALM_A, digest="ab")
TO_C = tgt(REALM_C, issued_by=REALM_B, digest="bc")
LOGON = as_exchange("krb-1", 1, OWN)
# what Windows does: ask the own KDC for the service, and follow its referral
REFERRED = tgs_exchange("krb-2", 2, OWN, TO_B, sname=SERVICE.sname, referral_to=REALM_B)
# what MIT does: ask for the other realm's ticket by name
DIRECT = tgs_exchange("krb-2", 2, OWN, TO_B)
GRANTED = tgs_exchange("krb-3", 3, TO_B, SERVICE, server=Host(KDC_B, 88, None))


def joined(*records: KerberosExchange) -> Report:
    return paths.join(tickets.join(report(*records)))


def only(*records: KerberosExchange) -> ReferralPath:
    (path,) = joined(*records).referral_paths
    return path


@pytest.mark.parametrize("first", [REFERRED, DIRECT])
def test_a_path_through_two_realms(first: KerberosExchange) -> None:
    whole = joined(LOGON, first, GRANTED)
    assert whole.referral_paths == (
        ReferralPath(
            id="path-1",
            capture=0,
            client=first.client,
            cname=("alice-a",),
            crealm=REALM_A,
            sname=SERVICE.sname,
            realms=(REALM_A, REALM_B),
            exchanges=("krb-2", "krb-3"),
            as_exchange="krb-1",
            outcome="issued",
            error=None,
            error_name=None,
            from_cache=False,
            missing=(),
        ),
    )
    assert [(each.path, each.hop) for each in whole.kerberos] == [(None, None), ("path-1", 1), ("path-1", 2)]


def test_within_one_realm_there_is_one_hop() -> None:
    path = only(LOGON, tgs_exchange("krb-2", 2, OWN, replace(SERVICE, realm=REALM_A)))
    assert (path.realms, path.outcome, path.missing) == ((REALM_A,), "issued", ())


def test_three_realms_and_a_refusal() -> None:
    """The error is that of the last exchange."""
    onward = tgs_exchange("krb-3", 3, TO_B, TO_C, sname=SERVICE.sname, referral_to=REALM_C)
    stopped = tgs_exchange("krb-4", 4, TO_C, None, sname=SERVICE.sname, **refused())
    path = only(LOGON, REFERRED, onward, stopped)
    assert path.realms == (REALM_A, REALM_B, REALM_C)
    assert (path.outcome, path.error, path.error_name) == ("refused", 7, "KDC_ERR_S_PRINCIPAL_UNKNOWN")


def test_what_is_tried_again_after_an_error_is_a_path_of_its_own() -> None:
    """Both hold the hop on which they stand; its own path is the first."""
    first = tgs_exchange("krb-3", 3, TO_B, None, sname=SERVICE.sname, **refused())
    again = replace(GRANTED, id="krb-4")
    whole = joined(LOGON, DIRECT, first, again)
    assert [(path.exchanges, path.outcome) for path in whole.referral_paths] == [
        (("krb-2", "krb-3"), "refused"), (("krb-2", "krb-4"), "issued"),
    ]  # fmt: skip
    assert [(each.path, each.hop) for each in whole.kerberos[1:]] == [("path-1", 1), ("path-1", 2), ("path-2", 2)]


def test_a_ticket_for_another_realm_serves_several_services() -> None:
    whole = joined(LOGON, DIRECT, GRANTED, tgs_exchange("krb-4", 4, TO_B, CIFS))
    assert [path.sname for path in whole.referral_paths] == [SERVICE.sname, CIFS.sname]
    assert [path.realms for path in whole.referral_paths] == [(REALM_A, REALM_B)] * 2


def test_a_referral_after_which_nothing_followed_is_open() -> None:
    for last in (REFERRED, DIRECT):
        path = only(LOGON, last)
        assert (path.outcome, path.realms) == ("open", (REALM_A,))
        assert path.missing == ("an exchange with a KDC of DOMAINB.COM, for which krb-2 issued a ticket",)


def test_a_ticket_for_another_realm_that_a_server_was_shown_was_what_was_sought() -> None:
    """lab/b1-0x721/alter-crossrealm-tgt does that."""
    path = only(LOGON, DIRECT, ap_exchange("krb-3", 3, TO_B))
    assert (path.outcome, path.missing) == ("issued", ())


def test_silence_and_a_lost_answer() -> None:
    asked: dict[str, Any] = {"reply": None, "reply_frame": None, "reply_ns": None, "sname": SERVICE.sname}
    silent = tgs_exchange("krb-3", 3, TO_B, None, outcome="unanswered", **asked)
    assert only(LOGON, DIRECT, silent).outcome == "unanswered"
    lost = tgs_exchange("krb-3", 3, TO_B, None, outcome="not captured", **asked)
    path = only(LOGON, DIRECT, lost)
    assert (path.outcome, path.missing) == ("open", ("the answer of the KDC of DOMAINB.COM to krb-3",))


def test_tickets_from_the_cache_are_missing() -> None:
    """The client's own TGT; or the referral, and then it is not known who had asked for it."""
    path = only(REFERRED, GRANTED)
    assert (path.from_cache, path.as_exchange) == (True, None)
    assert path.missing == (
        "the AS exchange in which CHILD.DOMAINA.COM issued krbtgt/CHILD.DOMAINA.COM"
        " (its ticket was cached, or it was not captured)",
    )
    path = only(GRANTED)
    assert (path.from_cache, path.realms) == (True, (REALM_B,))
    assert path.missing == (
        "the TGS exchange in which CHILD.DOMAINA.COM issued krbtgt/DOMAINB.COM"
        " (its ticket was cached, or it was not captured)",
    )


def test_a_ticket_that_is_not_captured_whole_is_missing_and_not_called_cached() -> None:
    path = only(replace(GRANTED, presented=None))
    assert not path.from_cache
    assert path.missing == ("the ticket that krb-3 presented: it is not captured whole",)


def test_a_renewed_ticket_leads_back_to_the_logon() -> None:
    """A ticket of the own realm from a TGS exchange is no hop; its own path is issued."""
    renewed = replace(OWN, fingerprint="r")
    renewal = tgs_exchange("krb-2", 2, OWN, renewed)
    first, second = joined(LOGON, renewal, tgs_exchange("krb-3", 3, renewed, SERVICE)).referral_paths
    assert (first.exchanges, first.outcome, first.as_exchange) == (("krb-2",), "issued", "krb-1")
    assert (second.exchanges, second.as_exchange, second.from_cache) == (("krb-3",), "krb-1", False)
    (_, second) = joined(renewal, tgs_exchange("krb-3", 3, renewed, SERVICE)).referral_paths
    assert (second.as_exchange, second.from_cache) == (None, False)
    assert second.missing[0].startswith("the AS exchange behind the ticket that krb-2 presented")


def test_a_name_that_fast_hides_is_told_by_the_logon() -> None:
    hidden: dict[str, Any] = {"cname": ("WELLKNOWN", "ANONYMOUS"), "crealm": "WELLKNOWN:ANONYMOUS"}
    hops = [replace(each, **hidden) for each in (REFERRED, GRANTED)]
    assert (only(LOGON, *hops).cname, only(LOGON, *hops).crealm) == (("alice-a",), REALM_A)
    assert only(*hops).cname == ("WELLKNOWN", "ANONYMOUS")


def test_too_big_for_udp_is_a_step_of_the_request_that_followed() -> None:
    """Alone it is what the client was told last."""
    udp = tgs_exchange("krb-2", 2, OWN, None, sname=SERVICE.sname, carried_in="kdc_udp", **refused(52, "TOO_BIG"))
    tcp = tgs_exchange("krb-3", 2.1, OWN, SERVICE, realm=REALM_A)
    whole = joined(LOGON, replace(udp, realm=REALM_A), tcp)
    assert [path.exchanges for path in whole.referral_paths] == [("krb-3",)]
    assert whole.kerberos[1].path is None
    assert only(LOGON, udp).outcome == "refused"


def test_a_ticket_presented_without_any_exchange_has_no_path() -> None:
    assert joined(ap_exchange("krb-1", 1, SERVICE), LOGON).referral_paths == ()


def test_a_made_up_chain_is_cut() -> None:
    """A hundred realms, or a circle: every path has at most the last hops, and says so."""
    hops = [as_exchange("krb-0", 0, tgt("R0", digest="0"))]
    for number in range(100):
        realm, following = f"R{number}", f"R{number + 1}"
        before = tgt(realm, f"R{max(0, number - 1)}", digest=str(number))
        hops.append(tgs_exchange(f"krb-{number + 1}", number, before, tgt(following, realm, digest=str(number + 1))))
    path = only(*hops)
    assert len(path.exchanges) == paths.LONGEST_PATH_HOPS
    assert path.missing[0] == "the hops before the last 20"
    assert not path.from_cache
    there, back = tgt("B", "A", digest="1"), tgt("A", "B", digest="2")
    circle = [tgs_exchange("krb-1", 1, back, there), tgs_exchange("krb-2", 2, there, back)]
    assert joined(*circle, tgs_exchange("krb-3", 3, there, SERVICE)).referral_paths[-1].realms[-1] == REALM_B


LAB = SHARED / "lab"


@needs_shared
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a-clean/xforest-kinit-kvno", [("host/dc1.domainb.com", 2, "issued"), ("cifs/dc1.domainb.com", 2, "issued")]),
        ("a-clean/xforest-rpcclient-tcp-sign", [("host/dc1.domainb.com", 2, "issued")]),
        ("d-kerberos/canon-referral.udp.ipv6", [("host/dc1.domainb.com", 2, "issued")]),
        ("d-kerberos/xrealm-server-unknown.tcp", [("host/nosuchhost.domainb.com", 2, "refused")] * 2),
        (
            "d-kerberos/unknown-realm.tcp",
            [("krbtgt/EXAMPLE.ORG", 1, "refused"), *[("host/www.example.org", 1, "refused")] * 2],
        ),
        ("d-kerberos/rc4-only", [("krbtgt/DOMAINB.COM", 1, "refused")]),
        ("e-misconfig/misconfig-smbclient", [("cifs/app1.domainb.com", 2, "issued")]),
    ],
)
def test_lab_captures(name: str, expected: list[tuple[str, int, str]]) -> None:
    """Every path of a lab capture begins with the client's logon in CHILD.DOMAINA.COM."""
    told = correlate(unjoined(LAB / f"{name}.pcap")).referral_paths
    assert [("/".join(path.sname), len(path.realms), path.outcome) for path in told] == expected
    for path in told:
        assert path.realms == ("CHILD.DOMAINA.COM", "DOMAINB.COM")[: len(path.realms)]
        assert (path.cname, path.as_exchange is None, path.missing) == (("alice-a",), False, ())
