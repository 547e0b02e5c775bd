"""Every bound that can be reached while reading, by the name under which it is counted in the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rpctrace import tally
from rpctrace.conversations import rpc
from rpctrace.protocols.dcerpc import activity, association, contexts, datagram_call, datagram_fragments, security
from rpctrace.protocols.dissector import Problems
from rpctrace.report import Limit
from rpctrace.scan import flows
from rpctrace.stream import direction, reassembly

PDUS_KEPT = 1_000_000
EXCHANGES_KEPT = 50_000
EVENTS_KEPT = 10_000
ENDPOINTS_KEPT = 20_000  # calls that told some
BOUNDS = {
    "authentications_kept": EXCHANGES_KEPT,
    "calls_kept": tally.CALLS_KEPT,
    "conflicts_kept": rpc.CONFLICTS_KEPT,
    "conflicts_not_told": direction.MAXIMUM_CONFLICTS,
    "connections": reassembly.MAXIMUM_CONNECTIONS,
    "connections_idle": reassembly.MAXIMUM_IDLE_NS,
    "endpoints_kept": ENDPOINTS_KEPT,
    "events_kept": EVENTS_KEPT,
    "exchanges_kept": EXCHANGES_KEPT,
    "flows": flows.MAXIMUM_KEYS // 2,
    "fragments_of_a_pdu": association.MAXIMUM_FRAGMENTS_OF_A_PDU,
    "held_octets": flows.MAXIMUM_HELD_OCTETS,
    "notable_calls_kept": tally.NOTABLE_CALLS_KEPT,
    "open_calls": association.MAXIMUM_OPEN_CALLS,
    "parked_octets": reassembly.MAXIMUM_PARKED_OCTETS,
    "parked_octets_of_a_direction": direction.MAXIMUM_PARKED_OCTETS,
    "pdus_kept": PDUS_KEPT,
    "presentation_contexts": contexts.MAXIMUM_CONTEXTS,
    "problems_kept": Problems.MAXIMUM,
    "remembered_octets": reassembly.MAXIMUM_REMEMBERED_OCTETS,
    "resets_beyond_window": direction.WINDOW_OCTETS,
    "security_contexts": security.MAXIMUM_CONTEXTS,
    "segments_after_their_gap": direction.REMEMBERED_GAPS,
    "segments_behind_fin": 0,
    "segments_beyond_window": direction.WINDOW_OCTETS,
    "streams_kept": rpc.STREAMS_KEPT,
    "summary_rows": tally.SUMMARY_ROWS,
}


def limits_reached(counts: Mapping[str, int]) -> Iterator[Limit]:
    """The bounds that were reached, by name."""
    for name, count in sorted(counts.items()):
        if count:
            yield Limit(name, BOUNDS[name], count)
