"""Captures of one incident: what several of them hold is one entry, and their clocks are known to each other."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from builders import pcap
from capture_views import frames_of, unjoined, view
from hypothesis import given
from hypothesis import strategies as st
from incident_records import (
    CLIENT,
    MILLISECOND,
    REALM_A,
    REALM_B,
    SECOND,
    SERVER,
    ap_exchange,
    as_exchange,
    call,
    endpoint,
    event,
    ntlm_authentication,
    one_direction,
    report,
    stream,
    tgs_exchange,
    tgt,
    ticket,
)
from report_values import capture, refused_call
from shared_captures import SHARED, captures_in, needs_shared

from rpctrace.correlation import captures
from rpctrace.correlation.registry import correlate
from rpctrace.correlation.timeline import Timeline
from rpctrace.report import Call, Clock, Host, Report, Stream

OWN = tgt(REALM_A, digest="t")
SERVICE = ticket(REALM_B, "host", "dc1.domainb.com", digest="s")


def talk(number_of_capture: int, first: int, ahead: float = 0, **changes: Any) -> list[Call]:
    """bind, auth3, and five requests, of which the ids start at 2; a tenth of a second apart."""
    kinds = ["bind", "auth3", *["request"] * 5]
    return [
        call(
            f"call-{first + number}",
            1 + number / 10 + ahead,
            **{"capture": number_of_capture, "kind": kind, "call_id": max(2, number), "opnum": number, **changes},
        )
        for number, kind in enumerate(kinds)
    ]


def joined(*records: Any, number: int = 2, **changes: Any) -> Report:
    whole = captures.join(report(*records, captures=number, **changes))
    assert captures.join(whole) == whole
    return whole


def test_one_capture_stays_as_it_is() -> None:
    alone = report(*talk(0, 1), as_exchange("krb-1", 1, OWN))
    assert captures.join(alone) is alone


def test_two_captures_of_the_same_calls() -> None:
    """Every call once, with the frames of the other; the second clock is 30 s ahead."""
    whole = joined(*talk(0, 1), *talk(1, 8, 30))
    assert [each.id for each in whole.calls] == [f"call-{number}" for number in range(1, 8)]
    assert {len(each.also_seen) for each in whole.calls} == {1}
    (clock,) = whole.clocks
    assert (clock.capture, clock.reference, clock.offset_ns, clock.frames) == (1, 0, -30 * SECOND, 14)


def test_the_same_file_twice() -> None:
    """Identical captures: nothing is left of the second, no distance."""
    whole = joined(*talk(0, 1), *talk(1, 8))
    assert {each.capture for each in whole.calls} == {0}
    assert (whole.clocks[0].offset_ns, whole.clocks[0].uncertainty_ns) == (0, 0)


def test_what_only_one_capture_holds_stays() -> None:
    """The second began behind the bind and went on longer."""
    whole = joined(*talk(0, 1)[:5], *talk(1, 8, 3)[2:])
    assert [(each.id, len(each.also_seen)) for each in whole.calls] == [
        ("call-1", 0), ("call-2", 0), ("call-3", 1), ("call-4", 1), ("call-5", 1), ("call-13", 0), ("call-14", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"client": Host("192.0.2.1", 49834, None)},  # behind NAT it has another address
        {"client": Host(CLIENT, 49835, None)},
        {"transport": "ncacn_np"},
        {"status": 5, "reply": "fault", "outcome": "faulted"},
    ],
)
def test_other_calls_are_not_the_same(changes: dict[str, Any]) -> None:
    whole = joined(*talk(0, 1), *talk(1, 8, **changes))
    assert len(whole.calls) == 14
    assert whole.clocks == ()


def test_a_reused_port() -> None:
    """Two connections of one port an hour apart in the first, only the later one in the second."""
    whole = joined(*talk(0, 1), *talk(0, 8, 3600), *talk(1, 15, 3605), call("call-90", 500, call_id=77),
                   call("call-91", 505, call_id=77, capture=1))  # fmt: skip
    assert [each.id for each in whole.calls if each.also_seen] == [*(f"call-{n}" for n in range(8, 15)), "call-90"]
    assert whole.clocks[0].offset_ns == -5 * SECOND


def test_either_direction_in_a_capture_of_its_own() -> None:
    """No frame is in both, so their clocks stay unknown; each call is one all the same."""
    asked = [one_direction(each, "requests") for each in talk(0, 1)]
    came = [one_direction(replace(each, capture=1), "replies") for each in talk(0, 8) if each.kind != "auth3"]
    whole = joined(*asked, *came)
    assert [(each.id, each.outcome) for each in whole.calls] == [
        (f"call-{number}", "not captured" if number == 2 else "answered") for number in range(1, 8)
    ]
    assert whole.clocks == ()


def test_three_captures_of_one_call() -> None:
    """And two that hold what the first does not."""
    whole = joined(
        call("call-1", 1),
        call("call-2", 11, capture=1),
        call("call-3", 12, capture=1, call_id=9),
        call("call-4", 21, capture=2),
        call("call-5", 22, capture=2, call_id=9),
        number=3,
    )
    assert [(each.id, [seen.capture for seen in each.also_seen]) for each in whole.calls] == [
        ("call-1", [1, 2]), ("call-3", [2]),
    ]  # fmt: skip
    assert [(clock.capture, clock.offset_ns) for clock in whole.clocks] == [(1, -10 * SECOND), (2, -20 * SECOND)]


def test_what_refers_to_a_call_that_went_refers_to_the_one_that_stayed() -> None:
    """The second capture has the whole call, the first only asks: its exchange and endpoints turn to the second's."""
    whole = joined(
        one_direction(call("call-1", 1), "requests"),
        call("call-2", 31, capture=1),
        ap_exchange("krb-1", 1, SERVICE, call="call-1", reply=None, reply_frame=None, reply_ns=None),
        ap_exchange("krb-2", 50, SERVICE, call="call-2", capture=1, sname=("other",)),
        endpoint("endpoint-1", 1, call="call-1"),
        endpoint("endpoint-2", 31, call="call-2", capture=1),
        endpoint("endpoint-3", 31, call="call-2", capture=1, port=49155),
    )
    assert [each.id for each in whole.calls] == ["call-2"]
    assert {each.call for each in whole.kerberos} == {"call-2"}
    assert [(each.id, each.call) for each in whole.endpoints] == [("endpoint-2", "call-2"), ("endpoint-3", "call-2")]


def test_endpoints_of_another_capture_stay_where_the_kept_call_told_none() -> None:
    told = [endpoint(f"endpoint-{number}", 31, call="call-2", capture=1, port=49152 + number) for number in (1, 2)]
    whole = joined(call("call-1", 1), call("call-2", 31, capture=1), *told)
    assert [(each.id, each.call) for each in whole.endpoints] == [("endpoint-1", "call-1"), ("endpoint-2", "call-1")]


def test_exchanges_authentications_and_events_are_one_each_and_streams_are_not() -> None:
    client = Host(CLIENT, 41000, None)

    def seen(where: int, ahead: float) -> list[Any]:
        return [
            as_exchange(f"krb-{10 * where + 1}", 1 + ahead, OWN, capture=where, client=client),
            tgs_exchange(f"krb-{10 * where + 2}", 2 + ahead, OWN, SERVICE, capture=where, client=client),
            ntlm_authentication(f"auth-{10 * where + 1}", 3 + ahead, capture=where),
            event(4 + ahead, capture=where),
            replace(stream(f"tcp-{where}-0", 1 + ahead), capture=where),
        ]

    whole = joined(*seen(0, 0), *seen(1, 60))
    assert [each.id for each in whole.kerberos] == ["krb-1", "krb-2"]
    assert [each.id for each in whole.authentications] == ["auth-1"]
    assert [each.capture for each in whole.events] == [0]
    assert all(each.also_seen for each in (*whole.kerberos, *whole.authentications, *whole.events))
    assert [each.id for each in whole.streams] == ["tcp-0-0", "tcp-1-0"]
    assert whole.clocks[0].offset_ns == -60 * SECOND


def test_a_reply_alone_names_what_was_issued_and_is_the_same_exchange() -> None:
    """The referral's TGT instead of the service asked for."""
    to_b = tgt(REALM_B, issued_by=REALM_A, digest="ab")
    asked = tgs_exchange("krb-1", 1, OWN, to_b, sname=SERVICE.sname)
    alone = replace(asked, id="krb-2", capture=1, sname=to_b.sname, presented=None, request_frame=None, request_ns=None)
    whole = joined(asked, alone)
    assert [(each.id, each.sname) for each in whole.kerberos] == [("krb-1", SERVICE.sname)]


def test_a_fault_alone_does_not_tell_what_it_answers() -> None:
    alter = refused_call(id="call-1", also_seen=())
    alone = replace(one_direction(alter, "replies"), id="call-2", capture=1, kind="request")
    (kept,) = joined(alter, alone).calls
    assert (kept.id, kept.kind, len(kept.also_seen)) == ("call-1", "alter_context", 1)


def ring(*records: Any, gap: float = 0.1) -> Report:
    """Two files, of which the second begins `gap` seconds after the first ended at 2 s."""
    facts = (
        capture(first_ns=0, last_ns=2 * SECOND),
        capture(first_ns=round((2 + gap) * SECOND), last_ns=11 * SECOND),
    )
    whole = captures.join(replace(report(*records), captures=facts))
    assert captures.join(whole) == whole
    return whole


def test_files_that_follow_one_another_have_one_clock_and_hold_nothing_twice() -> None:
    """Every call of impacket has the id 1: in overlapping captures these would be the same."""
    calls = [call(f"call-{number}", 1 + number / 10, call_id=1, capture=number // 10) for number in range(20)]
    whole = ring(*calls)
    assert whole.calls == tuple(calls)
    assert whole.clocks == (Clock(1, 0, 0, 0, 0),)


def test_not_even_in_the_third_file() -> None:
    """The first and the third are far apart, and of one clock all the same."""
    calls = [call(f"call-{number}", 1 + 100 * number, call_id=1, capture=number) for number in range(3)]
    facts = tuple(
        capture(first_ns=100 * number * SECOND, last_ns=(100 * number + 99) * SECOND) for number in range(3)
    )
    for order in ((0, 1, 2), (2, 0, 1)):
        files = tuple(facts[number] for number in order)
        moved = [replace(each, capture=order.index(each.capture)) for each in calls]
        whole = captures.join(replace(report(*moved), captures=files))
        assert whole.calls == tuple(moved)
        assert [(clock.offset_ns, clock.frames) for clock in whole.clocks] == [(0, 0), (0, 0)]


def test_a_call_that_the_border_of_two_files_cut_is_one() -> None:
    asked = one_direction(call("call-1", 1.99, call_id=1), "requests")
    came = one_direction(call("call-2", 2.01, call_id=1, capture=1, request_ns=None), "replies")
    later = call("call-3", 3, call_id=1, capture=1)
    whole = ring(call("call-0", 1, call_id=1), asked, came, later)
    assert [(each.id, each.reply, len(each.also_seen)) for each in whole.calls] == [
        ("call-0", "response", 0), ("call-1", "response", 1), ("call-3", "response", 0),
    ]  # fmt: skip


def test_captures_far_apart_or_of_other_hosts_do_not_follow() -> None:
    first, second = call("call-1", 1), call("call-2", 3, capture=1, call_id=7)
    assert ring(first, second).clocks != ()
    assert ring(first, second, gap=11).clocks == ()
    assert ring(first, replace(second, server=Host("10.77.0.99", 135, None))).clocks == ()


def test_clocks_that_are_apart_by_the_length_of_the_capture_are_no_border() -> None:
    """Three pairs that agree on it say so; a bind with its association group, or an issued ticket, says so alone."""
    whole = ring(*talk(0, 1), *talk(1, 8, 2.5))
    assert len(whole.calls) == 7
    assert whole.clocks[0].offset_ns == -round(2.5 * SECOND)
    client = Host(CLIENT, 41000, None)
    logons = [
        as_exchange(f"krb-{where}", 1 + 3 * where, OWN, capture=where, client=client) for where in (0, 1)
    ]
    assert len(ring(*logons).kerberos) == 1
    for kind, left in (("bind", 1), ("alter_context", 2)):
        said = {"kind": kind, "reply": "bind_ack", "association_group": 0x5E68}
        binds = [call(f"call-{n}", 1 + 3 * n, capture=n, **said) for n in (0, 1)]
        assert len(ring(*binds).calls) == left


SIGHTS = st.lists(st.sampled_from(("whole", "requests", "replies", "lost")), min_size=3, max_size=3)


@given(
    sights=st.lists(SIGHTS, min_size=1, max_size=12),
    ahead=st.lists(st.integers(-100, 100), min_size=3, max_size=3),
    ids=st.integers(1, 12),
)
def test_whatever_captures_lack_nothing_is_lost_and_references_hold(
    sights: list[list[str]], ahead: list[int], ids: int
) -> None:
    """Three captures, each without some calls or halves of calls; every call carries an exchange and an endpoint."""
    records: list[Any] = []
    for number, places in enumerate(sights):
        for where, sight in enumerate(places):
            moment, name = 1 + number * 1.37 + ahead[where], f"call-{where}-{number}"
            whole = call(name, moment, call_id=number % ids, opnum=number, capture=where)
            if sight == "lost":
                continue
            records.append(whole if sight == "whole" else one_direction(whole, sight))
            digest = replace(SERVICE, fingerprint=f"{number}")
            records.append(ap_exchange(f"krb-{where}-{number}", moment, digest, call=name, capture=where))
            records.append(endpoint(f"endpoint-{where}-{number}", moment, call=name, capture=where, port=number))
    together = joined(*records, number=3)
    names = {each.id for each in together.calls}
    assert len(names) == len(together.calls)
    assert {each.call for each in (*together.kerberos, *together.endpoints)} <= names
    seen = [(each.capture, each.id) for each in together.calls]
    sighted = len(seen) + sum(len(each.also_seen) for each in together.calls)
    assert sighted == sum(place != "lost" for places in sights for place in places)
    assert {each.port for each in together.endpoints} == {
        number for number, places in enumerate(sights) if set(places) != {"lost"}
    }
    for each in together.calls:
        captures_of_it = [each.capture, *(sighting.capture for sighting in each.also_seen)]
        assert len(set(captures_of_it)) == len(captures_of_it)
    assert {clock.capture for clock in together.clocks} <= {1, 2}


# What makes a call the same in the whole capture and in those of its parts: all but where and when.
ELSEWHERE: dict[str, Any] = {
    "id": "", "capture": 0, "connection": "", "also_seen": (),
    "request_frames": (), "request_ns": None, "request_time": None,
    "reply_frames": (), "reply_ns": None, "reply_time": None,
}  # fmt: skip


def told(whole: Report) -> list[Call]:
    """Calls in the order of the incident, without where and when; of a ticket's exchange, for what it was."""
    timeline = Timeline(whole.clocks)
    issued = {each.id: f"{each.kind} {each.sname} {each.ticket and each.ticket.fingerprint}" for each in whole.kerberos}

    def began(each: Call) -> Any:
        return timeline.position(each.capture, each.request_ns, each.request_frames[-1])

    return [
        replace(
            each,
            **ELSEWHERE,
            ticket=each.ticket and replace(each.ticket, frame=0, exchange=issued.get(each.ticket.exchange or "")),
        )
        for each in sorted(whole.calls, key=began)
    ]


INCIDENTS = (
    "u2u/u2u-fault-721-cross-forest.pcap",
    "u2u/u2u-fault-721-retry-same-connection.pcap",
    "u2u/u2u-ok.pcap",
    "lab/a-clean/xforest-rpcclient-tcp-sign.pcap",
    "lab/a-clean/xforest-rpcclient-np-smb21.pcap",
    "lab/b1-0x721/alter-second-context-bad.pcap",
    "lab/a-impacket/imp-secretsdump.pcap",
    "lab/a-impacket/imp-rpcmap.pcap",
)
MACHINES = (
    ("10.77.0.50", "fd77::50"),
    ("10.77.0.51", "fd77::51"),
    (SERVER, "fd77::12"),
    ("10.77.0.11", "fd77::11"),
)
AHEAD_NS = (0, 3_000_000_000, -7_200_000_000_000, 123_456_789)
WAY_NS = 200_000


def parts(name: str) -> list[bytes]:
    """As the client, the other computer, the server and the other realm's KDC would have captured it."""
    frames = frames_of(SHARED / name)
    return [
        view(frames, *addresses, clock_ns=ahead, way_ns=WAY_NS if number else 0)
        for number, (addresses, ahead) in enumerate(zip(MACHINES, AHEAD_NS, strict=True))
    ]


def read(octets: list[bytes]) -> Report:
    return correlate(unjoined([io.BytesIO(each) for each in octets]))


@needs_shared
@pytest.mark.parametrize("name", INCIDENTS)
def test_the_parts_of_a_capture_are_the_whole(name: str) -> None:
    """Client, server and KDC, whose clocks are seconds and hours apart: the same calls, exchanges and paths."""
    whole, together = correlate(unjoined(SHARED / name)), read(parts(name))
    assert told(together) == told(whole)
    assert len(together.kerberos) == len(whole.kerberos)
    assert len(together.endpoints) == len(whole.endpoints)
    assert [(path.realms, path.sname, path.outcome) for path in together.referral_paths] == [
        (path.realms, path.sname, path.outcome) for path in whole.referral_paths
    ]
    for each in (*together.calls, *together.kerberos, *together.authentications):
        assert len(each.also_seen) == 1, each.id
    for clock in together.clocks:
        assert abs(clock.offset_ns + AHEAD_NS[clock.capture]) <= max(clock.uncertainty_ns, MILLISECOND // 1000)
        assert clock.uncertainty_ns <= 2 * WAY_NS
    shared = {each.capture for call in together.calls for each in call.also_seen}
    assert shared <= {clock.capture for clock in together.clocks} | {0}
    assert correlate(together) == together


@needs_shared
@pytest.mark.parametrize("name", INCIDENTS)
def test_a_capture_given_twice_is_itself(name: str) -> None:
    """But for what is kept per capture."""
    path = SHARED / name
    once, twice = correlate(unjoined(path)), correlate(unjoined([path, path]))
    assert [replace(each, also_seen=()) for each in twice.calls] == list(once.calls)
    assert [replace(each, also_seen=()) for each in twice.kerberos] == list(once.kerberos)
    assert twice.referral_paths == once.referral_paths
    assert [replace(each, connections=()) for each in twice.endpoints] == [
        replace(each, connections=()) for each in once.endpoints
    ]
    assert {clock.offset_ns for clock in twice.clocks} <= {0}
    assert len(twice.streams) == 2 * len(once.streams)
    assert places(twice.streams) == places(once.streams) * 2


def places(streams: tuple[Stream, ...]) -> list[tuple[str | None, str | None]]:
    return [(each.endpoint, each.purpose) for each in streams]


@needs_shared
@pytest.mark.parametrize("name", ["lab/a-clean/xforest-rpcclient-tcp-sign.pcap", "lab/a-impacket/imp-rpcmap.pcap"])
def test_one_direction_at_the_client_and_the_other_at_the_server(name: str) -> None:
    """Together every call with its answer, though no frame is in both."""
    frames = frames_of(SHARED / name)
    whole = unjoined(SHARED / name)
    asked = view(frames, *MACHINES[0], received=False)
    came = view(frames, *MACHINES[0], sent=False, clock_ns=3600 * SECOND)
    together = read([asked, came])
    assert [(each.kind, each.call_id, each.reply, each.status) for each in together.calls if each.kind != "auth3"] == [
        (each.kind, each.call_id, each.reply, each.status) for each in whole.calls if each.kind != "auth3"
    ]


@needs_shared
def test_a_capture_that_began_late_at_the_server() -> None:
    """The client's whole, and the server's from the middle on: no call twice, none lost."""
    name = "lab/a-impacket/imp-rpcmap.pcap"
    frames = frames_of(SHARED / name)
    whole = unjoined(SHARED / name)
    late = view(frames[len(frames) // 2 :], *MACHINES[2], clock_ns=-SECOND, way_ns=WAY_NS)
    together = read([view(frames, *MACHINES[0]), late])
    assert len(together.calls) == len(whole.calls)
    assert 0 < sum(bool(each.also_seen) for each in together.calls) < len(whole.calls)
    (clock,) = together.clocks
    assert abs(clock.offset_ns - SECOND) <= clock.uncertainty_ns


@needs_shared
@pytest.mark.parametrize("name", INCIDENTS[1:4])
def test_the_files_of_a_ring_buffer_are_the_whole(name: str) -> None:
    """Cut anywhere: every call once, with its answer, though a border lies between; endpoints told before it count."""
    frames, whole = frames_of(SHARED / name), correlate(unjoined(SHARED / name))
    found = sum(each.endpoint is not None for each in whole.streams)
    for at in range(len(frames) // 9, len(frames), len(frames) // 9):
        halves = [pcap(half, nanoseconds=True) for half in (frames[:at], frames[at:])]
        together = read(halves)
        assert [(each.call_id, each.reply, each.status) for each in together.calls] == [
            (each.call_id, each.reply, each.status) for each in whole.calls
        ]
        assert {clock.offset_ns for clock in together.clocks} <= {0}
        assert sum(each.endpoint is not None for each in together.streams) >= found


@needs_shared
@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("netmon-made/krb135_v2_3.cap", 0),
        ("netmon-made/krb135_v2_0_local_pst.cap", 8),
        ("encap/krb135_vxlan_4789.pcapng", 0),
        ("compressed/krb135.pcapng.gz", 0),
    ],
)
def test_other_containers_of_the_same_frames(name: str, hours: int) -> None:
    """A Network Monitor file in local time is hours away; a tunnel, a format and a compression are not."""
    formats = SHARED / "formats"
    one = unjoined(formats / "pcap" / "krb135.pcap")
    together = correlate(unjoined([formats / "pcap" / "krb135.pcap", formats / name]))
    assert len(together.calls) == len(one.calls) == 3
    (clock,) = together.clocks
    assert abs(clock.offset_ns - hours * 3600 * SECOND) < 2 * MILLISECOND


@needs_shared
def test_captures_of_other_incidents_are_not_mixed() -> None:
    """All refusals of the lab at once: the same hosts, one after the other."""
    paths = captures_in(SHARED / "lab" / "b1-0x721")
    apart = unjoined(paths)
    together = correlate(apart)
    assert len(paths) == 17
    assert [each.id for each in together.calls] == [each.id for each in apart.calls]
    assert [each.id for each in together.kerberos] == [each.id for each in apart.kerberos]
    assert not any(clock.frames for clock in together.clocks)
