"""TGS exchanges -> referral paths: from the client's realm over every realm it was referred to, to the service ticket
or to where it stopped (RFC 6806 8, RFC 4120 1.2).

A path ends in an exchange whose ticket no further TGS exchange presented to another realm's KDC, and leads back over
the tickets presented. So one path stands for one service sought. What was tried again after an error is a path of its
own; a ticket for another realm that served several services is a hop of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from rpctrace.correlation.realms import is_granting
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import RESPONSE_TOO_BIG, KerberosExchange, ReferralPath, Report, TicketName

# Clients give up after ten referrals (MIT) or fewer; a longer chain is made up, and its last hops are shown.
LONGEST_PATH_HOPS = 20
_BEFORE = "(its ticket was cached, or it was not captured)"
_ANONYMOUS = "WELLKNOWN"  # RFC 8062: how a name hidden by FAST reads


class _Chain(NamedTuple):
    """`hops` from the client's realm on; `renewed`: exchanges of the first hop's realm that renewed or forwarded its
    ticket, back to the AS exchange if there is one; `cut`: hops before these are not shown."""

    hops: list[KerberosExchange]
    renewed: list[KerberosExchange]
    cut: bool


def join(report: Report) -> Report:
    by_id = {each.id: each for each in report.kerberos}
    asked = [each for each in report.kerberos if each.kind == "TGS"]
    referring = {each.presented_from for each in asked if _referred(each, by_id) is not None}
    shown = {each.presented_from for each in report.kerberos if each.kind == "AP" and each.presented_from is not None}
    again = _asked_again(asked)
    ends = [each for each in asked if each.id not in referring and each.id not in again]
    paths: list[ReferralPath] = []
    places: dict[str, tuple[str, int]] = {}
    for number, end in enumerate(ends, 1):
        chain = _chain(end, by_id)
        path = _path(f"path-{number}", chain, shown)
        paths.append(path)
        for hop, exchange in enumerate(chain.hops, 1):
            places.setdefault(exchange.id, (path.id, hop))
    return replace(
        report,
        kerberos=tuple(_placed(each, *places.get(each.id, (None, None))) for each in report.kerberos),
        referral_paths=tuple(paths),
    )


def _placed(exchange: KerberosExchange, path: str | None, hop: int | None) -> KerberosExchange:
    same = (exchange.path, exchange.hop) == (path, hop)
    return exchange if same else replace(exchange, path=path, hop=hop)


def _asked_again(asked: Iterable[KerberosExchange]) -> set[str]:
    """Exchanges whose answer was only that it does not fit UDP, and that were made again: a step of the other."""
    waiting: dict[object, str] = {}
    again: set[str] = set()
    for each in asked:
        key = (each.client.address, each.realm, each.sname, each.presented)
        if key in waiting:
            again.add(waiting.pop(key))
        if each.error == RESPONSE_TOO_BIG:
            waiting[key] = each.id
    return again


def other_realm(ticket: TicketName | None) -> str | None:
    """The realm for whose KDC a ticket is, where that is not the realm that issued it."""
    if ticket is None or len(ticket.sname) != 2 or not is_granting(ticket.sname):
        return None
    realm = ticket.sname[1]
    return None if ticket.realm is not None and realm.casefold() == ticket.realm.casefold() else realm


def _referred(exchange: KerberosExchange, by_id: Mapping[str, KerberosExchange]) -> KerberosExchange | None:
    """The TGS exchange whose answer sent the client to this exchange's KDC."""
    before = by_id.get(exchange.presented_from or "")
    return before if before is not None and before.kind == "TGS" and other_realm(before.ticket) else None


def _chain(end: KerberosExchange, by_id: Mapping[str, KerberosExchange]) -> _Chain:
    hops = [end]
    before = _referred(end, by_id)
    # tickets that lead in a circle are joined by their names alone, and are cut like what is too long
    while before is not None and len(hops) < LONGEST_PATH_HOPS:
        hops.append(before)
        before = _referred(before, by_id)
    renewed: list[KerberosExchange] = []
    first = by_id.get(hops[-1].presented_from or "") if before is None else None
    while first is not None and len(renewed) < LONGEST_PATH_HOPS:
        renewed.append(first)
        first = by_id.get(first.presented_from or "") if first.kind == "TGS" else None
    return _Chain(hops[::-1], renewed, before is not None)


def _path(name: str, chain: _Chain, shown: set[str]) -> ReferralPath:
    first, end = chain.hops[0], chain.hops[-1]
    as_exchange = next((each for each in chain.renewed if each.kind == "AS"), None)
    cname, crealm = _client([*([as_exchange] if as_exchange else []), *chain.hops])
    outcome = _outcome(end, shown)
    return ReferralPath(
        id=name,
        capture=first.capture,
        client=first.client,
        cname=cname,
        crealm=crealm,
        sname=end.sname,
        realms=tuple(each.realm for each in chain.hops if each.realm is not None),
        exchanges=tuple(each.id for each in chain.hops),
        as_exchange=as_exchange.id if as_exchange else None,
        outcome=outcome,
        error=end.error,
        error_name=end.error_name,
        from_cache=first.presented is not None and not chain.renewed and not chain.cut,
        missing=tuple(_missing(chain, as_exchange, outcome)),
    )


def _client(exchanges: Iterable[KerberosExchange]) -> tuple[tuple[str, ...], str | None]:
    """Who asks, as the exchanges name it; a name that FAST hides only where no other is told."""
    told = [(each.cname, each.crealm) for each in exchanges if each.cname or each.crealm]
    named = [each for each in told if each[0] and each[0][0] != _ANONYMOUS]
    return next(iter([*named, *told]), ((), None))


def _outcome(end: KerberosExchange, shown: set[str]) -> str:
    if end.error is not None:
        return "refused"
    if end.reply is None:
        return "unanswered" if end.outcome == "unanswered" else "open"
    referral = end.referral_to is not None or other_realm(end.ticket) is not None
    return "open" if referral and end.id not in shown else "issued"


def _missing(chain: _Chain, as_exchange: KerberosExchange | None, outcome: str) -> Iterable[str]:
    first, end = chain.hops[0], chain.hops[-1]
    if chain.cut:
        yield f"the hops before the last {LONGEST_PATH_HOPS}"
    elif first.presented is None:
        yield f"the ticket that {first.id} presented: it is not captured whole"
    elif not chain.renewed:
        kind = "TGS" if other_realm(first.presented) else "AS"
        name = "/".join(first.presented.sname) or "the ticket"
        yield f"the {kind} exchange in which {first.presented.realm or 'its realm'} issued {name} {_BEFORE}"
    elif as_exchange is None:
        yield f"the AS exchange behind the ticket that {chain.renewed[-1].id} presented {_BEFORE}"
    if outcome == "open" and end.reply is None:
        yield f"the answer of the KDC of {end.realm or 'its realm'} to {end.id}"
    elif outcome == "open":
        realm = other_realm(end.ticket) or end.referral_to
        yield f"an exchange with a KDC of {realm}, for which {end.id} issued a ticket"
