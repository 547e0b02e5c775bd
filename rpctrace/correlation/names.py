"""By which names a host of the report is known, and who says so.

A log knows hosts by name, a capture by address. Names come from name resolution, from tickets presented to a host, from
NTLM, from DCOM and Netlogon, and from whoever told where an interface is. All are claims of somebody: a client asks for
a ticket by the name that it believes in, and a server that refuses the ticket may be another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from rpctrace.correlation.fallback import host_names, service_host
from rpctrace.correlation.hosts import same_hosts
from rpctrace.correlation.refused import Presented, refused_tickets
from rpctrace.encoding.addresses import is_address
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import (
    Authentication,
    Call,
    Event,
    Host,
    KerberosExchange,
    Ntlm,
    Report,
    Stream,
    Ticket,
    TicketName,
)

MAXIMUM_NAMES_OF_A_HOST = 256
REFUSED_TICKET = "refused_ticket"
# Good enough to look for a server in a log, not to call a host by it. What NTLM names is the server or its domain, and
# nothing tells which of the two; web servers are called by aliases; who refused a ticket may be another than it names.
UNSURE_SOURCES = frozenset(("ntlm_target", "http_ticket", REFUSED_TICKET))


class Telling(NamedTuple):
    """Somebody says that the host at `address` has this `name`."""

    address: str
    name: str
    source: str


def names_of_hosts(report: Report, *, sure: bool = False) -> Mapping[str, frozenset[str]]:
    """Address -> its names as `host_names` writes them (without regard to case; with and without the domain). `sure`
    leaves out those that may be its domain's, an alias, or another host's."""
    hosts = same_hosts(report.kerberos)
    found: dict[str, set[str]] = defaultdict(set)
    addresses: dict[str, set[str]] = defaultdict(set)
    for address, name, source in dict.fromkeys(tellings(report)):
        known_as = hosts.get(address, address)
        addresses[known_as].add(address)
        if not (sure and source in UNSURE_SOURCES) and len(found[known_as]) < MAXIMUM_NAMES_OF_A_HOST:
            found[known_as] |= {each for each in host_names((name,)) if not is_address(each)}
    for address, known_as in hosts.items():
        addresses[known_as].add(address)
    return {
        address: frozenset(found[known_as])
        for known_as, same in addresses.items()
        if found[known_as]
        for address in sorted(same)
    }


_Shows = Call | Authentication | KerberosExchange
_WithEnds = _Shows | Event | Stream


def tellings(report: Report) -> Iterator[Telling]:
    """Every name, in the order of the report's lists."""
    with_ends = (report.calls, report.authentications, report.kerberos, report.events, report.streams)
    records: Iterable[_WithEnds] = chain.from_iterable(with_ends)
    for record in records:
        yield from _resolved(record.client)
        yield from _resolved(record.server)
    refused = refused_tickets((*report.calls, *report.authentications), report.kerberos)
    for exchange in report.kerberos:
        if exchange.kind == "AP":
            yield from _served(exchange, exchange.presented, (exchange.capture, exchange.request_frame) in refused)
    for call in report.calls:
        yield from _served(call, call.ticket, _was_refused(call, refused))
        yield from _of_call(call)
    for said in report.authentications:
        yield from _served(said, said.ticket, _was_refused(said, refused))
        yield from _of_ntlm(said, said.ntlm)
        yield from _named(said.server.address, said.target, "target")
    yield from _of_endpoints(report)


def _named(address: str, name: str | None, source: str) -> Iterator[Telling]:
    if name:
        yield Telling(address, name, source)


def _resolved(host: Host) -> Iterator[Telling]:
    yield from _named(host.address, host.name, "name_resolution")


def _was_refused(holder: Call | Authentication, refused: frozenset[Presented]) -> bool:
    return holder.ticket is not None and (holder.capture, holder.ticket.frame) in refused


def _served(shown: _Shows, ticket: Ticket | TicketName | None, refused: bool) -> Iterator[Telling]:
    if ticket is not None:
        service = ticket.sname[0].casefold() if ticket.sname else ""
        if service != "kadmin":
            source = "http_ticket" if service == "http" else REFUSED_TICKET if refused else "ticket"
            yield from _named(shown.server.address, service_host(ticket.sname), source)


def _of_ntlm(record: Call | Authentication, ntlm: Ntlm | None) -> Iterator[Telling]:
    if ntlm is not None:
        yield from _named(record.client.address, ntlm.workstation, "ntlm_workstation")
        yield from _named(record.server.address, ntlm.target, "ntlm_target")
        yield from _named(record.server.address, ntlm.computer, "ntlm_computer")


def _of_call(call: Call) -> Iterator[Telling]:
    if call.auth is not None:
        yield from _of_ntlm(call, call.auth.ntlm)
    if call.dcom is not None:
        yield from _named(call.server.address, call.dcom.server_name, "dcom_server_name")
    if call.secure_channel is not None:
        yield from _named(call.client.address, call.secure_channel.computer, "netlogon_computer")
    if call.extended_error is not None and len(call.extended_error) == 1:
        # several records are of several hosts, and which is the server's own is not said
        yield from _named(call.server.address, call.extended_error[0].computer, "extended_error")


def _of_endpoints(report: Report) -> Iterator[Telling]:
    """What told a name by which connections were then opened to an address."""
    servers = {stream.id: stream.server.address for stream in report.streams}
    for endpoint in report.endpoints:
        for connection in endpoint.connections:
            if connection in servers:
                yield from _named(servers[connection], endpoint.server, "endpoint")
