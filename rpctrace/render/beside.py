"""What happened before and beside the calls -> sentences: where a ticket came from, what a KDC refused, who fell back
to NTLM, which connection was never made. The short report and Markdown show them; each is one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpctrace.encoding.text import safe_text
from rpctrace.render.origins import connection_lines, origin_lines, validation_lines
from rpctrace.render.places import (
    both_frames,
    endpoint_named,
    endpoints_told,
    exchanges_place,
    listed,
    place_words,
    way_words,
)
from rpctrace.render.words import (
    Signs,
    counted,
    duration_words,
    endpoint_words,
    kerberos_error_words,
    ntlm_words,
    principal_words,
    ticket_name,
)
from rpctrace.report import Authentication, Call, Event, KerberosExchange, ReferralPath, Report

_ATTEMPTS = frozenset(("refused", "no_answer"))  # counted by attempts, each of which has two frames or one


def _error_lines(report: Report, signs: Signs) -> Iterator[str]:
    """Errors of the same kind about the same service, and of a logon for the same user, are one line; those that a path
    ends with are told with it."""
    told = {path.exchanges[-1] for path in _told_paths(report) if path.error is not None and path.exchanges}
    groups: dict[tuple[object, ...], list[KerberosExchange]] = {}
    answered: dict[_Sought, list[KerberosExchange]] = {}
    for each in report.kerberos:
        if each.outcome == "answered":
            answered.setdefault(_sought(each), []).append(each)
        if each.refused and each.id not in told:
            key = (*_sought(each), each.server, each.error, each.carried_in)
            groups.setdefault(key, []).append(each)
    for same in groups.values():
        first = same[0]
        about = f" for {principal_words(first.sname)}" if first.sname else ""
        who = f" ({principal_words(first.cname)})" if first.cname else ""
        status = f", {safe_text(first.ntstatus_name or first.ntstatus_hex)}" if first.ntstatus_hex else ""
        realm = f" by {safe_text(first.realm)}" if first.realm else ""
        yield (
            f"{kerberos_error_words(first.error, first.error_name)}{about}: told{realm} to "
            f"{safe_text(first.client.address)}{who}{status}, {_carrier(same, report, signs)}{_times(same)}"
            f"{_went_on(same[-1], answered.get(_sought(first), ()), signs)}"
        )


_Sought = tuple[int, str, str, tuple[str, ...], str]  # capture, client, user, service, kind of exchange


def _sought(exchange: KerberosExchange) -> _Sought:
    # The user of a logon is in its request; of other exchanges only a reply names one.
    user = principal_words(exchange.cname).casefold() if exchange.kind == "AS" else ""
    return exchange.capture, exchange.client.address, user, exchange.sname, exchange.kind or "AP"


def _went_on(error: KerberosExchange, answered: Sequence[KerberosExchange], signs: Signs) -> str:
    """That the same client got what it had asked for after all, and where: a retry by the KDC's clock, user-to-user."""
    refused_in = error.reply_frame or error.request_frame or 0
    for each in answered:
        if (each.request_frame or 0) > refused_in:
            how = " as user-to-user" if each.user_to_user and not error.user_to_user else ""
            return f"; got{how} in frames {both_frames(each.request_frame, each.reply_frame, signs)}"
    return ""


def _times(same: Sequence[object]) -> str:
    return f", {counted(len(same), 'time')}" if len(same) > 1 else ""


def _carrier(same: Sequence[KerberosExchange], report: Report, signs: Signs) -> str:
    first = same[0]
    if first.with_kdc:
        return exchanges_place(same, report, signs)
    frames = listed(both_frames(each.request_frame, each.reply_frame, signs) for each in same)
    return f"in {safe_text(first.carried_in)}, frames {frames}{place_words(first.capture, report)}"


def _told_paths(report: Report) -> list[ReferralPath]:
    """Those through more than one realm; of a report with failed calls, none that led to a ticket: where those of the
    failed calls came from is told with them."""
    failed = any(call.failed for call in report.calls)
    paths = (path for path in report.referral_paths if len(path.realms) > 1)
    return [path for path in paths if not failed or path.outcome != "issued"]


def _path_lines(report: Report, signs: Signs) -> Iterator[str]:
    """The same way to the same service, with the same end, is one line."""
    exchanges = {each.id: each for each in report.kerberos}
    groups: dict[tuple[object, ...], list[ReferralPath]] = {}
    for path in _told_paths(report):
        key = (path.capture, path.client.address, path.sname, path.realms, path.outcome, path.error, path.missing)
        groups.setdefault(key, []).append(path)
    for same in groups.values():
        path = same[0]
        hops = [exchanges[each] for each in path.exchanges if each in exchanges]
        frames = ", ".join(both_frames(each.request_frame, each.reply_frame, signs) for each in hops)
        ended = safe_text(path.outcome)
        if path.error is not None:
            ended = f"{ended}, {kerberos_error_words(path.error, path.error_name)}"
        # what is missing of a way that ended well explains nothing; the document has it
        untold = path.missing if path.outcome != "issued" else ()
        missing = f"; missing: {'; '.join(map(safe_text, untold))}" if untold else ""
        yield (
            f"ticket for {principal_words(path.sname)}: {way_words(path.realms, signs)}, {ended} "
            f"(frames {frames}{place_words(path.capture, report)}{_times(same)}){missing}"
        )


def _authentication_lines(report: Report, signs: Signs) -> Iterator[str]:
    """Those that were refused, and those that fell back to NTLM after an error of Kerberos; alike ones are one line."""
    errors = {each.id: each for each in report.kerberos}
    groups: dict[tuple[object, ...], list[Authentication]] = {}
    for said in report.authentications:
        error = errors.get(said.after_error or "")
        if said.outcome == "rejected" or error is not None:
            after = _error_about(error) if error is not None else ""
            key = (said.capture, said.client.address, authentication_words(said), after)
            groups.setdefault(key, []).append(said)
    for (*_, words, _), same in groups.items():
        first = same[0]
        frames = listed(both_frames(each.request_frame, each.reply_frame, signs) for each in same)
        error = errors.get(first.after_error or "")
        after = _after(first, error, "the first " if len(same) > 1 else "") if error is not None else ""
        yield f"{words}, frames {frames}{place_words(first.capture, report)}{_times(same)}{after}"


def _error_about(error: KerberosExchange) -> str:
    return f"{kerberos_error_words(error.error, error.error_name)} for {principal_words(error.sname)}"


def _after(said: Authentication | Call, error: KerberosExchange, which: str = "") -> str:
    """`, 1.5 ms after KDC_ERR_S_PRINCIPAL_UNKNOWN (7) for cifs/dc1`; how long only by the same clock."""
    words = f"after {_error_about(error)}"
    if error.reply_ns is None or said.request_ns is None or error.capture != said.capture:
        return f", {words}"
    return f", {which}{duration_words(said.request_ns - error.reply_ns)} {words}"


def _fallback_lines(report: Report) -> Iterator[str]:
    """RPC that took NTLM because Kerberos had given no ticket: one line an error and server."""
    errors = {each.id: each for each in report.kerberos}
    groups: dict[tuple[object, ...], list[Call]] = {}
    for call in report.calls:
        if call.auth is not None and call.auth.after_error in errors and call.auth.token is not None:
            groups.setdefault((call.capture, call.auth.after_error, call.connection), []).append(call)
    for same in groups.values():
        first = same[0]
        error = errors[first.auth.after_error or ""] if first.auth else None
        if error is None:
            continue
        who = next((f" as {name}" for call in same if call.auth and (name := ntlm_words(call.auth.ntlm))), "")
        frames = listed(str(call.request_frame) for call in same if call.request_frames)
        yield (
            f"NTLM in place of Kerberos{who} to {endpoint_words(first.server)} ({safe_text(first.kind)}, "
            f"frames {frames}{place_words(first.capture, report)}){_after(first, error)}"
        )


def authentication_words(said: Authentication) -> str:
    """`NTLM as DOMAINB\\novice to 10.77.0.12:445 over smb: rejected, STATUS_LOGON_FAILURE`."""
    who = ""
    if said.ticket is not None:
        who = f" with {ticket_name(said.ticket)}"
    elif name := ntlm_words(said.ntlm):
        who = f" as {name}"
    status = ""
    if said.outcome == "rejected" and said.kerberos_error is None and said.status is not None:
        status = said.status_name or said.status_hex or str(said.status)
    error = kerberos_error_words(said.kerberos_error, said.kerberos_error_name)
    notes = said.notes if said.outcome == "rejected" else ()
    parts = filter(None, (said.outcome, status, error, *notes))
    return (
        f"{safe_text(said.mechanism)}{who} to {endpoint_words(said.server)} over {safe_text(said.carried_in)}: "
        f"{safe_text(', '.join(parts))}"
    )


def _event_lines(report: Report) -> Iterator[str]:
    """What happened between the same hosts, for the same reason, is one line."""
    told = {each.id: each for each in report.endpoints}
    groups: dict[tuple[object, ...], list[Event]] = {}
    for event in report.events:
        endpoint = told.get(event.endpoint or "")
        about = None if endpoint is None else (endpoint.capture, endpoint.source, endpoint_named(endpoint))
        ends = (event.client.address, event.server)
        key = (event.capture, event.kind, event.text, event.name, *ends, event.status_hex, about)
        groups.setdefault(key, []).append(event)
    for same in groups.values():
        endpoints = [told[each.endpoint] for each in same if each.endpoint in told]
        why = f", where {endpoints_told(endpoints, report)}" if endpoints else ""
        yield f"{_events_words(same, report)}{why}"


def _events_words(same: Sequence[Event], report: Report) -> str:
    """`connection refused: 10.0.0.1 to 10.0.0.2:49153 (frames 1, 2)`; of several the first frame of each."""
    event = same[0]
    name = f" {safe_text(event.name)}" if event.name else ""
    status = f", {safe_text(event.status_name or event.status_hex)}" if event.status_hex else ""
    count = sum(each.count for each in same) if event.kind in _ATTEMPTS else len(same)
    times = f" {count} times" if count > 1 else ""
    return (
        f"{safe_text(event.text)}{times}:{name} {safe_text(event.client.address)} to {endpoint_words(event.server)}"
        f"{status}{_event_frames(same, report)}"
    )


def _event_frames(same: Sequence[Event], report: Report) -> str:
    event, more = same[0], ""
    if len(same) == 1:
        frames, several = ", ".join(map(str, event.frames)), len(event.frames) > 1
        more = f" and {event.count - len(event.frames)} more" if event.count > len(event.frames) else ""
    else:
        frames, several = listed(str(each.frames[0]) for each in same if each.frames), True
    return f" (frame{'s' if several else ''} {frames}{more}{place_words(event.capture, report)})" if frames else ""


def _status_lines(report: Report, signs: Signs) -> Iterator[str]:
    """Calls that were answered, and whose answer refuses: an activation by its HRESULT, a logon by its NTSTATUS."""
    groups: dict[tuple[int, str, str, str, str], list[Call]] = {}
    for call in report.calls:
        what = _refused_inside(call)
        if what is not None:
            operation = safe_text(call.operation or "call")
            key = (call.capture, call.client.address, call.server.address, operation, what)
            groups.setdefault(key, []).append(call)
    for (*_, operation, what), same in groups.items():
        first = same[0]
        frames = listed(both_frames(each.request_frame, each.reply_frame, signs) for each in same)
        yield (
            f"{operation} {what}: {safe_text(first.client.address)} to "
            f"{endpoint_words(first.server)} (frames {frames}{place_words(first.capture, report)}{_times(same)})"
        )


def _refused_inside(call: Call) -> str | None:
    """What an answer refuses, and with which status."""
    if not call.reply_frames:
        return None
    dcom, channel = call.dcom, call.secure_channel
    if dcom is not None and dcom.clsid is not None and dcom.hresult is not None and dcom.hresult & 0x8000_0000:
        return f"of {safe_text(dcom.class_name or dcom.clsid)} {safe_text(dcom.hresult_name or '')} {dcom.hresult_hex}"
    if channel is not None and channel.status is not None and channel.status & 0x8000_0000:
        account = channel.account or channel.user or channel.domain
        whose = f"of {safe_text(account)} " if account else ""
        return f"{whose}{safe_text(channel.status_name or channel.status_hex or '')}"
    return None


def _endpoint_lines(report: Report) -> Iterator[str]:
    """Interfaces that an endpoint mapper does not have."""
    for each in report.endpoints:
        if each.status:
            what = safe_text(each.interface_name or each.interface_uuid or "the interface")
            name = safe_text(each.status_name or each.status_hex or str(each.status))
            where = f" (frame {each.frame}{place_words(each.capture, report)})" if each.frame is not None else ""
            yield f"{safe_text(each.source)} of {what}: {name}{where}"


def beside_lines(report: Report, signs: Signs) -> Iterator[str]:
    """Everything beside calls that a reader should look at, one line each."""
    yield from origin_lines(report.calls, report, signs)
    yield from validation_lines(report, signs)
    yield from connection_lines(report)
    yield from _path_lines(report, signs)
    yield from _error_lines(report, signs)
    yield from _authentication_lines(report, signs)
    yield from _fallback_lines(report)
    yield from _status_lines(report, signs)
    yield from _endpoint_lines(report)
    yield from _event_lines(report)
