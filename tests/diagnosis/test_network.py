"""Attempts, their evidence, and what the end of a capture leaves open."""

from __future__ import annotations

from incident_records import SECOND, endpoint, event, exchange, report, stream

from rpctrace.diagnosis import network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.report import Host


def test_attempts_by_kind_and_port() -> None:
    here = event(1, kind="refused"), event(2, kind="refused", server=Host("10.77.0.12", 88, None))
    evidence = Evidence(report(*here, event(3, kind="idle")))
    assert len(list(network.attempts(evidence, network.REFUSED))) == 2
    (failure,) = network.attempts(evidence, network.REFUSED, port=88)
    assert network.tries(failure) == 1
    (item,) = network.event_items(failure)
    assert item.text.endswith("10.77.0.50 to 10.77.0.12 port 88, 1 time")


def test_the_end_of_a_capture() -> None:
    """Told where it is near, with how near; unknown times say nothing."""
    held = report(event(1), exchange("krb-1", 1))
    facts = held.captures[0].__class__(**{**{n: getattr(held.captures[0], n) for n in held.captures[0].__slots__},
                                          "last_ns": 3 * SECOND})  # fmt: skip
    near = Evidence(report(event(1), captures=1).__class__(held.tool, (facts,), ()))
    clue = network.ends_soon(near, event(1))
    assert clue is not None
    assert clue.text == "the capture ends 2.0 s later"
    assert network.ends_soon_after(near, exchange("krb-1", 1)) is not None
    far = Evidence(held)
    assert network.ends_soon(far, event(1)) is None
    assert network.ends_soon(near, event(1, last_ns=None)) is None


def test_where_an_answer_sends_and_what_was_made() -> None:
    told = endpoint("e-1", 0, teller="10.77.0.90")
    assert not network.connected_to(Evidence(report(told, stream("tcp-0-1", 1))))
    evidence = Evidence(report(told, stream("tcp-0-1", 1), event(1)))
    assert network.is_elsewhere(event(1), told, evidence)
    assert not network.is_elsewhere(event(1), endpoint("e-1", 0), evidence)
    made = network.connected_to(evidence)
    hosts = evidence.hosts_of(event(1))
    assert hosts in made
    assert (*hosts, 49154) in made
    assert (*hosts, 135) not in made
    # The same addresses in a capture of another time are other hosts
    assert evidence.hosts_of(event(1, capture=1)) not in made
    assert network.told_item(told).frame == told.frame
