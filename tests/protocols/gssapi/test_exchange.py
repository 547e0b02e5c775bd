"""The clear text of an AP-REQ as it was presented."""

from __future__ import annotations

from rpctrace.protocols.gssapi.exchange import presented_ticket
from rpctrace.protocols.kerberos.messages import ApOptions, ApReq, NameType, PrincipalName, Ticket


def test_a_ticket_keeps_its_names_and_where_it_was_presented() -> None:
    ticket = Ticket("DOMAINB.COM", PrincipalName(NameType.SRV_INST, ("cifs", "dc1")), 18, 2, 900)
    presented = presented_ticket(ApReq(ApOptions.MUTUAL_REQUIRED, ticket, 17, 80, problem=None), "session_setup", 9)
    assert (presented.realm, presented.sname, presented.name_type) == ("DOMAINB.COM", ("cifs", "dc1"), 2)
    assert (presented.etype, presented.authenticator_etype, presented.kvno) == (18, 17, 2)
    assert (presented.presented_in, presented.frame) == ("session_setup", 9)


def test_what_a_cut_took_stays_unknown() -> None:
    presented = presented_ticket(ApReq(None, None, None, None, problem=None), "bind", 1)
    assert presented.realm is None
    assert presented.sname == ()
    assert presented.options is None
