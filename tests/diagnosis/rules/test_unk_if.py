"""Interfaces that are not there, and refusals that nobody misses."""

from __future__ import annotations

from dataclasses import replace

from incident_records import endpoint, stream
from judging import bound, faulted, findings, interface, judged, kerberos, only, shared
from shared_captures import needs_shared

from rpctrace.diagnosis.rules import unk_if as rule

RULE = rule.RULE
NO_INTERFACE = {"outcome": "rejected", "interfaces": (interface(result=2, reason=1),)}


def test_it_fires_on_requests_and_binds() -> None:
    """On a context that was refused, or never offered."""
    finding = findings("lab/unk-if.pcap")[RULE.name]
    assert finding.severity == "medium"
    assert "presentation context 7" in finding.summary
    assert "presentation context 1 was not accepted" in findings("lab/alter-rejected-ctx.pcap")[RULE.name].summary
    assert RULE.name not in findings("built/kerberos-bind-accepted.pcap")


@needs_shared
def test_a_token_that_was_taken_leaves_a_note() -> None:
    """The alter_context was for the token; no request uses the interface."""
    finding = shared("lab/b1-0x721/alter-np-ok.pcap")[RULE.name]
    assert finding.severity == "note"
    assert "nothing is missing" in finding.summary


def test_a_request_on_the_refused_context_counts() -> None:
    """Even if the token was taken."""
    alter = bound(1, kind="alter_context", auth=kerberos("AP-REQ", "AP-REP"), **NO_INTERFACE)
    assert only(RULE, alter).hypothesis.severity == "note"
    used = faulted(0x1C010003, interfaces=(), presentation_context_id=0, auth=kerberos())
    severities = [each.hypothesis.severity for each in judged(RULE, alter, used)]
    assert severities == ["low", None]


def test_many_interfaces_are_a_search() -> None:
    """One failure, of severity low."""
    binds = [
        bound(at, id=f"bind-{at}", outcome="rejected", interfaces=(interface(f"{at:08x}-0000-0000", 2, 1),))
        for at in range(1, 8)
    ]
    weighed = only(RULE, *binds)
    assert weighed.hypothesis.severity == "low"
    assert "and 3 more" in weighed.hypothesis.summary
    assert weighed.hypothesis.about.count == 7


def test_the_endpoint_may_be_out_of_date() -> None:
    """Who had named it is said."""
    told = stream("tcp-0-0", 1, endpoint="endpoint-1")
    weighed = only(RULE, bound(1, **NO_INTERFACE), told, endpoint("endpoint-1", 0.5))
    assert "out of date" in weighed.hypothesis.summary
    assert weighed.hypothesis.severity is None


def test_no_transfer_syntax_in_common() -> None:
    """Reason 2 for all; for the NDR64 context alone it is ordinary, and so is a KRB-ERROR another matter."""
    weighed = only(RULE, bound(1, outcome="rejected", interfaces=(interface(result=2, reason=2),)))
    assert "transfer syntax" in weighed.title
    mixed = (interface(result=0, reason=0), interface(result=2, reason=2, context=1))
    assert not judged(RULE, bound(1, interfaces=mixed))
    refused = replace(kerberos("AP-REQ", "KRB-ERROR"), kerberos_error=37)
    assert not judged(RULE, bound(1, auth=refused, **NO_INTERFACE))
