"""Every bound that can be reached while reading, by the name under which it is counted in the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rpctrace import tally
from rpctrace.conversations import rpc
from rpctrace.protocols.dcerpc import activity, association, contexts, datagram_fragments, security
from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.gssapi import authentications
from rpctrace.protocols.http import connection as http_connection
from rpctrace.protocols.http import headers as http_headers
from rpctrace.protocols.http import virtual_connections
from rpctrace.protocols.kerberos import datagrams as kdc_datagrams
from rpctrace.protocols.kerberos import exchange as kdc_exchange
from rpctrace.protocols.ldap import connection as ldap_connection
from rpctrace.protocols.ldap import framing as ldap_framing
from rpctrace.protocols.smb import server as smb_server
from rpctrace.protocols.smb import session as smb_session
from rpctrace.protocols.smb import state as smb_state
from rpctrace.report import Limit
from rpctrace.scan import flows
from rpctrace.stream import direction, incidents, reassembly

BOUNDS = {
    "attempts": incidents.MAXIMUM_ATTEMPTS,
    "attempts_given": flows.MAXIMUM_ATTEMPTS,
    "authentications_kept": tally.EXCHANGES_KEPT,
    "calls_kept": tally.CALLS_KEPT,
    "conflicts_kept": rpc.CONFLICTS_KEPT,
    "conflicts_not_told": direction.MAXIMUM_CONFLICTS,
    "connections": reassembly.MAXIMUM_CONNECTIONS,
    "connections_idle": reassembly.MAXIMUM_IDLE_NS,
    "datagram_conversations": activity.MAXIMUM_CONVERSATIONS,
    "endpoints_kept": tally.ENDPOINTS_KEPT,
    "events_kept": tally.EVENTS_KEPT,
    "exchange_tokens": authentications.MAXIMUM_TOKENS,
    "exchanges_kept": tally.EXCHANGES_KEPT,
    "flows": flows.MAXIMUM_KEYS // 2,
    "fragments_of_a_pdu": association.MAXIMUM_FRAGMENTS_OF_A_PDU,
    "held_datagram_octets": activity.MAXIMUM_HELD_OCTETS,
    "held_octets": flows.MAXIMUM_HELD_OCTETS,
    "http_head_octets": http_headers.MAXIMUM_HEAD_OCTETS,
    "http_requests": http_connection.MAXIMUM_PENDING_REQUESTS,
    "incidents": incidents.MAXIMUM_INCIDENTS,
    "ldap_bind_octets": ldap_framing.MAXIMUM_BIND_OCTETS,
    "ldap_pending_binds": ldap_connection.MAXIMUM_PENDING_BINDS,
    "notable_calls_kept": tally.NOTABLE_CALLS_KEPT,
    "open_calls": association.MAXIMUM_OPEN_CALLS,
    "open_calls_of_a_datagram_activity": activity.MAXIMUM_OPEN_CALLS_OF_AN_ACTIVITY,
    "open_datagram_activities": activity.MAXIMUM_ACTIVITIES,
    "open_datagram_calls": activity.MAXIMUM_OPEN_CALLS,
    "open_datagram_fragments": activity.MAXIMUM_OPEN_FRAGMENTS,
    "open_exchanges": authentications.MAXIMUM_OPEN_EXCHANGES,
    "open_requests": kdc_exchange.MAXIMUM_OPEN_REQUESTS,
    "pairs_of_ends": kdc_datagrams.MAXIMUM_PAIRS_OF_ENDS,
    "parked_octets": reassembly.MAXIMUM_PARKED_OCTETS,
    "parked_octets_of_a_direction": direction.MAXIMUM_PARKED_OCTETS,
    "pdus_kept": tally.PDUS_KEPT,
    "presentation_contexts": contexts.MAXIMUM_CONTEXTS,
    "problems_kept": Problems.MAXIMUM,
    "remembered_octets": reassembly.MAXIMUM_REMEMBERED_OCTETS,
    "request_copies": kdc_exchange.MAXIMUM_COPIES,
    "resets_beyond_window": direction.WINDOW_OCTETS,
    "security_contexts": security.MAXIMUM_CONTEXTS,
    "segments_after_their_gap": direction.REMEMBERED_GAPS,
    "segments_behind_fin": 0,
    "segments_beyond_window": direction.WINDOW_OCTETS,
    "servers_heard": kdc_datagrams.MAXIMUM_SERVERS_HEARD,
    "smb_covered_sessions": smb_session.MAXIMUM_COVERED_SESSIONS,
    "smb_owned_sessions": smb_server.MAXIMUM_OWNED_SESSIONS,
    "smb_pending_requests": smb_state.MAXIMUM_PENDING,
    "smb_pipes": smb_server.MAXIMUM_PIPES,
    "smb_sessions": smb_server.MAXIMUM_SESSIONS,
    "smb_trees": smb_server.MAXIMUM_TREES,
    "streams_kept": rpc.STREAMS_KEPT,
    "stub_octets_of_a_datagram_call": datagram_fragments.MAXIMUM_STUB_OCTETS,
    "summary_rows": tally.SUMMARY_ROWS,
    "virtual_connections": virtual_connections.MAXIMUM_VIRTUAL_CONNECTIONS,
}


def limits_reached(counts: Mapping[str, int]) -> Iterator[Limit]:
    """The bounds that were reached, by name."""
    for name, count in sorted(counts.items()):
        if count:
            yield Limit(name, BOUNDS[name], count)
