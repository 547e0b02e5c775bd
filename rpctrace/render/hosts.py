"""Addresses of the Report -> what a reader calls a host, and which part it plays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rpctrace.correlation.realms import is_host_service
from rpctrace.correlation.refused import refused_tickets
from rpctrace.encoding.text import safe_text
from rpctrace.knowledge.tables import ENDPOINT_MAPPER_UUID
from rpctrace.record import record
from rpctrace.render.words import user_words
from rpctrace.report import Authentication, Call, Host, Report

MOST_NAMES_OF_ONE_KIND = 2  # realms of one KDC, users of one client: a lane has room for no more


@record
class HostWords:
    """`title`: a name where one is known, else the address; `roles` in the order of importance; `named_by` says where
    the name is from, "" where the title is the address."""

    title: str
    address: str
    roles: tuple[str, ...]
    named_by: str


class HostBook:
    """Everything that one report tells about hosts, collected once."""

    def __init__(self, report: Report) -> None:
        self._names: dict[str, tuple[str, str]] = {}
        self._kdc_realms: dict[str, dict[str, None]] = {}
        self._users: dict[str, dict[str, None]] = {}
        self._controllers: dict[str, None] = {}
        self._mappers: dict[str, None] = {}
        for host in _hosts(report):
            if host.name:
                self._names.setdefault(host.address, (host.name, "a name that the capture resolves"))
        self._refused = refused_tickets((*report.calls, *report.authentications), report.kerberos)
        for call in report.calls:
            self._note_call(call)
        for said in report.authentications:
            self._note_ticket(said)
        for exchange in report.kerberos:
            if exchange.with_kdc:
                if exchange.realm:
                    realms = self._kdc_realms.setdefault(exchange.server.address, {})
                    realms.setdefault(_same_case(exchange.realm, realms))
                if user := user_words(exchange.cname):
                    self._users.setdefault(exchange.client.address, {})[user] = None

    def _note_call(self, call: Call) -> None:
        self._note_ticket(call)
        if call.secure_channel is not None:
            self._controllers[call.server.address] = None
            if call.secure_channel.computer:
                said = (call.secure_channel.computer, "the computer name in its Netlogon call")
                self._names.setdefault(call.client.address, said)
        if any(each.uuid == ENDPOINT_MAPPER_UUID for each in call.interfaces):
            self._mappers[call.server.address] = None

    def _note_ticket(self, holder: Call | Authentication) -> None:
        ticket = holder.ticket
        if ticket is None or (holder.capture, ticket.frame) in self._refused:
            return
        if is_host_service(ticket.sname):
            said = (ticket.sname[1], f"the ticket for {'/'.join(ticket.sname)} that was presented to it")
            self._names.setdefault(holder.server.address, said)

    def kdc_realms(self, address: str) -> tuple[str, ...]:
        return tuple(self._kdc_realms.get(address, {}))

    def title(self, address: str) -> str:
        return safe_text(self._names.get(address, (address, ""))[0])

    def whole_title(self, address: str) -> str:
        """Name and address."""
        title = self.title(address)
        return title if title == safe_text(address) else f"{title} ({safe_text(address)})"

    def words(self, address: str, client: str | None = None, server: str | None = None) -> HostWords:
        """What is written over the lane of a host; `client` and `server` are those of the call that it is about."""
        name, named_by = self._names.get(address, ("", ""))
        return HostWords(
            title=safe_text(name or address),
            address=safe_text(address),
            roles=tuple(self._roles(address, client, server)),
            named_by=safe_text(named_by),
        )

    def _roles(self, address: str, client: str | None, server: str | None) -> Iterator[str]:
        users = _first(self._users.get(address, {}))
        if address == client:
            yield f"client, {users}" if users else "client"
        if address == server:
            yield "server"
        realms = self.kdc_realms(address)
        if realms:
            yield f"KDC of {_first(map(safe_text, realms))}"
        if address in self._controllers:
            yield "domain controller"
        if address in self._mappers and address not in (client, server):
            yield "endpoint mapper"


def _first(names: Iterable[str]) -> str:
    """`alice, bob and 3 more`."""
    known = list(names)
    more = len(known) - MOST_NAMES_OF_ONE_KIND
    return ", ".join(known[:MOST_NAMES_OF_ONE_KIND]) + (f" and {more} more" if more > 0 else "")


def _same_case(realm: str, known: dict[str, None]) -> str:
    """A realm is written once, however its case changes from exchange to exchange."""
    return next((each for each in known if each.casefold() == realm.casefold()), realm)


def _hosts(report: Report) -> Iterator[Host]:
    for call in report.calls:
        yield call.client
        yield call.server
    for exchange in report.kerberos:
        yield exchange.client
        yield exchange.server
    for said in report.authentications:
        yield said.client
        yield said.server
    for event in report.events:
        yield event.client
        yield event.server
