"""Who a host is: its names, and realms that show in what it asks and answers, beside those of `correlation/realms.py`.

A host that logs on to a KDC as a computer account (NAME$) is that computer; one that answers as the KDC of a realm is a
domain controller of it; the secure channel of a member leads to a domain controller of its own domain ([MS-NRPC] 1.3).
A service that accepted a ticket is called as the ticket says. Names of name resolution tell where a name leads, which
is not always the computer that was meant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from rpctrace.correlation.realms import BY_TICKET, RealmClaim, is_host_service
from rpctrace.diagnosis.observed import answer_frame, asked_frame
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Authentication, Call, KerberosExchange, Report, Ticket

_NAMES_KEPT = 16  # different names of one address; a forged capture may hold any number


class NameClaim(NamedTuple):
    """A host name without its domain, in small letters. `sure`: the host itself showed it; else a name server did."""

    name: str
    sure: bool
    text: str
    capture: int | None
    frame: int | None


def short_name(name: str | None) -> str | None:
    """`ws2` of `WS2.domainb.com`, `WS2$`, `ws2:1433` or `\\\\ws2\\share`; None of an address or of nothing."""
    host = (name or "").lstrip("\\").split("\\")[0].split("[")[0]
    host = host.partition(":")[0] if host.count(":") == 1 else host  # an IPv6 address has more of them
    first = host.split(".")[0].rstrip("$").casefold()
    return None if not first or ":" in host or host.replace(".", "").isdigit() else first


def service_host(sname: tuple[str, ...]) -> str | None:
    """The host of a service principal, without its domain: `ws2` of `cifs/ws2.domainb.com`."""
    return short_name(sname[1]) if is_host_service(sname) else None


def is_computer_account(names: tuple[str, ...]) -> bool:
    return len(names) == 1 and names[0].endswith("$")


def names_of_hosts(report: Report) -> Mapping[str, tuple[NameClaim, ...]]:
    """Address -> what the captures show of the host's names, sure ones first, one claim a name."""
    claims: dict[str, dict[str, NameClaim]] = defaultdict(dict)
    for address, claim in _names(report):
        known = claims[address]
        if claim.name not in known and len(known) >= _NAMES_KEPT:
            continue
        if claim.name not in known or (claim.sure and not known[claim.name].sure):
            known[claim.name] = claim
    return {
        address: tuple(sorted(known.values(), key=lambda claim: not claim.sure)) for address, known in claims.items()
    }


def _names(report: Report) -> Iterator[tuple[str, NameClaim]]:
    for exchange in filter(_computer_logs_on, report.kerberos):
        name = short_name(exchange.cname[0])
        if name is not None:
            text = f"{exchange.client.address} asked a KDC as {exchange.cname[0]}"
            yield exchange.client.address, NameClaim(name, True, text, exchange.capture, exchange.request_frame)
    holders: tuple[Call | Authentication, ...] = (*report.calls, *report.authentications)
    for holder in holders:
        name = short_name(holder.server.name)
        if name is not None:
            text = f"{holder.server.address} is called {holder.server.name}"
            yield holder.server.address, NameClaim(name, False, text, None, None)
        if holder.ticket is not None and accepted(holder):
            yield from _of_ticket(holder, holder.ticket)
        if isinstance(holder, Call) and holder.dcom is not None:
            yield from _of_bindings(holder, holder.dcom.bindings)


def _of_ticket(holder: Call | Authentication, ticket: Ticket) -> Iterator[tuple[str, NameClaim]]:
    name = service_host(ticket.sname)
    if name is not None:
        text = f"{holder.server.address} accepted a ticket for {'/'.join(ticket.sname)}"
        yield holder.server.address, NameClaim(name, True, text, holder.capture, ticket.frame)


def _of_bindings(call: Call, bindings: tuple[str, ...]) -> Iterator[tuple[str, NameClaim]]:
    """The names by which a computer says that its objects are to be reached ([MS-DCOM] 2.2.19.3)."""
    for binding in bindings:
        name = short_name(binding.partition(":")[2])
        if name is not None:
            frame = answer_frame(call)
            text = f"{call.server.address} told {binding} as its own address"
            yield call.server.address, NameClaim(name, True, text, call.capture, frame)


def accepted(record: Call | Authentication) -> bool:
    """Whether the server took the ticket of this very call or authentication."""
    if isinstance(record, Authentication):
        return record.mechanism == "kerberos" and record.outcome == "accepted"
    return record.auth is not None and record.auth.token == "AP-REQ" and record.auth.reply_token == "AP-REP"


def shown_realms(report: Report) -> Iterator[tuple[str, RealmClaim]]:
    """Address -> realm, of computers that log on, of KDCs, and of members whose secure channel leads to a KDC. The
    realm is that of the ticket which was issued: requests may name it otherwise (RFC 6806 6)."""
    controllers: dict[tuple[str, str], KerberosExchange] = {}
    for exchange in report.kerberos:
        realm = exchange.ticket.realm if exchange.ticket is not None else None
        if realm is None or not exchange.with_kdc:
            continue
        controllers.setdefault((exchange.server.address, realm), exchange)
        if _computer_logs_on(exchange):
            text = f"{exchange.client.address} asked a KDC of {realm} as {exchange.cname[0]}"
            yield exchange.client.address, RealmClaim(realm, BY_TICKET, text, exchange.capture, exchange.request_frame)
    realms: dict[str, str] = {}
    for (address, realm), exchange in controllers.items():
        realms.setdefault(address, realm)
        text = f"{address} answers as a KDC of {realm}"
        yield address, RealmClaim(realm, BY_TICKET, text, exchange.capture, exchange.reply_frame)
    for call in report.calls:
        led_to = realms.get(call.server.address) if call.secure_channel is not None else None
        if led_to is not None:
            text = f"{call.client.address} has its secure channel to {call.server.address}, a KDC of {led_to}"
            frame = asked_frame(call)
            yield call.client.address, RealmClaim(led_to, BY_TICKET, text, call.capture, frame)


def _computer_logs_on(exchange: KerberosExchange) -> bool:
    """The KDC of the account's own realm gave a ticket-granting ticket to a computer account."""
    return (
        exchange.kind == "AS"
        and exchange.with_kdc
        and exchange.error is None
        and exchange.reply is not None
        and is_computer_account(exchange.cname)
    )
