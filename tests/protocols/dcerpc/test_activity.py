"""[C706] chapter 10: datagrams in any order, lost, repeated, answered from elsewhere or not at all -> calls."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from builders import dcerpc, kerberos, ntlm, pcap
from builders import dcerpc_datagram as write
from builders.dcerpc_datagram import DatagramType
from builders.network import Host, TimedFrame, udp_frame
from datagram_talk import (
    ACTIVITY,
    CLIENT,
    INTERFACE,
    OTHER_PORT,
    SECOND_NS,
    SERVER,
    Talk,
    calls_of,
    segment,
    segments_of,
    shown,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_captures import OWN, SHARED, name_of, needs_shared
from tshark_reading import fields

from rpctrace.network.flow import Endpoint, Segment, Transport
from rpctrace.protocols.dcerpc import activity as bounds
from rpctrace.protocols.dcerpc.activity import Activities
from rpctrace.protocols.dcerpc.association import MAYBE
from rpctrace.protocols.dcerpc.call import CallKind, Outcome
from rpctrace.protocols.dcerpc.datagram_call import DatagramCall
from rpctrace.protocols.dcerpc.pdu import SyntaxId

OTHER = replace(ACTIVITY, activity="b2c3d4e5-0000-4000-8000-000000000002")
OF_SERVER = write.Activity(write.CONVERSATION_MANAGER, "c3d4e5f6-0000-4000-8000-000000000003", server_boot=77)
REQUEST_STUB, RESPONSE_STUB = bytes(range(200)), bytes(range(100, 250))


def request(sequence: int = 0, activity: write.Activity = ACTIVITY, *, opnum: int = 3, flags_1: int = 0x20,
            flags_2: int = 0, stub: bytes = b"in......") -> bytes:  # fmt: skip
    return write.datagram(
        DatagramType.REQUEST, activity, stub, opnum=opnum, sequence=sequence, flags_1=flags_1, flags_2=flags_2
    )


def response(sequence: int = 0, activity: write.Activity = ACTIVITY, *, opnum: int = 3) -> bytes:
    return write.datagram(DatagramType.RESPONSE, activity, b"out.....", opnum=opnum, sequence=sequence, flags_1=8)


def plain(kind: DatagramType, sequence: int = 0, activity: write.Activity = ACTIVITY) -> bytes:
    return write.datagram(kind, activity, sequence=sequence)


def test_an_answered_call() -> None:
    """Every field that assembly needs, and None where a connection would have more."""
    talk = Talk()
    talk.client(request())
    assert talk.calls == []
    talk.server(response())
    (said,) = talk.calls  # told at once
    assert (said.client, said.server, said.activity, said.sequence) == (CLIENT, SERVER, ACTIVITY.activity, 0)
    call = said.call
    assert (call.kind, call.client_direction, call.call_id) == (CallKind.REQUEST, 0, 0)
    (context,) = call.contexts
    assert context.abstract_syntax == SyntaxId(INTERFACE.uuid, 1, 2)
    assert (context.transfer_syntax, context.result, call.context_id) == (None, None, None)
    assert (call.opnum, call.object_uuid, call.partial, call.answer_expected) == (3, None, False, True)
    assert call.request == ((1,), 1_000_000, 0)
    assert call.reply == ((2,), 2_000_000, 0)
    assert (call.reply_kind, call.outcome, call.fault, call.notes) == ("response", Outcome.ANSWERED, None, ())
    assert (call.authentication, call.ticket, said.request_stub, said.response_stub) == (None,) * 4
    assert talk.end() == [said]


def test_an_object_is_named() -> None:
    talk = Talk()
    named = replace(ACTIVITY, object_uuid="a0b1c2d3-e4f5-4678-9abc-def012345678")
    talk.client(request(activity=named))
    assert talk.one().call.object_uuid == named.object_uuid


@pytest.mark.parametrize("form", [dcerpc.LITTLE_ENDIAN, dcerpc.BIG_ENDIAN])
@pytest.mark.parametrize(
    ("kind", "status", "notes"),
    [
        (DatagramType.FAULT, 0x1C010002, ()),
        (DatagramType.REJECT, 0x1C010003, ("rejected (PTYPE reject)",)),
        (DatagramType.REJECT, 0x1C010006, ("rejected (PTYPE reject)",)),
    ],
)
def test_refusals(form: dcerpc.Representation, kind: DatagramType, status: int, notes: tuple[str, ...]) -> None:
    """A reject is a fault to the client, of which it knows that nothing was executed."""
    talk = Talk()
    activity = replace(ACTIVITY, form=form)
    talk.client(request(activity=activity))
    talk.server(write.datagram_status(kind, activity, status))
    said = talk.one()
    assert shown(said) == (3, (1,), (2,), "fault", "faulted", notes)
    assert said.call.fault == (fault := said.call.fault)
    assert fault is not None
    assert (fault.status, fault.did_not_execute) == (status, kind is DatagramType.REJECT)
    assert (fault.context_id, fault.cancel_count) == (None, None)


def fragmented(activity: write.Activity = ACTIVITY) -> list[tuple[bytes, Endpoint, Endpoint]]:
    asked = write.fragments(DatagramType.REQUEST, activity, REQUEST_STUB, 80, opnum=3)
    answered = write.fragments(DatagramType.RESPONSE, activity, RESPONSE_STUB, 64, opnum=3)
    return [(octets, CLIENT, SERVER) for octets in asked] + [(octets, SERVER, CLIENT) for octets in answered]


def test_fragments_with_their_acknowledgements() -> None:
    talk = Talk(INTERFACE.uuid)
    datagrams = fragmented()
    for octets, source, destination in datagrams[:3]:
        talk.say(octets, source, destination)
        talk.server(write.fack(ACTIVITY, talk.frame // 2))
    for octets, source, destination in datagrams[3:]:
        talk.say(octets, source, destination)
        talk.client(write.fack(ACTIVITY, 0))
    said = talk.one()
    assert shown(said) == (3, (1, 3, 5), (7, 9, 11), "response", "answered", ())
    assert (said.request_stub, said.response_stub) == (REQUEST_STUB, RESPONSE_STUB)
    assert (said.request_little_endian, said.response_little_endian) == (True, True)
    assert said.call.reply == ((7, 9, 11), 11_000_000, 0)
    assert said.conversation.pdus == 12


def test_any_order_of_fragments_gives_the_same_call() -> None:
    """All 720 orders of three request and three response fragments, each datagram in its own frame."""
    datagrams = list(enumerate(fragmented(), 1))
    calls = set()
    for order in permutations(datagrams):
        told = calls_of((segment(frame, *said) for frame, said in order), INTERFACE.uuid)
        calls.update(said[1:] for said in told)
        assert len(told) == 1
    (call,) = calls
    assert call[-4] == REQUEST_STUB
    assert call[-2] == RESPONSE_STUB


def test_a_missing_fragment_is_a_partial_call() -> None:
    for missing in range(6):
        datagrams = fragmented()
        del datagrams[missing]
        (said,) = calls_of((segment(frame, *each) for frame, each in enumerate(datagrams, 1)), INTERFACE.uuid)
        assert said.call.partial
        assert (said.call.outcome, said.call.reply_kind) == (Outcome.ANSWERED, "response")
        stubs = (said.request_stub, said.response_stub)
        assert stubs[missing // 3] in (None, REQUEST_STUB[: 80 * missing], RESPONSE_STUB[: 64 * (missing - 3)])


def test_a_refusal_before_the_last_fragment_of_the_request() -> None:
    talk = Talk()
    first, *_ = write.fragments(DatagramType.REQUEST, ACTIVITY, REQUEST_STUB, 80, opnum=3)
    talk.client(first)
    talk.server(write.datagram_status(DatagramType.REJECT, ACTIVITY, 0x1C010003))
    said = talk.one()
    assert (said.call.outcome, said.call.partial) == (Outcome.FAULTED, True)


def test_a_fault_in_the_middle_of_a_response() -> None:
    talk = Talk()
    talk.client(request())
    talk.server(write.fragments(DatagramType.RESPONSE, ACTIVITY, RESPONSE_STUB, 64)[0])
    talk.server(write.datagram_status(DatagramType.FAULT, ACTIVITY, 5))
    assert shown(talk.one()) == (3, (1,), (3,), "fault", "faulted", ())


def test_a_request_sent_again_is_one_call() -> None:
    talk = Talk()
    talk.client(request(), request(), request(), after_ns=SECOND_NS)
    talk.server(response(), response())
    talk.client(plain(DatagramType.ACK), request())
    assert shown(talk.one()) == (3, (1,), (4,), "response", "answered", ("request sent again in 2 datagrams",))


def test_a_mirror_port_shows_each_datagram_twice() -> None:
    """The same serial number within a moment: nobody asked again."""
    talk = Talk()
    talk.client(request(), request())
    assert outcome(talk) == (Outcome.NOT_CAPTURED, ())
    talk = Talk()
    talk.client(request(), request())
    talk.server(response(), response())
    assert shown(talk.one())[1:] == ((1,), (3,), "response", "answered", ())


def test_a_copy_that_differs_is_a_conflict() -> None:
    talk = Talk(INTERFACE.uuid)
    talk.client(request(), request(stub=b"other..."))
    talk.server(response())
    said = talk.one()
    assert said.request_stub == b"in......"
    assert said.conversation.conflicts == 1


def test_two_activities_interleaved() -> None:
    """Same endpoints, same sequence number: the activity tells them apart."""
    talk = Talk()
    talk.client(request(), request(activity=OTHER, opnum=4))
    talk.server(response(activity=OTHER, opnum=4), response())
    first, second = talk.end()
    assert shown(first)[:3] == (4, (2,), (3,))
    assert shown(second)[:3] == (3, (1,), (4,))
    assert first.conversation is second.conversation
    assert first.conversation.pdus == 4


def test_the_calls_of_an_activity_by_sequence_number() -> None:
    talk = Talk()
    for sequence in range(5):
        talk.client(request(sequence, opnum=sequence))
        talk.server(response(sequence, opnum=sequence))
    assert [(said.sequence, said.call.opnum, said.call.outcome) for said in talk.end()] == [
        (number, number, Outcome.ANSWERED) for number in range(5)
    ]


def test_a_sequence_number_that_serves_another_call() -> None:
    """Simple clients begin anew with 0 on the same activity: another operation is another call."""
    talk = Talk()
    talk.client(request(opnum=3))
    talk.client(request(opnum=4))
    talk.server(response(opnum=4))
    talk.client(request(opnum=5))
    talk.server(response(opnum=5))
    assert [shown(said)[:3] for said in talk.end()] == [(3, (1,), ()), (4, (2,), (3,)), (5, (4,), (5,))]


def test_the_same_activity_in_two_tunnels_is_two() -> None:
    asked = [segment(number, request(), CLIENT, SERVER, tunnel=(number,)) for number in (1, 2)]
    assert len(calls_of(asked)) == 2


def test_answered_from_another_port() -> None:
    """What follows, acks and later pings of the activity too, is of the same conversation."""
    talk = Talk()
    talk.client(request())
    talk.say(plain(DatagramType.WORKING), OTHER_PORT, CLIENT)
    talk.say(response(), OTHER_PORT, CLIENT)
    talk.say(plain(DatagramType.ACK), CLIENT, OTHER_PORT)
    said = talk.one()
    assert (said.server, said.conversation.server) == (SERVER, SERVER)
    assert shown(said)[4:] == ("answered", ("answered from 10.0.0.2:1026", "server said working 1 time"))
    assert talk.activities.conversations == [said.conversation]
    assert said.conversation.pdus == 4


def test_a_broadcast_answered_by_several() -> None:
    everybody = Endpoint("255.255.255.255", 34964)
    talk = Talk()
    talk.say(request(flags_1=0x60), CLIENT, everybody)
    for last in (7, 8, 9):
        talk.say(response(), Endpoint(f"10.0.0.{last}", 34964), CLIENT)
    said = talk.one()
    assert said.server == everybody
    assert shown(said)[1:3] == ((1,), (2,))
    assert said.call.notes == ("sent as broadcast", "answered from 10.0.0.7:34964")


def test_a_maybe_call_expects_no_answer() -> None:
    talk = Talk()
    talk.client(request(flags_1=0x10))
    said = talk.one(after_ns=30 * SECOND_NS)
    assert (said.call.answer_expected, said.call.notes, said.call.reply) == (False, (MAYBE,), None)
    talk = Talk()
    heard(talk)
    talk.client(request(flags_1=0x10))
    assert talk.one(after_ns=30 * SECOND_NS).call.notes == (MAYBE,)


def test_pings_working_and_a_late_answer() -> None:
    talk = Talk()
    talk.client(request())
    for _ in range(3):
        talk.client(plain(DatagramType.PING), after_ns=2 * SECOND_NS)
        talk.server(plain(DatagramType.WORKING))
    talk.server(response())
    assert shown(talk.one())[4:] == ("answered", ("client pinged 3 times", "server said working 3 times"))


def test_cancelled() -> None:
    talk = Talk()
    talk.client(request(), write.cancel(ACTIVITY), write.cancel(ACTIVITY))
    talk.server(write.cancel_ack(ACTIVITY), write.datagram_status(DatagramType.FAULT, ACTIVITY, 0x1C00000D))
    assert shown(talk.one())[4:] == (
        "faulted", ("cancelled by the client in frame 2", "cancel acknowledged in frame 4"),
    )  # fmt: skip


# No answer


def outcome(talk: Talk, after_ns: int = 0) -> tuple[Outcome, tuple[str, ...]]:
    call = talk.one(after_ns).call
    return call.outcome, call.notes


def heard(talk: Talk) -> None:
    """Shows that the answering direction is in the capture."""
    talk.server(plain(DatagramType.WORKING, 9, OTHER))


def test_a_server_that_does_not_know_the_call() -> None:
    talk = Talk()
    talk.client(request(), plain(DatagramType.PING))
    talk.server(plain(DatagramType.NOCALL))
    assert outcome(talk) == (Outcome.UNANSWERED, ("client pinged 1 time", "server said nocall 1 time"))


def test_asked_again_in_vain() -> None:
    """A ping, or the request once more, and nothing."""
    for again in (plain(DatagramType.PING), request()):
        talk = Talk()
        talk.client(request(), again, after_ns=SECOND_NS)
        assert outcome(talk)[0] is Outcome.UNANSWERED


def test_asked_again_and_told_to_wait() -> None:
    talk = Talk()
    talk.client(request(), plain(DatagramType.PING))
    talk.server(plain(DatagramType.WORKING))
    assert outcome(talk)[0] is Outcome.NOT_CAPTURED


@pytest.mark.parametrize(("seconds", "expected"), [(1, Outcome.NOT_CAPTURED), (5, Outcome.UNANSWERED)])
def test_time_enough_went_by(seconds: int, expected: Outcome) -> None:
    talk = Talk()
    heard(talk)
    talk.client(request())
    found, notes = outcome(talk, seconds * SECOND_NS)
    assert found is expected
    assert notes == (() if seconds == 1 else ("no answer in the 5.0 s captured after it",))


def test_a_capture_of_the_client_alone_says_nothing() -> None:
    """Whoever captures one direction must not find every call unanswered: the client went on, so it had its answer."""
    talk = Talk()
    for sequence in range(3):
        talk.client(request(sequence), after_ns=SECOND_NS)
        talk.client(plain(DatagramType.PING, sequence), after_ns=3 * SECOND_NS)
    calls = [said.call for said in talk.end(after_ns=SECOND_NS)]
    assert [call.outcome for call in calls] == [Outcome.NOT_CAPTURED] * 2 + [Outcome.UNANSWERED]
    assert calls[0].notes == ("client pinged 1 time", "the client went on to call 1 of the activity")


@pytest.mark.parametrize("acknowledgement", [plain(DatagramType.ACK), write.fack(ACTIVITY, 0)])
def test_a_client_that_acknowledges_has_an_answer(acknowledgement: bytes) -> None:
    """Also where the capture has none, however often it asked before."""
    talk = Talk()
    talk.client(request(), request(), acknowledgement, after_ns=SECOND_NS)
    assert outcome(talk, 10 * SECOND_NS) == (
        Outcome.NOT_CAPTURED,
        ("request sent again in 1 datagram", "the client acknowledged an answer in frame 3"),
    )


def test_a_server_that_acknowledges_fragments_has_not_answered() -> None:
    talk = Talk()
    talk.client(request())
    talk.server(write.fack(ACTIVITY, 0))
    assert outcome(talk, 10 * SECOND_NS)[0] is Outcome.UNANSWERED


def test_a_call_that_was_given_up_before_the_next() -> None:
    talk = Talk()
    heard(talk)
    talk.client(request(1), request(1), request(2), after_ns=SECOND_NS)
    talk.server(response(2))
    first, second = sorted(talk.end(), key=lambda said: said.sequence)
    assert first.call.outcome is Outcome.UNANSWERED
    assert first.call.notes == (
        "request sent again in 1 datagram", "the client went on to call 2 of the activity",
    )  # fmt: skip
    assert second.call.outcome is Outcome.ANSWERED


def test_unrelated_calls_do_not_overtake() -> None:
    """[MS-RPCE] 2.2.3.3: an asynchronous client has several calls open on one activity."""
    talk = Talk()
    heard(talk)
    talk.client(request(1), request(2, flags_2=write.UNRELATED))
    talk.server(response(2))
    first = next(said for said in talk.end(after_ns=6 * SECOND_NS) if said.sequence == 1)
    assert first.call.outcome is Outcome.UNANSWERED
    assert first.call.notes == ("no answer in the 6.0 s captured after it",)


def test_an_answer_alone() -> None:
    """The header of an answer names what was asked."""
    talk = Talk()
    talk.server(response(), after_ns=SECOND_NS)
    said = talk.one()
    assert (said.client, said.server) == (CLIENT, SERVER)
    assert shown(said) == (3, (), (1,), "response", "answered", ())
    assert said.call.contexts[0].abstract_syntax.uuid == INTERFACE.uuid
    assert not said.call.partial
    assert said.conversation.joined_late


def test_a_capture_of_the_server_alone() -> None:
    """Bounded, and by nothing that would have to be told as a limit."""
    talk = Talk()
    for sequence in range(100):
        talk.server(response(sequence))
    assert len(talk.calls) == 100 - bounds.MAXIMUM_OPEN_CALLS_OF_AN_ACTIVITY
    assert {said.call.outcome for said in talk.end()} == {Outcome.ANSWERED}
    assert len(talk.calls) == 100
    assert talk.activities.limits == {}


def test_other_pdus_alone_are_no_call_but_are_counted() -> None:
    talk = Talk()
    talk.client(plain(DatagramType.PING))
    talk.server(plain(DatagramType.NOCALL), plain(DatagramType.WORKING))
    talk.client(write.fack(ACTIVITY, 0), plain(DatagramType.ACK))
    assert talk.end() == []
    (conversation,) = talk.activities.conversations
    assert (conversation.pdus, conversation.client, conversation.server) == (5, CLIENT, SERVER)
    assert (conversation.first_frame, conversation.last_frame) == (1, 5)
    assert (conversation.first_ns, conversation.last_ns) == (1_000_000, 5_000_000)


@pytest.mark.parametrize("first", [0, 1])
def test_an_acknowledgement_of_fragments_does_not_turn_a_conversation_round(first: int) -> None:
    """Either end sends them; alone, the lower port is taken for the server's."""
    talk = Talk()
    ends = [(SERVER, CLIENT), (CLIENT, SERVER)]
    for source, destination in (ends[first], ends[1 - first]):
        talk.say(write.fack(ACTIVITY, 0), source, destination)
    (conversation,) = talk.activities.conversations
    assert (conversation.client, conversation.server, conversation.pdus) == (CLIENT, SERVER, 2)
    assert conversation.server_seen


# The conversation manager


def way(stub: bytes, kind: DatagramType, opnum: int, sequence: int = 0) -> bytes:
    return write.datagram(kind, OF_SERVER, stub, opnum=opnum, sequence=sequence, flags_1=0x20)


def test_who_are_you() -> None:
    """A call of its own from the server to the client; the call that it is about has a note of it."""
    talk = Talk()
    talk.client(request())
    talk.server(way(write.conv_question(ACTIVITY, 77), DatagramType.REQUEST, 1))
    talk.client(way(bytes(28), DatagramType.RESPONSE, 1))
    talk.server(response())
    callback, call = talk.end()
    assert (callback.client, callback.server, callback.activity) == (SERVER, CLIENT, OF_SERVER.activity)
    assert shown(callback)[1:] == (
        (2,), (3,), "response", "answered", (f"asks the client about its activity {ACTIVITY.activity}",),
    )  # fmt: skip
    assert callback.conversation is not call.conversation
    assert shown(call)[1:] == (
        (1,), (4,), "response", "answered", ("the server asked who the client is (conv_who_are_you2), frame 2",),
    )  # fmt: skip


def test_asked_who_over_and_over() -> None:
    """One note says it."""
    talk = Talk()
    talk.client(request())
    for sequence in range(50):
        talk.server(way(write.conv_question(ACTIVITY, 77), DatagramType.REQUEST, 1, sequence))
    *_, call = sorted(talk.end(), key=lambda said: said.activity == ACTIVITY.activity)
    assert len(call.call.notes) == 1


def authenticated(auth_protocol: int, level: int = 5, sequence: int = 0) -> bytes:
    return write.secured(request(sequence), auth_protocol, write.verifier(level, b"signature", key=1))


def test_who_are_you_with_a_kerberos_ticket_in_two_parts() -> None:
    """[MS-RPCE] 2.2.3.5: what does not fit is fetched with conv_who_are_you_auth_more."""
    token = kerberos.ap_req(kerberos.ticket("DOMAINB.COM", kerberos.principal("host", "dc1.domainb.com"), kvno=1))
    talk = Talk()
    talk.client(authenticated(16))
    talk.server(way(write.conv_question(ACTIVITY, 77, b""), DatagramType.REQUEST, 3))
    talk.client(way(write.conv_answer(ACTIVITY, 0, token[:150], status=0x16C9A117), DatagramType.RESPONSE, 3))
    more = write.conv_question(ACTIVITY, 77) + b"\x96\0\0\0" + b"\0\4\0\0"
    talk.server(way(more, DatagramType.REQUEST, 4, 1))
    talk.client(way(write.conv_more(ACTIVITY, token[150:]), DatagramType.RESPONSE, 4, 1))
    talk.server(write.secured(response(), 16, write.verifier(5, b"signature", key=1)))
    first, second, said = talk.end()
    call = said.call
    assert call.authentication is not None
    assert (call.authentication.context_id, call.authentication.auth_type, call.authentication.auth_level) == (1, 16, 5)
    assert (call.authentication.mechanism, call.authentication.token) == ("kerberos", None)
    assert call.ticket is not None
    assert (call.ticket.realm, call.ticket.sname, call.ticket.kvno) == ("DOMAINB.COM", ("host", "dc1.domainb.com"), 1)
    assert (call.ticket.presented_in, call.ticket.frame) == ("conv_who_are_you_auth", 5)
    assert call.ticket.authenticator_etype is not None  # at the token's end
    for callback in (first.call, second.call):
        assert callback.authentication is not None
        assert callback.authentication.reply_token == "AP-REQ"
        assert callback.ticket is not None


def test_who_are_you_with_ntlm() -> None:
    talk = Talk()
    talk.client(authenticated(10, 6))
    question = write.conv_question(ACTIVITY, 77, ntlm.challenge("DOMAINB"))
    talk.server(way(question, DatagramType.REQUEST, 3))
    token = ntlm.authenticate("CHILD", "novice", "NOVICE-PC")
    talk.client(way(write.conv_answer(ACTIVITY, 0, token), DatagramType.RESPONSE, 3))
    talk.server(write.datagram_status(DatagramType.FAULT, ACTIVITY, 5))
    callback, call = (said.call for said in talk.end())
    assert callback.authentication is not None
    assert (callback.authentication.token, callback.authentication.reply_token) == ("CHALLENGE", "AUTHENTICATE")
    assert call.authentication is not None
    assert call.authentication.auth_level == 6
    names = call.authentication.ntlm
    assert names is not None
    assert (names.domain, names.user, names.workstation, names.target) == ("CHILD", "novice", "NOVICE-PC", "DOMAINB")
    assert call.ticket is None


def test_a_later_call_has_the_ticket_of_its_activity() -> None:
    token = kerberos.ap_req(kerberos.ticket("DOMAINB.COM", kerberos.principal("host", "dc1")))
    talk = Talk()
    talk.client(authenticated(16))
    talk.server(way(write.conv_question(ACTIVITY, 77, b""), DatagramType.REQUEST, 3))
    talk.client(way(write.conv_answer(ACTIVITY, 0, token), DatagramType.RESPONSE, 3))
    talk.server(response())
    talk.client(authenticated(16, sequence=1))
    talk.server(write.datagram_status(DatagramType.FAULT, ACTIVITY, 0x721, sequence=1))
    *_, last = talk.end()
    assert last.call.ticket is not None
    assert last.call.ticket.realm == "DOMAINB.COM"


def test_the_token_of_another_activity_is_not_put_down_to_this_one() -> None:
    token = kerberos.ap_req(kerberos.ticket("DOMAINB.COM", kerberos.principal("host", "dc1")))
    talk = Talk()
    talk.client(authenticated(16))
    talk.server(way(write.conv_question(OTHER, 77, b""), DatagramType.REQUEST, 3))
    talk.client(way(write.conv_answer(OTHER, 0, token), DatagramType.RESPONSE, 3))
    talk.server(response())
    *_, call = talk.end()
    assert call.call.ticket is None
    assert call.call.notes == ()


# Stubs


def test_stubs_of_the_interfaces_asked_for_alone() -> None:
    for stubs_of, expected in (((INTERFACE.uuid,), b"in......"), ((), None)):
        talk = Talk(*stubs_of)
        talk.client(request())
        talk.server(response())
        assert talk.one().request_stub == expected


def test_an_encrypted_stub_is_none() -> None:
    for level, expected in ((5, b"in......"), (6, None)):
        talk = Talk(INTERFACE.uuid)
        talk.client(authenticated(9, level))
        talk.server(response())
        assert talk.one().request_stub == expected


def test_a_cut_stub_is_told_as_far_as_it_goes() -> None:
    talk = Talk(INTERFACE.uuid)
    talk.client(request(), cut=84)
    talk.server(response(), cut=80)
    said = talk.one()
    assert (said.request_stub, said.response_stub, said.call.partial) == (b"in..", b"", True)


def test_a_big_endian_answer_to_a_little_endian_client() -> None:
    talk = Talk(INTERFACE.uuid)
    talk.client(request())
    talk.server(response(activity=replace(ACTIVITY, form=dcerpc.BIG_ENDIAN)))
    said = talk.one()
    assert said.call.outcome is Outcome.ANSWERED
    assert (said.request_little_endian, said.response_little_endian) == (True, False)


# Bounds


def test_an_idle_activity_is_told() -> None:
    talk = Talk()
    talk.client(request(), request(1, OTHER))
    talk.client(plain(DatagramType.PING, 1, OTHER), after_ns=bounds.IDLE_NS - SECOND_NS)
    assert talk.calls == []
    talk.client(plain(DatagramType.PING, 1, OTHER), after_ns=2 * SECOND_NS)
    assert [said.activity for said in talk.calls] == [ACTIVITY.activity]


def activities_of(count: int) -> list[write.Activity]:
    return [replace(ACTIVITY, activity=f"00000000-0000-4000-8000-{number + 1:012x}") for number in range(count)]


def lower_bound(monkeypatch: pytest.MonkeyPatch, name: str, bound: int) -> None:
    lowered = [(row[0], bound if row[0] == name else row[1], row[2]) for row in bounds._BOUNDS]
    monkeypatch.setattr(bounds, "_BOUNDS", tuple(lowered))


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("open_datagram_activities", "MAXIMUM_ACTIVITIES"),
        ("open_datagram_calls", "MAXIMUM_OPEN_CALLS"),
        ("open_datagram_fragments", "MAXIMUM_OPEN_FRAGMENTS"),
    ],
)
def test_too_many_at_a_time(monkeypatch: pytest.MonkeyPatch, name: str, bound: str) -> None:
    """The oldest are given out as they stand, and counted under the bound's name."""
    assert getattr(bounds, bound) > 10_000
    lower_bound(monkeypatch, name, 10)
    talk = Talk()
    for activity in activities_of(15):
        talk.client(request(activity=activity))
    assert len(talk.calls) == 5
    assert talk.activities.limits == {name: 5}
    assert len(talk.end()) == 15
    assert (talk.activities._open_calls, talk.activities._open_fragments, talk.activities._held_octets) == (0, 0, 0)


def test_too_many_octets_of_stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    lower_bound(monkeypatch, "held_datagram_octets", 80)
    talk = Talk(INTERFACE.uuid)
    for activity in activities_of(15):
        talk.client(request(activity=activity))
    assert talk.activities.limits == {"held_datagram_octets": 5}


def test_too_many_octets_of_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """An activity without open calls goes, and is no loss that would have to be told."""
    lower_bound(monkeypatch, "held_datagram_octets", 10_000)
    talk = Talk()
    for activity in activities_of(30):
        talk.client(write.secured(request(activity=activity), 9, write.verifier(5, b"signature")))
        talk.server(response(activity=activity))
    assert len(talk.activities._activities) == 9
    assert talk.activities._held_octets == 9 * 1024
    assert talk.activities.limits == {}
    assert len(talk.end()) == 30
    assert talk.activities._held_octets == 0


def test_a_stub_is_kept_up_to_its_bound() -> None:
    talk = Talk(INTERFACE.uuid)
    stub = bytes(100_000)
    talk.client(*write.fragments(DatagramType.REQUEST, ACTIVITY, stub, 1000, opnum=3))
    talk.server(response())
    said = talk.one()
    assert said.request_stub == stub[:65_000]
    assert talk.activities.limits == {"stub_octets_of_a_datagram_call": 35_000}
    assert not said.call.partial


def test_too_many_open_calls_of_one_activity() -> None:
    """Those that the client went on from are over, and are no reached bound; unrelated ones are."""
    for flags_2, expected in ((0, {}), (write.UNRELATED, {"open_calls_of_a_datagram_activity": 36})):
        talk = Talk()
        for sequence in range(100):
            talk.client(request(sequence, flags_2=flags_2))
        assert len(talk.calls) == 100 - bounds.MAXIMUM_OPEN_CALLS_OF_AN_ACTIVITY
        assert talk.activities.limits == expected
        assert len(talk.end()) == 100


def test_too_many_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAXIMUM_CONVERSATIONS", 3)
    talk = Talk()
    for port in range(5):
        talk.say(plain(DatagramType.PING), Endpoint("10.0.0.1", port), SERVER)
    assert len(talk.activities.conversations) == 3
    assert talk.activities.limits == {"datagram_conversations": 2}


# Captures, and whatever else comes


def test_the_built_capture() -> None:
    answered, refused = calls_of(segments_of(OWN / "built" / "datagrams.pcap"))
    assert shown(answered)[:5] == (40, (1,), (2,), "response", "answered")
    assert shown(refused)[:5] == (99, (3,), (4,), "fault", "faulted")
    assert refused.call.fault is not None
    assert refused.call.fault.status == 0x1C010002


RECORDED = [
    SHARED / name
    for name in ("public/dcerpc-udp.pcap", "formats/netmon-made/udp.netmon1.cap", "formats/pcap/udp.pcap")
]  # fmt: skip


@needs_shared
@pytest.mark.parametrize("path", RECORDED, ids=name_of)
def test_calls_of_the_captures_as_tshark_pairs_them(path: Path) -> None:
    """The request that tshark names for each answer is ours."""
    theirs = fields(path, "dcerpc.ver == 4 && dcerpc.pkt_type == 2", "frame.number", "dcerpc.request_in")
    ours = [
        (str(call.reply.frame), str(call.request.frame) if call.request else "")
        for call in (said.call for said in calls_of(segments_of(path)))
        if call.reply is not None
    ]
    assert sorted(ours) == sorted(theirs)


def test_pairs_of_a_built_talk_as_tshark_finds_them() -> None:
    """Two activities interleaved, in both byte orders, with retransmissions, refusals and a callback: of each answer
    to a call without fragments the request that tshark names, and where it puts fragments together."""
    talk: list[tuple[bytes, Endpoint, Endpoint]] = []
    for sequence in range(4):
        for activity in (ACTIVITY, replace(OTHER, form=dcerpc.BIG_ENDIAN)):
            talk.append((request(sequence, activity), CLIENT, SERVER))
    for sequence in (0, 2, 1, 3):
        for activity in (ACTIVITY, replace(OTHER, form=dcerpc.BIG_ENDIAN)):
            answer = response(sequence, activity)
            if sequence == 2:
                answer = write.datagram_status(DatagramType.FAULT, activity, 5, sequence=sequence, opnum=3)
            talk.append((answer, SERVER, CLIENT))
    talk.insert(1, (way(write.conv_question(ACTIVITY, 77), DatagramType.REQUEST, 1), SERVER, CLIENT))
    talk.insert(2, (way(bytes(28), DatagramType.RESPONSE, 1), CLIENT, SERVER))
    talk += fragmented(replace(ACTIVITY, activity="00000000-0000-4000-8000-0000000000ff"))
    hosts = {CLIENT: (Host(CLIENT.address), 50400), SERVER: (Host(SERVER.address), 135)}
    capture = pcap([
        TimedFrame(at * 1_000_000, udp_frame(hosts[source], hosts[destination], octets))
        for at, (octets, source, destination) in enumerate(talk, 1)
    ])  # fmt: skip
    theirs = fields(capture, "dcerpc.pkt_type == 2", "frame.number", "dcerpc.request_in")
    calls = [said.call for said in calls_of(segment(at, *each) for at, each in enumerate(talk, 1))]
    plain_ones = [call for call in calls if call.request and call.reply and len(call.request.frames) == 1]
    assert len(plain_ones) == 9
    ours = {str(call.reply.frame): str(call.request.frame) for call in plain_ones if call.request and call.reply}
    refused = {str(call.reply.frame): str(call.request.frame) for call in plain_ones
               if call.request and call.reply and call.fault}  # fmt: skip
    assert refused == {"13": "7", "14": "8"}  # of these tshark names no request
    named = {frame: asked.split(",")[0] for frame, asked in theirs if int(frame) <= len(talk) - 6}
    assert named | refused == ours
    (whole,) = [call for call in calls if call.request and len(call.request.frames) > 1]
    reassembled = fields(capture, "dcerpc.fragment.count", "frame.number", "dcerpc.fragment.count")
    assert whole.request is not None
    assert whole.reply is not None
    assert reassembled == [(str(whole.request.frame), "3"), (str(whole.reply.frame), "3")]


def test_other_segments_are_passed_over() -> None:
    activities = Activities()
    said = segment(1, request(), CLIENT, SERVER)
    assert activities.feed(said._replace(transport=Transport.TCP)) == ()
    assert activities.feed(segment(2, b"hello", CLIENT, SERVER)) == ()
    assert activities.conversations == []
    assert list(activities.close(None)) == []


def conversation_of_many() -> list[Segment]:
    """A bit of everything, as it would be captured."""
    talk: list[tuple[bytes, Endpoint, Endpoint]] = []
    for number, activity in enumerate((ACTIVITY, OTHER, replace(OTHER, form=dcerpc.BIG_ENDIAN))):
        talk += fragmented(activity)
        talk.append((authenticated(16, sequence=number + 1), CLIENT, SERVER))
        talk.append((plain(DatagramType.PING, number + 1, activity), CLIENT, SERVER))
        talk.append((way(write.conv_question(activity, 77, b"ask"), DatagramType.REQUEST, 3, number), SERVER, CLIENT))
        answer = way(write.conv_answer(activity, 0, b"token"), DatagramType.RESPONSE, 3, number)
        talk.append((answer, CLIENT, SERVER))
        talk.append((plain(DatagramType.NOCALL, number + 1, activity), SERVER, CLIENT))
        talk.append((write.cancel(activity, sequence=number + 1), CLIENT, SERVER))
        talk.append((write.datagram_status(DatagramType.REJECT, activity, 5, sequence=number + 1), OTHER_PORT, CLIENT))
    return [segment(frame, *said) for frame, said in enumerate(talk, 1)]


@settings(deadline=None)  # a whole talk each
@given(st.data())
def test_mutated_and_cut_datagrams_in_any_order(data: st.DataObject) -> None:
    """Values and never an exception; each frame at most once a request and once a reply; nothing stays open."""
    segments = conversation_of_many()
    rng = random.Random(data.draw(st.integers(0, 1 << 32)))
    rng.shuffle(segments)
    hostile = []
    for each in segments:
        octets = bytearray(each.payload)
        for _ in range(rng.choice((0, 0, 1, 4))):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        cut = rng.choice((len(octets), len(octets), rng.randrange(len(octets) + 1)))
        hostile.append(each._replace(payload=memoryview(bytes(octets[:cut]))))
    activities = Activities(stubs_of=frozenset((INTERFACE.uuid,)))
    told: list[DatagramCall] = []
    for each in hostile:
        told += activities.feed(each)
    told += activities.close(None)
    for side in ("request", "reply"):
        frames = Counter(frame for said in told for frame in (getattr(said.call, side) or ((),))[0])
        assert max(frames.values(), default=1) == 1
    assert (activities._open_calls, activities._open_fragments, activities._held_octets) == (0, 0, 0)
    assert activities.limits == {}
