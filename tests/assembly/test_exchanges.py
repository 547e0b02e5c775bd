"""Kerberos exchanges inside calls and authentications elsewhere, as the report shows them."""

from __future__ import annotations

from calls_of_the_article import observed

from rpctrace.assembly import exchanges
from rpctrace.assembly.calls import Assembler
from rpctrace.conversations.observations import ObservedAuthentication
from rpctrace.network.flow import Endpoint
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.gssapi.exchange import AuthenticationExchange, NtlmNames, PresentedTicket
from rpctrace.protocols.kerberos.messages import ApOptions
from rpctrace.stream.stream import Connection

CONNECTION = Connection(3, Endpoint("10.0.0.1", 50001), Endpoint("10.0.0.2", 445), False)
TICKET = PresentedTicket("DOMAINB.COM", ("cifs", "dc1"), 2, 18, 18, 1, ApOptions.MUTUAL_REQUIRED, "session_setup", 20)


def authentication(ticket: PresentedTicket | None, outcome: bool | None, status: int | None) -> ObservedAuthentication:
    tokens = ("AP-REQ",) if ticket else ("NEGOTIATE", "CHALLENGE", "AUTHENTICATE")
    exchange = AuthenticationExchange(
        "smb", "kerberos" if ticket else "ntlm", tokens, ticket,
        None if ticket else NtlmNames("DOMAINB", "novice", "WS1", "DOMAINB"), None, None, status, outcome, None,
        Provenance((20,), 1_000, 0), Provenance((21,), 3_000, 0), (),
    )  # fmt: skip
    return ObservedAuthentication(CONNECTION, exchange)


def test_a_session_setup_is_an_entry_and_its_ap_req_an_exchange() -> None:
    """carried_in smb, the ticket, and the NTSTATUS with its name."""
    assembler = Assembler(1, {})
    observed = authentication(TICKET, False, 0xC000006D)
    entry = exchanges.authentication(assembler, observed)
    assert (entry.capture, entry.carried_in, entry.outcome) == (1, "smb", "rejected")
    assert (entry.status_hex, entry.status_name) == ("0xc000006d", "STATUS_LOGON_FAILURE")
    assert entry.ticket is not None
    assert (entry.ticket.sname, entry.ticket.presented_in) == (("cifs", "dc1"), "session_setup")
    exchange = exchanges.of_authentication(assembler, observed)
    assert exchange is not None
    assert (exchange.kind, exchange.carried_in, exchange.call) == ("AP", "smb", None)
    assert (exchange.request_frame, exchange.reply_frame, exchange.outcome) == (20, None, "rejected")
    assert exchange.notes == ("refused: STATUS_LOGON_FAILURE in frame 21",)


def test_ntlm_gives_no_kerberos_exchange() -> None:
    """Its names are told, nothing is made up."""
    observed = authentication(None, None, None)
    assert exchanges.of_authentication(Assembler(0, {}), observed) is None
    entry = exchanges.authentication(Assembler(0, {}), observed)
    assert entry.ntlm is not None
    assert (entry.ntlm.user, entry.outcome, entry.status_name) == ("novice", "not captured", None)


def test_entries_are_numbered_in_the_order_of_their_frames() -> None:
    """Behind those of the captures before."""
    assembler = Assembler(0, {})
    late, early = (
        exchanges.of_authentication(assembler, authentication(TICKET, None, None)),
        exchanges.of_call(assembler, assembler.call("call-1", observed()[0]), observed()[0]),
    )
    assert late is not None
    assert early is not None
    assert [(each.id, each.carried_in) for each in exchanges.numbered([late, early], 4)] == [
        ("krb-5", "dcerpc"), ("krb-6", "smb"),
    ]  # fmt: skip


def test_the_kerberos_exchange_that_a_call_carried() -> None:
    """AP-REQ and the KRB-ERROR that answered it, with its NTSTATUS; a fault alone is no Kerberos answer."""
    assembler = Assembler(0, {})
    faulted, skewed = observed()
    first = exchanges.of_call(assembler, assembler.call("call-1", faulted), faulted)
    assert first is not None
    assert (first.kind, first.reply, first.error, first.user_to_user) == ("AP", None, None, True)
    second = exchanges.of_call(assembler, assembler.call("call-2", skewed), skewed)
    assert second is not None
    assert (second.reply, second.error, second.error_name, second.ntstatus_hex) == (
        "KRB-ERROR", 37, "KRB_AP_ERR_SKEW", "0xc0000133",
    )  # fmt: skip
    assert (second.call, second.carried_in, second.e_text) == ("call-2", "dcerpc", "clock skew")
