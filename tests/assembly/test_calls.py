"""Numbers get their names: the article's call as the report shows it."""

from __future__ import annotations

from builders import dcerpc as write
from calls_of_the_article import FACTS, observed
from dcerpc_talk import CONTEXT, Talk, head
from incident_records import report

from rpctrace.assembly.calls import Assembler
from rpctrace.conversations.observations import ConversationFacts, ObservedCall
from rpctrace.diagnosis.registry import diagnose


def test_the_refused_alter_context() -> None:
    """Interface, status in all spellings, auth, ticket, extended error, hosts with the names of the capture."""
    call = Assembler(0, {"10.0.0.2": "ws2.domainb.com"}).call("call-1", observed()[0])
    assert (call.kind, call.outcome, call.status, call.status_hex, call.status_name) == (
        "alter_context", "faulted", 1825, "0x00000721", "RPC_S_SEC_PKG_ERROR",
    )  # fmt: skip
    assert [(i.uuid, i.version, i.name, i.transfer_syntax_name) for i in call.interfaces] == [
        ("00000001-0000-0000-c000-000000000046", "0.0", "IClassFactory", "NDR")
    ]
    assert (call.client.address, call.server.name) == ("10.0.0.1", "ws2.domainb.com")
    assert call.auth is not None
    assert (call.auth.mechanism, call.auth.level_name, call.auth.token) == (
        "kerberos", "RPC_C_AUTHN_LEVEL_PKT_PRIVACY", "AP-REQ",
    )  # fmt: skip
    assert call.ticket is not None
    assert call.ticket.ap_options == ("use-session-key", "mutual-required")
    assert (call.ticket.user_to_user, call.ticket.etype_name) == (True, "aes256-cts-hmac-sha1-96")
    assert call.extended_error is not None
    (record,) = call.extended_error
    assert (record.computer, record.status_name, record.location) == ("WS2", "RPC_S_SEC_PKG_ERROR", 130)
    assert record.location_name
    assert call.opnum is None
    assert call.presentation_context_id is None


def test_granted_features_have_names() -> None:
    """negotiate_ack of bind time feature negotiation: the bits in reason; a rejection's reason by its own table."""
    talk = Talk()
    features = write.Context(1, write.ICLASSFACTORY, (write.bind_time_features(),))
    offers = [CONTEXT, features, write.Context(2, write.LSARPC)]
    talk.client(write.bind(offers, head(1)))
    talk.server(write.bind_ack([write.Result(), write.FEATURES_ACCEPTED, write.REJECTED_SYNTAX], head(1)))
    call = Assembler(0, {}).call("call-1", ObservedCall(FACTS, talk.end()[0]))
    assert [(each.result_name, each.reason_name) for each in call.interfaces] == [
        ("acceptance", None),
        ("negotiate_ack", "SecurityContextMultiplexingSupported | KeepConnectionOnOrphanSupported"),
        ("provider_rejection", "abstract_syntax_not_supported"),
    ]


def test_a_call_of_a_contested_connection_says_so() -> None:
    """Two differing copies of octets: a note, and evidence against the finding."""
    contested = ConversationFacts(FACTS.connection, 1, 9, 1, 9, False, conflicts=1)
    call = Assembler(0, {}).call("call-1", ObservedCall(contested, observed()[0].call))
    assert any(note.startswith("contested") for note in call.notes)
    finding, *_ = diagnose(report(call))
    assert any(not item.supports and "differing copies" in item.text for item in finding.evidence)


def test_equal_values_of_many_calls_are_one_value() -> None:
    """A report of thousands of calls holds each host, interface and security context once."""
    assembler = Assembler(0, {})
    (first, _), (second, _) = observed(), observed()
    one, other = assembler.call("call-1", first), assembler.call("call-2", second)
    assert one.client is other.client
    assert one.connection is other.connection
    assert one.interfaces is other.interfaces
    assert one.interfaces
    assert one.auth is other.auth is not None
    assert one.ticket is other.ticket is not None
