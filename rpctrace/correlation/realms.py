"""Which Kerberos realm a host belongs to, and how that is known.

The surest is what the user says, then the realm of a ticket for a service of the host itself (host, RPCSS, cifs ...),
which only the realm of its account can issue; a DNS suffix of its name is a likeness. A ticket for a user, or one for
the ticket-granting service, tells nothing of the host to which it is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Authentication, Call, Report, Ticket

TICKET_GRANTING = "krbtgt"  # RFC 4120 7.3
GIVEN, BY_TICKET, BY_NAME = 1.0, 0.9, 0.6


class RealmClaim(NamedTuple):
    """`realm` as it was written; `surety` from 0 to 1; `text` says how it is known; the frame that shows it."""

    realm: str
    surety: float
    text: str
    capture: int | None
    frame: int | None


def realms_of_hosts(report: Report, given: Mapping[str, str] | None = None) -> Mapping[str, tuple[RealmClaim, ...]]:
    """Address -> what is known of its realm, the surest first, one claim a realm. `given`: address or name -> realm."""
    claims: dict[str, dict[str, RealmClaim]] = defaultdict(dict)
    for address, claim in _claims(report, given or {}):
        known = claims[address].get(claim.realm.casefold())
        if known is None or claim.surety > known.surety:
            claims[address][claim.realm.casefold()] = claim
    return {
        address: tuple(sorted(known.values(), key=lambda claim: -claim.surety)) for address, known in claims.items()
    }


def _claims(report: Report, given: Mapping[str, str]) -> Iterator[tuple[str, RealmClaim]]:
    said = {host.casefold(): realm for host, realm in given.items()}
    seen: set[tuple[str, str | None]] = set()
    holders: tuple[Call | Authentication, ...] = (*report.calls, *report.authentications)
    for holder in holders:
        for host in (holder.client, holder.server):
            if (host.address, host.name) not in seen:
                seen.add((host.address, host.name))
                yield from _named(host.address, host.name, said)
        if holder.ticket is not None:
            yield from _presented(holder, holder.ticket)
    for address, realm in said.items():
        yield address, RealmClaim(realm, GIVEN, f"{realm} was given as the realm of {address}", None, None)


def _named(address: str, name: str | None, said: Mapping[str, str]) -> Iterator[tuple[str, RealmClaim]]:
    for spelling in filter(None, (name, (name or "").split(".")[0])):
        realm = said.get(spelling.casefold())
        if realm is not None:
            yield address, RealmClaim(realm, GIVEN, f"{realm} was given as the realm of {spelling}", None, None)
    suffix = dns_suffix(name)
    if suffix is not None:
        yield address, RealmClaim(suffix.upper(), BY_NAME, f"{address} is called {name}", None, None)


def _presented(holder: Call | Authentication, ticket: Ticket) -> Iterator[tuple[str, RealmClaim]]:
    if ticket.realm is None or ticket.user_to_user or not is_host_service(ticket.sname):
        return
    name = "/".join(ticket.sname)
    text = f"a ticket of {ticket.realm} for {name} was presented to {holder.server.address}"
    yield holder.server.address, RealmClaim(ticket.realm, BY_TICKET, text, holder.capture, ticket.frame)


def is_host_service(sname: Iterable[str]) -> bool:
    """Whether a principal is a service of a host (service/host.domain), and no ticket-granting service."""
    parts = tuple(sname)
    return len(parts) > 1 and not is_granting(parts)


def is_granting(sname: Sequence[str]) -> bool:
    """Whether a principal is the ticket-granting service, of whichever realm (RFC 4120 7.3)."""
    return len(sname) > 0 and sname[0].casefold() == TICKET_GRANTING


def dns_suffix(name: str | None) -> str | None:
    """`domainb.com` of `resource-win73.domainb.com`; of an address and of a name without dots, none."""
    host, _, suffix = (name or "").rstrip(".").partition(".")
    return suffix if host and "." in suffix and not host.isdigit() and ":" not in host else None


def same_realm(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one.rstrip(".").casefold() == other.rstrip(".").casefold()


def is_below(realm: str, other: str) -> bool:
    """Whether `realm` is a child domain, at any depth, of `other` by its name."""
    return realm.rstrip(".").casefold().endswith("." + other.rstrip(".").casefold())
