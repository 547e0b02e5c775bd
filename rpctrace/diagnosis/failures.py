"""Report -> failures: what went wrong, like things together. A finding is about one of these.

Failed calls, calls that were answered with a code of failure inside the answer, refusals of a KDC, authentications
refused outside RPC, incidents of connections, endpoints that are not there, referral paths that stop, lines of a log
that tell of a failure, and handshakes that the client broke off.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import Enum
from typing import TypeVar

from rpctrace.record import record
from rpctrace.report import (
    RESPONSE_TOO_BIG,
    Authentication,
    Call,
    Endpoint,
    Event,
    KerberosExchange,
    LogEntry,
    ReferralPath,
    Report,
)

# Interfaces of activation, by opnum: ISystemActivator 3 and 4, IActivation 0 ([MS-DCOM] 1.9, 3.1.2.5.2.3).
_SYSTEM_ACTIVATOR = "000001a0-0000-0000-c000-000000000046"
_ACTIVATORS: dict[int | None, tuple[str, ...]] = {
    3: (_SYSTEM_ACTIVATOR,),
    4: (_SYSTEM_ACTIVATOR,),
    0: ("4d9f4ab8-7d1c-11cf-861e-0020af6e7c57",),
}
E_ACCESSDENIED = 0x80070005  # [MS-ERREF] 2.1.1
_NEGOTIATED = 3  # result of the bind time feature negotiation, [MS-RPCE] 2.2.2.4
_Thing = TypeVar("_Thing")


class FailureKind(Enum):
    """What kind of record failed."""

    CALL = "call"
    RESULT = "result of a call"  # answered, and the answer says that it failed; the list is `calls`
    KDC = "KDC exchange"
    AUTHENTICATION = "authentication"
    CONNECTION = "connection"
    ENDPOINT = "endpoint"
    PATH = "referral path"
    LOG = "log"
    HANDSHAKE = "handshake"


@record
class Failure:
    """Records of one kind that failed alike: same hosts, same thing asked, same answer, same ticket. Only the list of
    `kind` is filled; a handshake that the client broke off is a call, which itself was answered. `number` is its place
    among the failures of the report."""

    number: int
    kind: FailureKind
    calls: tuple[Call, ...] = ()
    exchanges: tuple[KerberosExchange, ...] = ()
    authentications: tuple[Authentication, ...] = ()
    events: tuple[Event, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    paths: tuple[ReferralPath, ...] = ()
    entries: tuple[LogEntry, ...] = ()

    @property
    def call(self) -> Call:
        """The first of the calls, which stands for all."""
        return self.calls[0]

    @property
    def exchange(self) -> KerberosExchange:
        return self.exchanges[0]

    @property
    def authentication(self) -> Authentication:
        return self.authentications[0]

    @property
    def event(self) -> Event:
        return self.events[0]

    @property
    def endpoint(self) -> Endpoint:
        return self.endpoints[0]

    @property
    def path(self) -> ReferralPath:
        return self.paths[0]

    @property
    def count(self) -> int:
        return sum(
            len(records)
            for records in (
                self.calls, self.exchanges, self.authentications, self.events, self.endpoints, self.paths, self.entries,
            )
        )  # fmt: skip


def failures(report: Report) -> tuple[Failure, ...]:
    """Everything that failed, calls first, each group in the order of its first record."""
    found = _found(report)
    return tuple(Failure(number, kind, **{name: group}) for number, (kind, name, group) in enumerate(found))  # type: ignore[arg-type]


def has_failures(report: Report) -> bool:
    """Whether there is anything for a rule to look at."""
    return any(True for _ in _found(report))


def _found(report: Report) -> Iterator[tuple[FailureKind, str, tuple[object, ...]]]:
    for calls in alike((call for call in report.calls if call.failed), _call_key):
        yield FailureKind.CALL, "calls", calls
    for calls in alike(filter(is_failed_result, report.calls), _result_key):
        yield FailureKind.RESULT, "calls", calls
    for exchanges in alike(filter(is_kdc_refusal, report.kerberos), _exchange_key):
        yield FailureKind.KDC, "exchanges", exchanges
    for exchanges in alike(_too_big_in_vain(report.kerberos), _exchange_key):
        yield FailureKind.KDC, "exchanges", exchanges
    for refused in alike(filter(is_refused, report.authentications), _authentication_key):
        yield FailureKind.AUTHENTICATION, "authentications", refused
    for events in alike(report.events, _event_key):
        yield FailureKind.CONNECTION, "events", events
    for endpoints in alike((e for e in report.endpoints if e.status), _endpoint_key):
        yield FailureKind.ENDPOINT, "endpoints", endpoints
    for paths in alike((p for p in report.referral_paths if p.outcome in ("open", "unanswered")), _path_key):
        yield FailureKind.PATH, "paths", paths
    for entries in alike((e for e in report.log_entries if e.phase == "Returns" and e.status), _entry_key):
        yield FailureKind.LOG, "entries", entries
    for calls in alike(broken_off(report), _call_key):
        yield FailureKind.HANDSHAKE, "calls", calls


def is_activation(call: Call) -> bool:
    """Whether the call asks for a DCOM object on another computer ([MS-DCOM] 3.1.2.5.2.3)."""
    return call.kind == "request" and any(each.uuid in _ACTIVATORS.get(call.opnum, ()) for each in call.interfaces)


def is_failed_result(call: Call) -> bool:
    """Whether an answer brought a code of failure: an activation of DCOM, a denied call of DCOM, a call of the secure
    channel. Other codes of DCOM are for the program (an interface that an object does not have)."""
    if call.outcome != "answered":
        return False
    if call.dcom is not None and call.dcom.hresult is not None:
        hresult = call.dcom.hresult & 0xFFFFFFFF
        return hresult == E_ACCESSDENIED or (hresult >= 0x80000000 and is_activation(call))
    channel = call.secure_channel
    return channel is not None and channel.status is not None and channel.status >= 0xC0000000


def is_kdc_refusal(exchange: KerberosExchange) -> bool:
    """Whether a KDC refused, or did not answer, what is no ordinary step of asking."""
    without_error = exchange.error is None and exchange.outcome in ("unanswered", "rejected")
    return exchange.with_kdc and (exchange.refused or without_error)


def _too_big_in_vain(kerberos: Sequence[KerberosExchange]) -> list[KerberosExchange]:
    """Answers that did not fit UDP (52), after which no KDC of the realm answered that client over TCP."""
    answered: set[Hashable] = set()
    in_vain: list[KerberosExchange] = []
    for exchange in reversed(kerberos):
        client = exchange.capture, exchange.client.address
        of_realm = (*client, (exchange.realm or "").casefold())  # of a message that was cut, any realm
        if exchange.carried_in == "kdc_tcp" and exchange.reply is not None:
            answered.add(of_realm)
            continue
        too_big = exchange.carried_in == "kdc_udp" and exchange.error == RESPONSE_TOO_BIG
        if too_big and answered.isdisjoint((of_realm, (*client, ""))):
            in_vain.append(exchange)
    return in_vain[::-1]


def is_refused(said: Authentication) -> bool:
    """Whether a server refused an authentication: by a status, or by a KRB-ERROR after which it did not go on."""
    return said.outcome == "rejected" or (said.outcome != "accepted" and said.kerberos_error is not None)


def broken_off(report: Report) -> Iterator[Call]:
    """Calls whose ticket the server accepted (AP-REQ, AP-REP), and whose security context was then never used: no third
    leg and no request, though every PDU of the connection until its end was read."""
    streams = {stream.id: stream for stream in report.streams}
    kept: dict[str, int] = {}
    last: dict[tuple[str, int | None], Call] = {}
    for call in report.calls:
        kept[call.connection] = kept.get(call.connection, 0) + 1
        if call.auth is not None:
            last[call.connection, call.auth.context_id] = call
    for call in last.values():
        stream = streams.get(call.connection)
        if stream is None or stream.ended is None or stream.gaps or stream.calls != kept[call.connection]:
            continue
        said = call.auth
        if not call.failed and said is not None and (said.token, said.reply_token) == ("AP-REQ", "AP-REP"):
            yield call


def alike(things: Iterable[_Thing], key: Callable[[_Thing], Hashable]) -> list[tuple[_Thing, ...]]:
    """Things with equal keys together, in the order in which each key was met first."""
    groups: dict[Hashable, list[_Thing]] = {}
    for thing in things:
        groups.setdefault(key(thing), []).append(thing)
    return [tuple(group) for group in groups.values()]


def _folded(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.casefold() for name in names)


def is_unknown_interface(call: Call) -> bool:
    """Whether a bind or alter_context was answered, and every interface it asked for is not there."""
    offered = [each for each in call.interfaces if each.result is not None and each.result != _NEGOTIATED]
    refused = all((each.result, each.reason) == (2, 1) for each in offered)
    return call.outcome == "rejected" and call.reject_reason is None and bool(offered) and refused


def _call_key(call: Call) -> Hashable:
    # Who asks one endpoint for many interfaces that it does not have is looking for one: that is one failure.
    interface = call.interfaces[0].uuid if call.interfaces and not is_unknown_interface(call) else None
    ticket = (call.ticket.realm, call.ticket.sname) if call.ticket else None
    mechanism = (call.auth.mechanism, call.auth.level, call.auth.kerberos_error) if call.auth else None
    hosts = (call.capture, call.client.address, call.server.address, call.server.port)
    return hosts, call.kind, interface, call.outcome, call.status, call.reject_reason, mechanism, ticket


def _result_key(call: Call) -> Hashable:
    hresult = call.dcom.hresult if call.dcom else None
    clsid = call.dcom.clsid if call.dcom else None
    status = call.secure_channel.status if call.secure_channel else None
    return _call_key(call), call.opnum, clsid, hresult, status


def _exchange_key(exchange: KerberosExchange) -> Hashable:
    hosts = (exchange.capture, exchange.client.address)
    asked = (exchange.kind, exchange.realm, _folded(exchange.cname), _folded(exchange.sname), exchange.user_to_user)
    return hosts, asked, exchange.outcome, exchange.error, exchange.ntstatus


def _authentication_key(said: Authentication) -> Hashable:
    hosts = (said.capture, said.client.address, said.server.address, said.server.port)
    ticket = (said.ticket.realm, said.ticket.sname) if said.ticket else None
    who = (said.ntlm.domain, said.ntlm.user) if said.ntlm else None
    return hosts, said.carried_in, said.mechanism, ticket, who, said.status, said.kerberos_error


def _event_key(event: Event) -> Hashable:
    return event.capture, event.kind, event.client.address, event.server.address, event.server.port, event.name


def _endpoint_key(endpoint: Endpoint) -> Hashable:
    return endpoint.capture, endpoint.teller, endpoint.interface_uuid, endpoint.status


def _path_key(path: ReferralPath) -> Hashable:
    return path.capture, path.client.address, _folded(path.sname), path.realms, path.outcome


def _entry_key(entry: LogEntry) -> Hashable:
    return entry.file, entry.kind, entry.domain, entry.user, entry.workstation, entry.via, entry.package, entry.status
