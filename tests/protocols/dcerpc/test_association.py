"""Pairing: by connection, direction, call id, kind and order, as Windows and Samba really use call ids."""

from __future__ import annotations

import random

import pytest
from builders import dcerpc as write
from builders import kerberos, ntlm, spnego
from dcerpc_talk import CLIENT, CONTEXT, ICLASSFACTORY, SERVER, Talk, head

from rpctrace.errors import ParseError
from rpctrace.protocols.dcerpc import association
from rpctrace.protocols.dcerpc.association import MAXIMUM_OPEN_CALLS, MAYBE, PATIENCE_NS, Association
from rpctrace.protocols.dcerpc.call import Call, CallKind, Outcome, ReplyKind
from rpctrace.protocols.dcerpc.parse import parse_pdu
from rpctrace.protocols.dissector import Provenance

NOVICE = kerberos.ticket("child.domainA.COM", kerberos.principal("novice"))
U2U = kerberos.ap_req(NOVICE, ap_options=kerberos.USE_SESSION_KEY | kerberos.MUTUAL_REQUIRED)
HOST = kerberos.ap_req(kerberos.ticket("DOMAINB.COM", kerberos.principal("host", "dc1.domainb.com"), kvno=1))
ACCEPTED = [write.Result()]


def shown(call: Call) -> tuple[object, ...]:
    """Kind, request frames, reply frames, reply, outcome."""
    return (
        call.kind.value,
        call.request.frames if call.request else (),
        call.reply.frames if call.reply else (),
        call.reply_kind and call.reply_kind.value,
        call.outcome.value,
    )


def test_the_article_an_alter_context_with_a_user_to_user_ticket_is_answered_by_a_fault() -> None:
    """bind(TGT-REQ), bind_ack(TGT-REP), alter_context(AP-REQ) -> fault 0x721, all of call id 2."""
    talk = Talk()
    tgt = kerberos.ticket("CHILD.DOMAINA.COM", kerberos.ticket_granting("CHILD.DOMAINA.COM"))
    ask = spnego.neg_token_init(mech_token=kerberos.gss_tgt_request(kerberos.principal("novice")))
    talk.client(write.bind([CONTEXT], head(token=ask)))
    give = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, kerberos.KRB5_USER_TO_USER, kerberos.gss_tgt_reply(tgt))
    talk.server(write.bind_ack(ACCEPTED, head(token=give)))
    talk.client(write.alter_context([CONTEXT], head(token=spnego.neg_token_resp(response_token=U2U))))
    talk.server(write.fault(0x721, head()))
    bind, alter = talk.end()
    assert shown(bind) == ("bind", (1,), (2,), "bind_ack", "accepted")
    assert bind.ticket is None  # the TGT in the server's answer is no ticket that was presented
    assert bind.authentication is not None
    assert (bind.authentication.token, bind.authentication.reply_token) == ("TGT-REQ", "TGT-REP")
    assert shown(alter) == ("alter_context", (3,), (4,), "fault", "faulted")
    assert alter.fault is not None
    assert alter.fault.status == 0x721
    assert alter.ticket is not None
    assert (alter.ticket.realm, alter.ticket.sname) == ("child.domainA.COM", ("novice",))
    assert (alter.ticket.presented_in, alter.ticket.frame) == (CallKind.ALTER_CONTEXT, 3)
    assert alter.contexts[0].abstract_syntax.uuid == ICLASSFACTORY


def test_one_call_id_for_bind_alter_context_auth3_and_request() -> None:
    """Windows' first call: each answer completes the open call of its own kind, in order."""
    talk = Talk()
    talk.client(write.bind([CONTEXT], head(token=HOST, auth_type=16)))
    talk.server(write.bind_ack(ACCEPTED, head(token=kerberos.ap_rep(), auth_type=16)))
    talk.client(write.alter_context([CONTEXT], head(token=kerberos.ap_rep(), auth_type=16)))
    talk.server(write.alter_context_resp(ACCEPTED, head()))
    talk.client(write.auth3(head(token=kerberos.ap_rep(), auth_type=16)))
    talk.client(write.request(b"", head(token=bytes(28), auth_type=16), opnum=3))
    talk.server(write.response(b"", head()))
    assert [shown(call) for call in talk.end()] == [
        ("bind", (1,), (2,), "bind_ack", "accepted"),
        ("alter_context", (3,), (4,), "alter_context_resp", "accepted"),
        ("auth3", (5,), (), None, "accepted"),
        ("request", (6,), (7,), "response", "answered"),
    ]
    request = talk.end()[-1]
    assert request.ticket is not None
    assert request.ticket.presented_in == "bind"  # a later leg belongs to the ticket of its context
    assert request.authentication is not None
    assert request.authentication.token is None  # a signature is no token


def test_a_refused_auth3_shows_on_the_next_request() -> None:
    """NTLM: the fault stands on the request; of the auth3 the capture cannot tell more."""
    talk = Talk()
    talk.client(write.bind([CONTEXT], head(token=ntlm.negotiate(), auth_type=10)))
    talk.server(write.bind_ack(ACCEPTED, head(token=ntlm.challenge("DOMAINB"), auth_type=10)))
    talk.client(write.auth3(head(token=ntlm.authenticate("DOMAINB", "alice", "WS1"), auth_type=10)))
    talk.client(write.request(b"", head(token=bytes(16), auth_type=10)))
    talk.server(write.fault(5, head()))
    _bind, auth3, request = talk.end()
    assert shown(auth3) == ("auth3", (3,), (), None, "not captured")
    assert shown(request) == ("request", (4,), (5,), "fault", "faulted")
    assert request.ticket is None
    assert request.authentication is not None
    assert request.authentication.mechanism == "ntlm"
    assert request.authentication.ntlm is not None
    assert (request.authentication.ntlm.user, request.authentication.ntlm.target) == ("alice", "DOMAINB")


def test_a_fault_with_an_auth3_alone_open_belongs_to_it() -> None:
    """A protocol-level refusal of auth3 is answered with its call id."""
    talk = Talk()
    talk.client(write.auth3(head(7, token=ntlm.authenticate("D", "u", "w"), auth_type=10)))
    talk.server(write.fault(0x1C00001B, head(7)))
    (auth3,) = talk.end()
    assert shown(auth3) == ("auth3", (1,), (2,), "fault", "faulted")


def test_two_security_contexts_keep_their_tickets_apart() -> None:
    """The second context's ticket is refused; the first one's calls keep theirs; without a trailer it is not known."""
    talk = Talk()
    talk.client(write.bind([CONTEXT], head(1, token=HOST, auth_type=16, context_id=1)))
    talk.server(write.bind_ack(ACCEPTED, head(1, token=kerberos.ap_rep(), auth_type=16, context_id=1)))
    talk.client(write.alter_context([CONTEXT], head(2, token=U2U, auth_type=16, context_id=9)))
    talk.server(write.fault(0x721, head(2)))
    talk.client(write.request(b"", head(3, token=bytes(28), auth_type=16, context_id=1)))
    talk.server(write.response(b"", head(3)))
    talk.client(write.request(b"", head(4)))
    talk.server(write.response(b"", head(4)))
    _bind, alter, signed, bare = talk.end()
    assert alter.ticket is not None
    assert alter.ticket.sname == ("novice",)
    assert signed.ticket is not None
    assert signed.ticket.sname == ("host", "dc1.domainb.com")
    assert bare.ticket is None
    assert bare.authentication is None
    assert any("several security contexts" in note for note in bare.notes)


def test_a_krb_error_in_an_ack_rejects() -> None:
    """Clock skew: no fault, but KRB-ERROR 37 inside alter_context_resp."""
    talk = Talk()
    error = kerberos.krb_error(37, "DOMAINB.COM", kerberos.principal("host", "dc1"), server_time_ns=10**18)
    framed = kerberos.gss_frame(kerberos.TOKEN_ERROR, error)
    talk.client(write.alter_context([CONTEXT], head(token=HOST, auth_type=16)))
    talk.server(write.alter_context_resp(ACCEPTED, head(token=framed, auth_type=16)))
    (alter,) = talk.end()
    assert alter.outcome is Outcome.REJECTED
    assert alter.authentication is not None
    assert alter.authentication.kerberos_error is not None
    assert alter.authentication.kerberos_error.error_code == 37


def test_rejected_contexts_are_not_used() -> None:
    """An ack that accepts nothing rejects the bind; a request on such a context has no interface and says why."""
    talk = Talk()
    talk.client(write.bind([CONTEXT], head(1)))
    talk.server(write.bind_ack([write.REJECTED_SYNTAX], head(1)))
    talk.client(write.request(b"", head(2)))
    talk.server(write.fault(0x1C010003, head(2)))
    bind, request = talk.end()
    assert bind.outcome is Outcome.REJECTED
    assert (bind.contexts[0].result, bind.contexts[0].reason) == (2, 1)
    assert request.contexts == ()
    assert any("was not accepted" in note for note in request.notes)


def test_a_refused_alter_context_leaves_the_accepted_context_as_it_was() -> None:
    """The same context id offered for another interface and faulted: requests still go to the first."""
    talk = Talk()
    talk.client(write.bind([CONTEXT], head(1)))
    talk.server(write.bind_ack(ACCEPTED, head(1)))
    talk.client(write.alter_context([write.Context(0, write.LSARPC)], head(2)))
    talk.server(write.fault(0x1C01000B, head(2)))
    talk.client(write.request(b"", head(3)))
    talk.server(write.response(b"", head(3)))
    assert talk.end()[-1].contexts[0].abstract_syntax.uuid == ICLASSFACTORY


def test_a_bind_nak_answers_a_bind_and_carries_its_reason() -> None:
    """Also a second bind on a live connection."""
    talk = Talk()
    talk.client(write.bind([CONTEXT], head(1, token=HOST, auth_type=16)))
    talk.server(write.bind_nak(9, head(1)))
    (bind,) = talk.end()
    assert shown(bind) == ("bind", (1,), (2,), "bind_nak", "rejected")
    assert bind.reject_reason == 9
    assert bind.ticket is not None


def test_fragments_of_requests_and_responses_are_one_call() -> None:
    """All frames are named once, the last is the one that completed the PDU."""
    talk = Talk()
    for octets in write.request_fragments(bytes(90), 30, head(5), opnum=7):
        talk.client(octets)
    for octets in write.response_fragments(bytes(60), 30, head(5)):
        talk.server(octets)
    (call,) = talk.end()
    assert shown(call) == ("request", (1, 2, 3), (4, 5), "response", "answered")
    assert call.opnum == 7
    assert not call.partial


def test_a_fault_before_the_last_fragment_ends_the_call_and_late_fragments_make_no_other() -> None:
    """Servers refuse early; what the client had already sent belongs to the refused call."""
    talk = Talk()
    first, second, third = write.request_fragments(bytes(90), 30, head(5))
    talk.client(first)
    talk.server(write.fault(0x1C01000B, head(5)))
    talk.client(second)
    talk.client(third)
    (call,) = talk.end()
    assert shown(call) == ("request", (1,), (2,), "fault", "faulted")
    assert call.partial


def test_an_answer_alone_is_a_call_whose_request_was_not_captured() -> None:
    """Its kind is told by the answer; a fault alone counts as a request's."""
    talk = Talk()
    talk.server(write.fault(5, head(3)))
    talk.server(write.bind_ack(ACCEPTED, head(4)))
    talk.server(write.alter_context_resp(ACCEPTED, head(5)))
    assert [shown(call) for call in talk.end()] == [
        ("request", (), (1,), "fault", "faulted"),
        ("bind", (), (2,), "bind_ack", "accepted"),
        ("alter_context", (), (3,), "alter_context_resp", "accepted"),
    ]


def test_unanswered_is_said_only_where_the_capture_shows_it() -> None:
    """One direction, a gap and the end of the capture are `not captured`; the end of the connection is not."""

    def asked() -> Talk:
        talk = Talk()
        talk.client(write.request(b"", head(1)))
        return talk

    talk = asked()
    assert talk.end()[0].outcome is Outcome.NOT_CAPTURED  # one direction only
    talk = asked()
    talk.association.seen(SERVER)
    assert talk.end(PATIENCE_NS // 2)[0].outcome is Outcome.NOT_CAPTURED  # the capture ended too soon
    talk = asked()
    talk.association.seen(SERVER)
    assert talk.end(PATIENCE_NS * 2)[0].outcome is Outcome.UNANSWERED  # received, and silence
    talk = asked()
    talk.association.seen(SERVER, octets=True)
    assert talk.end()[0].outcome is Outcome.UNANSWERED  # the server went on to other things
    talk = asked()
    talk.association.ended(SERVER, reset=True, frame_number=2)
    assert talk.end()[0].outcome is Outcome.UNANSWERED
    talk = asked()
    talk.association.missing(SERVER)
    talk.association.seen(SERVER, octets=True)
    assert talk.end()[0].outcome is Outcome.NOT_CAPTURED  # the answer may be in the gap


@pytest.mark.parametrize(
    ("offered", "agreed", "expected"),
    [(0x10, 0x10, Outcome.NOT_CAPTURED), (0x10, 0, Outcome.UNANSWERED), (0, 0x10, Outcome.UNANSWERED)],
)
def test_a_server_that_answers_in_any_order_has_not_gone_on(offered: int, agreed: int, expected: Outcome) -> None:
    """PFC_CONC_MPX in bind and bind_ack: an answer to a later call says nothing of the one before (C706 12.6.3.1)."""
    talk = Talk()
    talk.client(write.bind([CONTEXT], head(1, flags=3 | offered)))
    talk.server(write.bind_ack(ACCEPTED, head(1, flags=3 | agreed)))
    talk.client(write.request(b"", head(2)))
    talk.client(write.request(b"", head(3)))
    talk.server(write.response(b"", head(3)))
    assert [call.outcome for call in talk.end()] == [Outcome.ACCEPTED, expected, Outcome.ANSWERED]


def test_a_fault_goes_to_the_call_whose_answer_no_gap_can_have_swallowed() -> None:
    """alter_context, then a gap in the server's direction, then a request of the same id and a fault."""
    talk = Talk()
    talk.client(write.alter_context([CONTEXT], head(2)))
    talk.association.missing(SERVER)
    talk.client(write.request(b"", head(2)))
    talk.server(write.fault(5, head(2)))
    alter, request = talk.end()
    assert alter.outcome is Outcome.NOT_CAPTURED
    assert request.reply_kind is ReplyKind.FAULT


def test_a_maybe_call_expects_no_answer() -> None:
    """PFC_MAYBE: the call and its note say so."""
    talk = Talk()
    talk.client(write.request(b"", head(2, flags=0x43)))
    talk.association.seen(SERVER, octets=True)
    (call,) = talk.end()
    assert not call.answer_expected
    assert MAYBE in call.notes


def test_a_request_without_protection_is_noted() -> None:
    """Where the one security context of the connection protects every packet; at level CONNECT it is ordinary."""
    for level, noted in ((6, True), (4, True), (2, False)):
        talk = Talk()
        leg = kerberos.ap_req(kerberos.ticket("DOMAINB.COM", kerberos.principal("host", "dc1")))
        talk.client(write.bind([CONTEXT], head(1, leg, auth_type=16, level=level)))
        talk.server(write.bind_ack([write.Result()], head(1, kerberos.ap_rep(), auth_type=16, level=level)))
        talk.client(write.request(b"bare", head(2)))
        request = next(call for call in talk.end() if call.kind is CallKind.REQUEST)
        assert (association.UNPROTECTED in request.notes) is noted


def test_a_cancel_is_noted_on_its_call() -> None:
    """co_cancel and orphaned are no calls of their own."""
    talk = Talk()
    talk.client(write.request(b"", head(2)))
    talk.client(write.co_cancel(head(2)))
    talk.client(write.orphaned(head(2)))
    talk.server(write.fault(0x1C00000D, head(2)))
    (call,) = talk.end()
    assert len(call.notes) == 2


def test_did_not_execute_is_kept() -> None:
    """PFC_DID_NOT_EXECUTE of the fault."""
    talk = Talk()
    talk.client(write.request(b"", head(2)))
    talk.server(write.fault(5, head(2, flags=0x23)))
    (call,) = talk.end()
    assert call.fault is not None
    assert call.fault.did_not_execute


def test_open_calls_are_bounded_and_the_bound_is_counted() -> None:
    """A flood of requests without answers gives up the oldest, told as calls."""
    talk = Talk()
    for call_id in range(MAXIMUM_OPEN_CALLS + 10):
        talk.client(write.request(b"", head(call_id)))
    assert talk.association.dropped_calls == 10
    assert len(talk.end()) == MAXIMUM_OPEN_CALLS + 10


def test_fragments_of_a_pdu_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the last fragment stands for the others, and they are counted."""
    monkeypatch.setattr(association, "MAXIMUM_FRAGMENTS_OF_A_PDU", 3)
    talk = Talk()
    for octets in write.request_fragments(bytes(80), 10, head(5)):
        talk.client(octets)
    (call,) = talk.end()
    assert call.request is not None
    assert call.request.frames == (1, 2, 8)
    assert talk.association.dropped_fragments == 5


def test_header_signing_is_told_by_type() -> None:
    """0x04 in the flags of a bind asks for it; in a request it is a pending cancel."""
    talk = Talk()
    talk.client(write.bind([CONTEXT], head(1, flags=7)))
    talk.client(write.alter_context([CONTEXT], head(2)))
    talk.client(write.request(b"", head(3, flags=7)))
    assert [call.header_signing for call in talk.end()] == [True, False, None]


@pytest.mark.parametrize("seed", range(4))
def test_hostile_orders_of_pdus_end_in_calls(seed: int) -> None:
    """Random PDUs from both ends, damaged: every request and answer ends in exactly one call, no other exception."""
    rng = random.Random(seed)
    kinds = [
        write.bind([CONTEXT], head(1, token=HOST)),
        write.bind_ack(ACCEPTED, head(1, token=U2U)),
        write.alter_context([CONTEXT], head(2, token=U2U)),
        write.alter_context_resp(ACCEPTED, head(2)),
        write.auth3(head(1, token=HOST)),
        *write.request_fragments(bytes(9), 3, head(1)),
        *write.response_fragments(bytes(9), 3, head(1)),
        write.fault(5, head(2)),
        write.bind_nak(1, head(1)),
    ]
    hostile, calls = Association(), 0
    for frame in range(1, 3000):
        octets = bytearray(rng.choice(kinds))
        if rng.random() < 0.3:
            octets[rng.randrange(16, len(octets))] = rng.randrange(256)
        direction = rng.choice((CLIENT, SERVER))
        try:
            pdu = parse_pdu(bytes(octets))
        except ParseError:
            continue
        hostile.seen(direction, octets=True)
        calls += len(list(hostile.pdu(direction, pdu, Provenance((frame,), frame, 0))))
    calls += len(list(hostile.close(None)))
    assert calls > 500
    assert not list(hostile.close(None))
