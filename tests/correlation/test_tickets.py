"""Who issued a ticket: proof by digest, likelihood by names; never a ticket that was issued later or to another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from capture_views import unjoined
from incident_records import (
    REALM_A,
    REALM_B,
    ap_exchange,
    as_exchange,
    call,
    ntlm_authentication,
    report,
    shown,
    tgs_exchange,
    tgt,
    ticket,
)
from shared_captures import SHARED, captures_in, name_of, needs_shared

from rpctrace.correlation import tickets
from rpctrace.report import Clock, Host, Report, TicketName

SERVICE = ticket(REALM_B, "host", "dc1.domainb.com", digest="aa")
CUT = replace(SERVICE, fingerprint=None)
CLIENT_TGT = tgt(REALM_A, digest="bb")


def issuer(joined: Report) -> tuple[str | None, str | None]:
    """Of the first call's ticket."""
    shown_ticket = joined.calls[0].ticket
    assert shown_ticket is not None
    return shown_ticket.exchange, shown_ticket.exchange_by


def presented(name: TicketName, second: float = 5, **changes: Any) -> Any:
    return call("call-1", second, ticket=shown(name, round(second * 100) + 1), **changes)


def test_every_holder_of_a_ticket_names_its_issuer() -> None:
    """The fault's ticket, an SMB session's, an AP exchange's; and the TGT of the TGS exchange the AS exchange."""
    joined = tickets.join(
        report(
            as_exchange("krb-1", 1, CLIENT_TGT),
            tgs_exchange("krb-2", 2, CLIENT_TGT, SERVICE),
            ap_exchange("krb-3", 5, SERVICE),
            presented(SERVICE),
            ntlm_authentication("auth-1", 6, mechanism="kerberos", ticket=shown(SERVICE, 601)),
        )
    )
    assert issuer(joined) == ("krb-2", "fingerprint")
    assert joined.authentications[0].ticket == replace(
        shown(SERVICE, 601), exchange="krb-2", exchange_by="fingerprint"
    )
    assert [(each.presented_from, each.presented_by) for each in joined.kerberos] == [
        (None, None), ("krb-1", "fingerprint"), ("krb-2", "fingerprint"),
    ]  # fmt: skip


def test_equal_digests_need_neither_order_nor_names_nor_clocks() -> None:
    """Impacket rewrites the name of a ticket; another capture's clock may say anything."""
    renamed = replace(SERVICE, sname=("CIFS", "DC1.DOMAINB.COM"))
    issued = tgs_exchange("krb-9", 100, CLIENT_TGT, SERVICE, capture=1)
    assert issuer(tickets.join(report(presented(renamed), issued, captures=2))) == ("krb-9", "fingerprint")


def test_an_exchange_that_two_captures_hold_apart_is_each_capture_s_own() -> None:
    """NAT between them: other addresses, so nothing is merged; either chain stays whole."""
    inside = [tgs_exchange(f"krb-{capture}", 1, CLIENT_TGT, SERVICE, capture=capture) for capture in (0, 1)]
    outside = presented(SERVICE, capture=1, client=Host("192.0.2.1", 1024, None))
    assert issuer(tickets.join(report(outside, *inside, captures=2))) == ("krb-1", "fingerprint")


def test_without_a_digest_the_last_one_issued_before_counts() -> None:
    """Names without case; the one after the fault is another ticket."""
    issued = [tgs_exchange(f"krb-{second}", second, CLIENT_TGT, CUT) for second in (1, 3, 7)]
    other_case = replace(CUT, realm=REALM_B.lower(), sname=("HOST", "DC1.domainb.com"))
    assert issuer(tickets.join(report(presented(other_case), *issued))) == ("krb-3", "names")
    assert issuer(tickets.join(report(presented(SERVICE), *issued))) == ("krb-3", "names")


@pytest.mark.parametrize(
    "issued",
    [
        replace(CUT, kvno=2),
        replace(CUT, etype=23),
        replace(CUT, realm=REALM_A),
        replace(CUT, sname=("host", "dc2.domainb.com")),
        replace(CUT, realm=None),
    ],
)
def test_names_that_differ_are_no_join(issued: TicketName) -> None:
    assert issuer(tickets.join(report(presented(CUT), tgs_exchange("krb-1", 1, None, issued)))) == (None, None)


def test_what_a_cut_left_out_does_not_differ() -> None:
    """An etype or kvno behind the cut is no contradiction."""
    for issued in (replace(CUT, kvno=None), replace(CUT, etype=None, kvno=None)):
        joined = tickets.join(report(presented(SERVICE), tgs_exchange("krb-1", 1, None, issued)))
        assert issuer(joined) == ("krb-1", "names")


def test_two_digests_are_two_tickets_and_another_client_has_its_own() -> None:
    elsewhere = Host("10.77.0.99", 40000, None)
    whole = tgs_exchange("krb-1", 1, None, replace(SERVICE, fingerprint="cc"))
    assert issuer(tickets.join(report(presented(SERVICE), whole))) == (None, None)
    others = tgs_exchange("krb-1", 1, None, CUT, client=elsewhere)
    assert issuer(tickets.join(report(presented(CUT), others))) == (None, None)


def test_a_client_known_by_two_addresses_is_one() -> None:
    """An exact join says that fd77::50 is the client; the cut ticket that it presents follows from that."""
    six = Host("fd77::50", 50000, None)
    cifs = ticket(REALM_B, "cifs", "dc1.domainb.com", digest="dd")
    joined = tickets.join(
        report(
            tgs_exchange("krb-1", 1, None, cifs),
            ap_exchange("krb-2", 2, cifs, client=six),
            tgs_exchange("krb-3", 3, None, CUT),
            presented(CUT, client=six),
        )
    )
    assert issuer(joined) == ("krb-3", "names")


def test_a_forwarded_tgt_is_not_what_its_client_presents() -> None:
    own = replace(CLIENT_TGT, fingerprint=None)
    joined = tickets.join(
        report(
            as_exchange("krb-1", 1, own),
            tgs_exchange("krb-2", 2, own, own, options=("forwardable", "forwarded")),
            tgs_exchange("krb-3", 3, own, CUT),
        )
    )
    assert joined.kerberos[2].presented_from == "krb-1"


def test_captures_without_a_common_clock_are_not_joined_by_names() -> None:
    """By the common one, 5 s are 8 s, and the ticket of 6 s is the latest."""
    issued = [tgs_exchange(f"krb-{second}", second, None, CUT) for second in (1, 6)]
    apart = report(presented(CUT, capture=1), *issued, captures=2)
    assert issuer(tickets.join(apart)) == (None, None)
    together = replace(apart, clocks=(Clock(1, 0, 3_000_000_000, 0, 4),))
    assert issuer(tickets.join(together)) == ("krb-6", "names")


def test_equal_tickets_stay_one_value_and_others_as_they_were() -> None:
    """Thousands of calls share the ticket of their context."""
    one = shown(SERVICE, 501)
    joined = tickets.join(
        report(
            call("call-1", 5, ticket=one),
            call("call-2", 6, ticket=one),
            call("call-3", 7),
            tgs_exchange("krb-1", 1, None, SERVICE),
        )
    )
    assert joined.calls[0].ticket is joined.calls[1].ticket
    assert joined.calls[0].ticket == replace(one, exchange="krb-1", exchange_by="fingerprint")


# Without those in which nothing is asked of a KDC.
KERBEROS_CAPTURES = [
    path
    for path in captures_in(SHARED / "lab")
    if path.parent.name in ("a-clean", "b1-0x721") and not path.stem.startswith("alter-clock-skew")
]


@needs_shared
@pytest.mark.parametrize("path", KERBEROS_CAPTURES, ids=name_of)
def test_every_ticket_presented_in_the_lab_was_issued_there(path: Any) -> None:
    """By digest, but for the ticket that was damaged on the way and those of captures without an exchange."""
    joined = tickets.join(unjoined(path))
    assert any(each.carried_in.startswith("kdc") for each in joined.kerberos)
    left = [each for each in joined.kerberos if each.presented is not None and each.presented_from is None]
    assert len(left) == (1 if path.stem == "alter-corrupt-ticket" else 0)
    assert {each.presented_by for each in joined.kerberos if each.presented_from} == {"fingerprint"}


@needs_shared
def test_the_refused_ticket_of_the_user_to_user_captures() -> None:
    """The fault's ticket leads to the exchange that issued it, in frames 54 and 58."""
    joined = tickets.join(unjoined(SHARED / "u2u" / "u2u-fault-721-cross-forest.pcap"))
    (fault,) = [each for each in joined.calls if each.status == 0x721]
    assert fault.ticket is not None
    (issued,) = [each for each in joined.kerberos if each.id == fault.ticket.exchange]
    assert (issued.request_frame, issued.reply_frame, issued.user_to_user) == (54, 58, True)
