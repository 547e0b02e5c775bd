"""Proves: a host is called by the best name that the report has, and has the parts that it plays."""

from __future__ import annotations

from dataclasses import replace

from report_values import TICKET, article_report, full_report, refused_call
from story_values import CHANNEL, incident, logon

from rpctrace.knowledge.tables import ENDPOINT_MAPPER_UUID
from rpctrace.render.hosts import HostBook
from rpctrace.report import Host


def test_the_article_s_hosts() -> None:
    book = HostBook(incident())
    assert book.words("10.2.0.21", "10.2.0.21", "10.2.0.73").roles == ("client, expert",)
    assert book.words("10.1.0.10").roles == ("KDC of CHILD.DOMAINA.COM",)
    assert book.words("10.2.0.10").roles == ("KDC of DOMAINB.COM", "domain controller", "endpoint mapper")
    server = book.words("10.2.0.73", "10.2.0.21", "10.2.0.73")
    assert (server.title, server.address, server.roles) == ("resource-win73.domainb.com", "10.2.0.73", ("server",))
    assert "the ticket for RPCSS/resource-win73.domainb.com" in server.named_by
    assert book.whole_title("10.2.0.73") == "resource-win73.domainb.com (10.2.0.73)"


def test_a_resolved_name_goes_before_that_of_a_ticket() -> None:
    call = refused_call(server=Host("10.3.0.33", 135, "novice"), ticket=replace(TICKET, sname=("host", "other")))
    assert HostBook(article_report(calls=(call,))).title("10.3.0.33") == "novice"


def test_a_user_s_ticket_names_no_host() -> None:
    assert HostBook(article_report()).title("10.3.0.33") == "10.3.0.33"


def test_a_ticket_that_was_refused_names_no_host() -> None:
    """The lab's misconfig-smbclient: a ticket for app1, which dc1 could not read; the same ticket taken does name."""
    ticket = replace(TICKET, sname=("cifs", "app1"))
    for outcome, title in (("faulted", "10.3.0.33"), ("accepted", "app1")):
        call = refused_call(ticket=ticket, outcome=outcome)
        assert ticket.frame in call.request_frames
        assert HostBook(article_report(calls=(call,))).title("10.3.0.33") == title


def test_a_computer_is_named_by_its_secure_channel() -> None:
    call = logon(secure_channel=replace(CHANNEL, computer="RESOURCE-WIN73"))
    book = HostBook(article_report(calls=(call,)))
    assert book.title("10.3.0.33") == "RESOURCE-WIN73"
    assert book.words("10.3.0.10").roles == ("domain controller",)


def test_an_endpoint_mapper_is_known_by_its_interface() -> None:
    interface = replace(refused_call().interfaces[0], uuid=ENDPOINT_MAPPER_UUID)
    book = HostBook(article_report(calls=(refused_call(interfaces=(interface,)),)))
    assert book.words("10.3.0.33").roles == ("endpoint mapper",)
    assert book.words("10.3.0.33", server="10.3.0.33").roles == ("server",)


def test_what_has_no_room_over_a_lane_is_counted() -> None:
    """A terminal server has many users; one whose name is hidden is none of them."""
    exchange = full_report().kerberos[0]
    names = [("alice",), ("bob",), ("WELLKNOWN", "ANONYMOUS"), ("carol",), ("dave",)]
    book = HostBook(replace(full_report(), kerberos=tuple(replace(exchange, cname=name) for name in names)))
    address = exchange.client.address
    assert book.words(address, client=address).roles == ("client, alice, bob and 2 more",)


def test_a_realm_is_named_once_whatever_its_case() -> None:
    exchange = full_report().kerberos[0]
    report = replace(full_report(), kerberos=(exchange, replace(exchange, realm="CHILD.DOMAINA.COM")))
    assert HostBook(report).kdc_realms("10.2.0.10") == ("child.domainA.COM",)
