"""Failed calls -> sentences of what led to them: where the ticket came from, what was asked about it meanwhile, what
the connection was for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpctrace.encoding.text import safe_text
from rpctrace.render.places import both_frames, endpoint_named, endpoints_told, exchanges_place, place_words, way_words
from rpctrace.render.words import Signs, duration_words, endpoint_words, ticket_name
from rpctrace.report import Call, Endpoint, KerberosExchange, ReferralPath, Report, Sighting, Ticket


def ticket_origin(
    ticket: Ticket, issued: KerberosExchange | None, path: ReferralPath | None, report: Report, signs: Signs
) -> str | None:
    """Which exchange of the report issued a ticket, and by which way the client came to it."""
    if not ticket.sname:
        return None
    if issued is None:
        return f"{ticket_name(ticket)} was not issued in this capture (from the client's cache, or not captured)"
    realms = path.realms[: issued.hop] if path and issued.hop else ()
    way = f", by way of {way_words(realms, signs)}" if len(realms) > 1 else ""
    sure = "was" if ticket.exchange_by == "fingerprint" else "was, by its names (one of the two is cut),"
    place = exchanges_place((issued,), report, signs)
    return f"{ticket_name(ticket)} {sure} issued in {place}{way}{_differs(ticket, issued)}"


def _differs(ticket: Ticket, issued: KerberosExchange) -> str:
    """Realm and name are in clear and prove nothing: some clients write others than the KDC did."""
    was = issued.ticket
    if was is None or ticket.exchange_by != "fingerprint" or (was.realm, was.sname) == (ticket.realm, ticket.sname):
        return ""
    return f", as {ticket_name(was)}: the same ticket under another name"


def origin_lines(calls: Sequence[Call], report: Report, signs: Signs) -> Iterator[str]:
    """Where the tickets of failed calls came from, each once; nothing where no KDC was captured."""
    if not any(each.with_kdc for each in report.kerberos):
        return
    exchanges = {each.id: each for each in report.kerberos}
    paths = {each.id: each for each in report.referral_paths}
    told: set[str] = set()
    for call in calls:
        if call.failed and call.ticket is not None:
            issued = exchanges.get(call.ticket.exchange or "")
            path = paths.get(issued.path or "") if issued else None
            line = ticket_origin(call.ticket, issued, path, report, signs)
            if line is not None and line not in told:
                told.add(line)
                yield line


def validation_lines(report: Report, signs: Signs) -> Iterator[str]:
    """Logons that a server asked its domain controller for while it judged a ticket that it then refused: a validation
    of the PAC ([MS-APDS] 3.2.5) is one of these. Sealed calls show themselves by operation and time alone."""
    logons = [call for call in report.calls if call.secure_channel is not None and call.secure_channel.is_logon]
    for call in report.calls if logons else ():
        if call.failed and call.ticket is not None:
            for each in logons:
                if each.client.address == call.server.address and _is_between(each, call):
                    yield _validation(call, each, report, signs)


def _is_between(logon: Call, call: Call) -> bool:
    """By the clock of the capture that holds the logon, in which the call was seen too."""
    sightings: tuple[Call | Sighting, ...] = (call, *call.also_seen)
    for seen in sightings:
        if seen.capture == logon.capture and None not in (seen.request_ns, logon.request_ns, seen.reply_ns):
            return (seen.request_ns or 0) <= (logon.request_ns or 0) <= (seen.reply_ns or 0)
    return False


def _validation(call: Call, logon: Call, report: Report, signs: Signs) -> str:
    channel = logon.secure_channel
    how = " (sealed)" if channel is not None and channel.sealed else ""
    if channel is not None and channel.status is not None:
        how = f" ({safe_text(channel.status_name or channel.status_hex or '')})"
    took = ""
    if logon.request_ns is not None and logon.reply_ns is not None:
        took = f", answered after {duration_words(logon.reply_ns - logon.request_ns)}"
    return (
        f"{safe_text(logon.operation or 'a logon')}{how} of {endpoint_words(logon.client)} to "
        f"{endpoint_words(logon.server)}, frames {both_frames(logon.request_frame, logon.reply_frame, signs)}"
        f"{place_words(logon.capture, report)}{took}: "
        f"between the ticket and the answer that refused it (frame {call.reply_frame})"
    )


def connection_lines(report: Report) -> Iterator[str]:
    """What the connections of failed calls were for, where an earlier answer had told it; those to one port are one
    line."""
    failed = {call.connection for call in report.calls if call.failed}
    told = {each.id: each for each in report.endpoints}
    groups: dict[tuple[object, ...], list[Endpoint]] = {}
    for stream in report.streams:
        endpoint = told.get(stream.endpoint or "")
        if endpoint is not None and stream.id in failed:
            key = (endpoint_words(stream.server), endpoint.capture, endpoint.source, endpoint_named(endpoint))
            groups.setdefault(key, []).append(endpoint)
    for (where, *_), same in groups.items():
        connections = f"{len(same)} connections" if len(same) > 1 else "connection"
        yield f"{connections} to {where}: {endpoints_told(same, report)} there"
