"""Which addresses are one host's: a client that speaks to its KDC over IPv4 and to a server over IPv6, say.

A service ticket is presented by the host to which it was issued, so the two addresses of a ticket known by its digest
are one host's. Ticket-granting tickets tell nothing: a client may forward its own to a server (RFC 4120 2.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rpctrace.correlation.realms import is_granting
from rpctrace.report import KerberosExchange


def same_hosts(exchanges: Iterable[KerberosExchange]) -> Mapping[str, str]:
    """An address of each host that has several -> the one by which it is known here."""
    issued_to: dict[str, str] = {}
    presented: dict[tuple[str, str], None] = {}
    for each in exchanges:
        if each.ticket is not None and each.ticket.fingerprint is not None:
            issued_to.setdefault(each.ticket.fingerprint, each.client.address)
        ticket = each.presented
        if each.kind != "AP" or ticket is None or ticket.fingerprint is None:
            continue
        if not is_granting(ticket.sname):
            presented[ticket.fingerprint, each.client.address] = None
    known_as: dict[str, str] = {}
    for fingerprint, address in presented:
        one, other = _known(issued_to.get(fingerprint, address), known_as), _known(address, known_as)
        if one != other:
            known_as[max(one, other)] = min(one, other)
    return {address: _known(address, known_as) for address in known_as}


def _known(address: str, known_as: dict[str, str]) -> str:
    way: list[str] = []
    while address in known_as:
        way.append(address)
        address = known_as[address]
    known_as.update(dict.fromkeys(way, address))
    return address
