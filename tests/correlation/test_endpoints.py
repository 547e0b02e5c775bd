"""Connections, and what went wrong on them, find the answer that told their place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from capture_views import unjoined
from incident_records import CLIENT, SERVER, call, endpoint, event, report, stream
from report_values import ICLASSFACTORY
from shared_captures import SHARED, needs_shared

from rpctrace.correlation import endpoints
from rpctrace.report import Clock, Host

OTHER_CLIENT = Host("10.77.0.99", 40000, None)


def told(*records: Any, **changes: Any) -> str | None:
    """The endpoint of the one stream among the records."""
    return endpoints.join(report(*records, **changes)).streams[0].endpoint


def test_a_connection_and_its_answer_name_each_other() -> None:
    joined = endpoints.join(report(endpoint("endpoint-1", 1), stream("tcp-0-1", 2)))
    assert (joined.streams[0].endpoint, joined.streams[0].purpose) == ("endpoint-1", "samr")
    assert joined.endpoints[0].connections == ("tcp-0-1",)


@pytest.mark.parametrize(
    "changes",
    [
        {"port": 49155},
        {"teller": "10.77.0.99"},
        {"server": "10.77.0.99"},
        {"port": None},
        {"frame": 900, "time_ns": 9_000_000_000},
    ],
)
def test_another_place_and_a_later_answer_told_nothing(changes: dict[str, Any]) -> None:
    assert told(endpoint("endpoint-1", 1, **changes), stream("tcp-0-1", 2)) is None


def test_a_binding_names_another_host_than_the_teller() -> None:
    """As an address, or by a name that the capture resolves."""
    elsewhere = Host("10.77.0.60", 49154, "files.domainb.com")
    for server in ("10.77.0.60", "FILES", "files.domainb.com"):
        assert told(endpoint("endpoint-1", 1, server=server), stream("tcp-0-1", 2, server=elsewhere)) == "endpoint-1"


@pytest.mark.parametrize("pipe", ["\\pipe\\samr", "\\PIPE\\samr", "samr"])
def test_pipes_are_compared_by_name(pipe: str) -> None:
    opened = stream("np-0-1", 2, server=Host(SERVER, 445, None), pipe="\\pipe\\samr")
    assert told(endpoint("endpoint-1", 1, port=None, pipe=pipe), opened) == "endpoint-1"
    assert told(endpoint("endpoint-1", 1, port=445), opened) is None


def test_the_latest_answer_before_counts() -> None:
    answers = [endpoint(f"endpoint-{second}", second) for second in (1, 2, 4)]
    assert told(*answers, stream("tcp-0-1", 3)) == "endpoint-2"


def test_an_answer_to_the_same_client_counts_before_a_later_one_to_another() -> None:
    """And what was told to another only is better than nothing."""
    own = (call("call-1", 0.9), endpoint("endpoint-1", 1, call="call-1"))
    others = (call("call-2", 1.4, client=OTHER_CLIENT), endpoint("endpoint-2", 1.5, call="call-2"))
    assert told(*own, *others, stream("tcp-0-1", 2)) == "endpoint-1"
    assert told(*others, stream("tcp-0-1", 2)) == "endpoint-2"


def test_an_answer_about_an_interface_that_was_bound_counts_first() -> None:
    """Several interfaces on one port."""
    answers = [
        endpoint("endpoint-1", 1, interface_uuid=ICLASSFACTORY.uuid),
        endpoint("endpoint-2", 1, interface_uuid="12345678-1234-abcd-ef00-01234567cffb"),
    ]
    bind = call("call-9", 2.1, kind="bind", connection="tcp-0-1", interfaces=(ICLASSFACTORY,))
    assert told(*answers, bind, stream("tcp-0-1", 2)) == "endpoint-1"


def test_a_refused_port_and_a_refused_pipe_were_told() -> None:
    refused = event(2, kind="no_answer")
    pipe = event(3, kind="pipe_refused", server=Host(SERVER, 445, None), name="\\pipe\\spoolss")
    answers = [endpoint("endpoint-1", 1), endpoint("endpoint-2", 1, port=None, pipe="\\PIPE\\spoolss")]
    joined = endpoints.join(report(*answers, refused, pipe, event(0.5)))
    assert [each.endpoint for each in joined.events] == ["endpoint-1", "endpoint-2", None]


def test_captures_without_a_common_clock_are_not_compared() -> None:
    """With one, the connection at 2 s by its own clock began before the answer."""
    records = (endpoint("endpoint-1", 1), stream("tcp-1-1", 2, capture=1))
    assert told(*records, captures=2) is None
    assert told(*records, captures=2, clocks=(Clock(1, 0, 0, 0, 2),)) == "endpoint-1"
    assert told(*records, captures=2, clocks=(Clock(1, 0, -1_500_000_000, 0, 2),)) is None


def test_an_answer_that_was_withdrawn_from_a_connection_loses_it() -> None:
    """Joins are worked out anew from the records."""
    stale = replace(endpoint("endpoint-1", 5), connections=("tcp-0-1",))
    joined = endpoints.join(report(stale, replace(stream("tcp-0-1", 2), endpoint="endpoint-1", purpose="samr")))
    assert (joined.streams[0].endpoint, joined.endpoints[0].connections) == (None, ())


@needs_shared
@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("lab/a-clean/xforest-rpcclient-tcp-sign.pcap", {("samr", 49154)}),
        ("lab/a-impacket/imp-secretsdump.pcap", {("drsuapi", 49153)}),
        ("public/dcom-classfactory-ntlm-fallback.pcap", {("objects of class MMC20.Application", 49724)}),
    ],
)
def test_every_dynamic_port_in_captures_was_told(name: str, places: set[tuple[str, int]]) -> None:
    joined = endpoints.join(unjoined(SHARED / name))
    dynamic = [each for each in joined.streams if each.server.port not in (135, 445)]
    assert {(each.purpose, each.server.port) for each in dynamic} == places
    assert all(each.client.address != CLIENT or each.server.address == SERVER for each in dynamic)
    listed = [identity for each in joined.endpoints for identity in each.connections]
    assert sorted(listed) == sorted(each.id for each in dynamic)
