"""One record of several: the most complete stays, what it lacks is filled in, what the others saw is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from incident_records import (
    REALM_A,
    REALM_B,
    call,
    event,
    frame_at,
    ntlm_authentication,
    one_direction,
    refused,
    shown,
    tgs_exchange,
    tgt,
    ticket,
)
from report_values import ICLASSFACTORY, KERBEROS, refused_call

from rpctrace.correlation.merging import ANSWER_LOST, merged, sightings
from rpctrace.report import Call, Event, Host, KerberosExchange, Sighting

SERVICE = ticket(REALM_B, "host", "dc1.domainb.com", digest="aa")
FIRST = call("call-1", 1)
SECOND = call("call-9", 4, capture=1, connection="tcp-1-0")


def one(*records: Any) -> Any:
    return merged(records)


def test_equal_ones_are_the_first_capture_s() -> None:
    assert one(SECOND, FIRST) == replace(
        FIRST, also_seen=(Sighting(1, SECOND.request_frames, SECOND.request_ns, SECOND.reply_frames, SECOND.reply_ns),)
    )


def test_the_more_complete_one_stays() -> None:
    """A whole answer before a lost one, a whole call before a partial one, a ticket before none."""
    for poorer in (
        one_direction(FIRST, "requests"),
        one_direction(FIRST, "replies"),
        replace(FIRST, partial=True),
        replace(FIRST, interfaces=()),
        replace(FIRST, outcome="unanswered", reply=None, reply_frames=(), reply_ns=None),
    ):
        kept = one(poorer, SECOND)
        assert (kept.id, kept.capture, kept.request_frames) == ("call-9", 1, SECOND.request_frames)
        assert kept.also_seen == sightings(poorer)
    with_ticket = replace(SECOND, ticket=shown(SERVICE, 401))
    assert one(FIRST, with_ticket).id == "call-9"
    cut = replace(FIRST, ticket=shown(replace(SERVICE, fingerprint=None), 101))
    assert one(cut, with_ticket).id == "call-9"


def test_two_directions_are_one_call() -> None:
    """What came back is told, its frames are only in the sighting: they are another capture's."""
    alter = refused_call(id="call-1", auth=replace(KERBEROS, token="AP-REQ", reply_token=None), also_seen=())
    asked = one_direction(alter, "requests")
    fault = replace(
        one_direction(replace(alter, capture=1), "replies"), auth=replace(KERBEROS, token=None, kerberos_error=41)
    )
    kept = one(asked, fault)
    assert isinstance(kept, Call)
    assert (kept.kind, kept.outcome, kept.reply) == ("alter_context", "faulted", "fault")
    assert (kept.status, kept.status_name, kept.fault) == (alter.status, alter.status_name, alter.fault)
    assert (kept.request_frames, kept.reply_frames, kept.reply_ns) == (alter.request_frames, (), None)
    assert kept.interfaces == (ICLASSFACTORY,)
    assert kept.auth is not None
    assert (kept.auth.token, kept.auth.kerberos_error) == ("AP-REQ", 41)
    assert kept.also_seen == (Sighting(1, (), None, alter.reply_frames, alter.reply_ns),)
    assert kept.failed


def test_an_answer_that_did_not_arrive_everywhere_is_noted_once() -> None:
    lost: dict[str, Any] = {"outcome": "unanswered", "reply": None, "reply_frames": (), "reply_ns": None}
    kept = one(replace(FIRST, **lost), SECOND, replace(FIRST, capture=2, **lost))
    assert (kept.outcome, kept.notes) == ("answered", (*SECOND.notes, ANSWER_LOST))
    assert [each.reply_frames for each in kept.also_seen] == [(), ()]
    assert one(one_direction(FIRST, "requests"), SECOND).notes == SECOND.notes


def test_a_ticket_taken_over_is_in_the_frame_of_the_call_itself() -> None:
    """It stands on a request whose frame is known in both; a ticket of an earlier leg has no frame here."""
    whole = replace(FIRST, ticket=None)
    asked = replace(one_direction(SECOND, "requests"), ticket=shown(SERVICE, frame_at(4)))
    kept = one(whole, asked)
    assert kept.ticket == shown(SERVICE, frame_at(1))
    earlier = replace(asked, ticket=shown(SERVICE, frame_at(3)))
    assert one(whole, earlier).ticket is None


def test_what_a_cut_left_out_of_a_ticket_or_a_host_is_filled_in() -> None:
    cut = replace(FIRST, ticket=shown(replace(SERVICE, kvno=None), 101), client=Host("10.77.0.50", 49834, "ws1"))
    other = replace(SECOND, ticket=shown(SERVICE, 401), server=Host("10.77.0.12", 49154, "dc1"), partial=True)
    kept = one(cut, other)
    assert kept.ticket == shown(SERVICE, 101)
    assert (kept.client.name, kept.server.name) == ("ws1", "dc1")


def test_exchanges_and_authentications() -> None:
    """The KDC's own capture has the answer that the client's cut off."""
    asked = tgs_exchange("krb-1", 1, tgt(REALM_A), None, reply=None, reply_frame=None, reply_ns=None)
    asked = replace(asked, outcome="not captured", sname=SERVICE.sname, notes=("cut",))
    answered = tgs_exchange("krb-7", 3, replace(tgt(REALM_A), fingerprint="t"), SERVICE, capture=1)
    kept = one(asked, answered)
    assert isinstance(kept, KerberosExchange)
    assert (kept.id, kept.outcome, kept.ticket, kept.notes) == ("krb-7", "answered", SERVICE, ())
    assert kept.also_seen == (Sighting(0, (asked.request_frame,), asked.request_ns, (), None),)
    error = tgs_exchange("krb-8", 3, None, None, capture=1, request_frame=None, request_ns=None, **refused())
    kept = one(asked, error)
    assert (kept.id, kept.outcome, kept.error) == ("krb-1", "rejected", 7)
    assert (kept.reply, kept.reply_frame) == ("KRB-ERROR", None)
    session, again = ntlm_authentication("auth-1", 1), ntlm_authentication("auth-5", 6, capture=2)
    assert one(session, again) == replace(session, also_seen=sightings(again))


def test_events() -> None:
    """The one that counted most; frames are of its capture."""
    kept = one(event(1), event(4, capture=1, count=3))
    assert isinstance(kept, Event)
    assert (kept.capture, kept.count, kept.frames) == (1, 3, (401,))
    assert kept.also_seen == (Sighting(0, (101,), 1_000_000_000, (), None),)
