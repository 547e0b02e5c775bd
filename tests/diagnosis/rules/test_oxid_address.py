"""An address that a DCOM server tells and that cannot be reached."""

from __future__ import annotations

from causes import fired, judged, named, seen, stays_silent
from incident_records import SERVER, endpoint, event, stream

from rpctrace.diagnosis.rules import oxid_address
from rpctrace.report import Host

TELLER = "10.77.0.90"


def test_an_address_of_another_network() -> None:
    finding = fired("oxid-address")
    assert "sent 10.2.0.21 to 192.168.137.1 port 49158" in finding.summary
    assert seen(finding, oxid_address.NEVER_REACHED.weight)


def test_the_address_that_answers_is_another_rules() -> None:
    held = stays_silent("oxid-address")
    assert named(held.findings, "oxid-address") == []
    assert held.findings[0].rule == "dyn-port-blocked"


def test_an_address_that_is_reached_otherwise_speaks_against_it() -> None:
    told = endpoint("e-1", 0, teller=TELLER, server=SERVER)
    other = stream("tcp-0-1", 5, server=Host(SERVER, 445, None))
    (finding,) = judged(told, event(1, kind="refused", endpoint="e-1"), other, rule="oxid-address")
    assert seen(finding, oxid_address.REACHED.weight, supports=False)
    assert finding.severity == "note"
