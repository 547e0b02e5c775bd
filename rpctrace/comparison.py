"""Two reports, of a failing run and of one that works -> how they differ, the first difference first.

Calls are aligned by kind, interface and operation, and in order among those that are alike; exchanges with KDCs by kind
and service, authentications outside RPC by carrier. What differs from run to run is not compared: times, ports,
addresses, ids, frame numbers. Where one run holds more of a kind than the other, equal ones are matched first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

from rpctrace.diagnosis.observed import call_text, ticket_text
from rpctrace.expectations.words import interface_of
from rpctrace.record import record
from rpctrace.report import Authentication, Call, KerberosExchange, Report, Ticket

_Record = TypeVar("_Record", Call, KerberosExchange, Authentication)
Facets = Mapping[str, str | None]
_Place = tuple[int, int]  # capture, frame
_NOWHERE: _Place = (-1, -1)


@record
class Side:
    """One run's part in a difference; `frames` are those of request and answer."""

    id: str
    capture: int
    frames: tuple[int, ...]


@record
class Changed:
    """One thing that is otherwise in the failing run than in the good one; None: nothing there."""

    name: str
    bad: str | None
    good: str | None


@record
class Difference:
    """`about`: the call, exchange or authentication in words. A side is None where that run has no such thing."""

    about: str
    bad: Side | None
    good: Side | None
    changed: tuple[Changed, ...]


@record
class Comparison:
    """`bad` and `good`: the captures. `differences` in the order of the failing run; what only the good run has stands
    behind what came before it there. `same`: how many calls, exchanges and authentications agree. `findings_*`: rules
    that explain failures of that run alone."""

    bad: tuple[str, ...]
    good: tuple[str, ...]
    differences: tuple[Difference, ...]
    same: int
    findings_bad: tuple[str, ...]
    findings_good: tuple[str, ...]


def compare(bad: Report, good: Report) -> Comparison:
    pairs = [
        *_compared(bad.calls, good.calls, _call_key, call_facets, call_text, _call_side),
        *_compared(_asked(bad), _asked(good), _exchange_key, exchange_facets, _exchange_words, _exchange_side),
        *_compared(bad.authentications, good.authentications, _login_key, login_facets, _login_words, _login_side),
    ]
    differences = [each for each in _in_order(pairs) if each.changed or each.bad is None or each.good is None]
    mine, other = _rules(bad), _rules(good)
    return Comparison(
        tuple(capture.path for capture in bad.captures),
        tuple(capture.path for capture in good.captures),
        tuple(differences),
        len(pairs) - len(differences),
        tuple(rule for rule in mine if rule not in other),
        tuple(rule for rule in other if rule not in mine),
    )


def call_facets(call: Call) -> Facets:
    """What of a call must be the same in two runs."""
    auth = call.auth
    return {
        "outcome": call.outcome,
        "status": call.status_name or call.status_hex,
        "reject reason": call.reject_reason_name,
        "contexts": ", ".join(each.result_name for each in call.interfaces if each.result_name) or None,
        "HRESULT": call.dcom.hresult_name or call.dcom.hresult_hex if call.dcom is not None else None,
        "security": auth.mechanism if auth is not None else None,
        "level": (auth.level_name or str(auth.level)) if auth is not None else None,
        "token": auth.token if auth is not None else None,
        "answer's token": auth.reply_token if auth is not None else None,
        "Kerberos error": auth.kerberos_error_name if auth is not None else None,
        **_ticket_facets(call.ticket),
    }


def exchange_facets(exchange: KerberosExchange) -> Facets:
    return {
        "reply": exchange.reply,
        "error": exchange.error_name,
        "NTSTATUS": exchange.ntstatus_name or exchange.ntstatus_hex,
        "realm": exchange.realm.upper() if exchange.realm else None,
        "referral to": exchange.referral_to,
        "ticket etype": exchange.ticket.etype_name if exchange.ticket is not None else None,
        "user-to-user": "yes" if exchange.user_to_user else None,
    }


def login_facets(said: Authentication) -> Facets:
    return {
        "outcome": said.outcome,
        "status": said.status_name or said.status_hex,
        "mechanism": said.mechanism,
        "Kerberos error": said.kerberos_error_name,
        **_ticket_facets(said.ticket),
    }


def _ticket_facets(ticket: Ticket | None) -> Facets:
    if ticket is None:
        return {"ticket": None, "ticket etype": None, "user-to-user": None}
    return {
        "ticket": ticket_text(ticket),
        "ticket etype": ticket.etype_name,
        "user-to-user": "yes" if ticket.user_to_user else None,
    }


def _in_order(pairs: Sequence[Difference]) -> list[Difference]:
    both = sorted((_place(each.good), _place(each.bad)) for each in pairs if each.good and each.bad)
    in_good = [place for place, _ in both]

    def position(pair: Difference) -> tuple[_Place, int, _Place]:
        if pair.bad is not None:
            return _place(pair.bad), 0, _NOWHERE
        before = bisect_right(in_good, _place(pair.good))
        return both[before - 1][1] if before else _NOWHERE, 1, _place(pair.good)

    return sorted(pairs, key=position)


def _place(side: Side | None) -> _Place:
    return (side.capture, side.frames[0] if side.frames else 0) if side is not None else _NOWHERE


def _compared(
    bad: Sequence[_Record],
    good: Sequence[_Record],
    key: Callable[[_Record], Hashable],
    facets: Callable[[_Record], Facets],
    words: Callable[[_Record], str],
    side: Callable[[_Record], Side],
) -> Iterator[Difference]:
    """Every pair, those without a difference too (nothing changed)."""
    groups: dict[Hashable, tuple[list[_Record], list[_Record]]] = defaultdict(lambda: ([], []))
    for records, place in ((bad, 0), (good, 1)):
        for each in records:
            groups[key(each)][place].append(each)
    for mine, other in groups.values():
        for one, two in _paired(mine, other, facets):
            changed = _changes(facets(one) if one is not None else None, facets(two) if two is not None else None)
            about = words(one) if one is not None else words(two) if two is not None else ""
            yield Difference(
                about, side(one) if one is not None else None, side(two) if two is not None else None, changed
            )


def _paired(
    bad: Sequence[_Record], good: Sequence[_Record], facets: Callable[[_Record], Facets]
) -> Iterator[tuple[_Record | None, _Record | None]]:
    """In order where there are as many of both; otherwise equal ones first, then the rest in order."""
    if len(bad) != len(good):
        left: dict[tuple[str | None, ...], list[_Record]] = defaultdict(list)
        for each in reversed(good):
            left[tuple(facets(each).values())].append(each)
        unlike: list[_Record] = []
        matched: set[str] = set()
        for each in bad:
            equal = left.get(tuple(facets(each).values()))
            if equal:
                other = equal.pop()
                matched.add(other.id)
                yield each, other
            else:
                unlike.append(each)
        bad, good = unlike, [each for each in good if each.id not in matched]
    yield from zip(bad, good, strict=False)
    yield from ((each, None) for each in bad[len(good) :])
    yield from ((None, each) for each in good[len(bad) :])


def _changes(bad: Facets | None, good: Facets | None) -> tuple[Changed, ...]:
    names = (bad or good or {}).keys()
    rows = (Changed(name, (bad or {}).get(name), (good or {}).get(name)) for name in names)
    return tuple(row for row in rows if row.bad != row.good)


def _call_key(call: Call) -> Hashable:
    clsid = call.dcom.clsid if call.dcom is not None else None
    return call.kind, call.transport, interface_of(call)[0], call.opnum, clsid


def _exchange_key(exchange: KerberosExchange) -> Hashable:
    service = exchange.sname[0].casefold() if exchange.sname else None
    return exchange.kind, service, len(exchange.sname), exchange.user_to_user


def _login_key(said: Authentication) -> Hashable:
    return said.carried_in


def _asked(report: Report) -> list[KerberosExchange]:
    """Exchanges with KDCs; what a call or an authentication carried is compared with that. With a KDC's way to ask for
    more and without it, a run is the same."""
    return [each for each in report.kerberos if each.with_kdc and (each.error is None or each.refused)]


def _exchange_words(exchange: KerberosExchange) -> str:
    return f"{exchange.kind or 'Kerberos'} exchange for {'/'.join(exchange.sname) or '?'}"


def _login_words(said: Authentication) -> str:
    return f"{said.mechanism} authentication over {said.carried_in}"


def _call_side(call: Call) -> Side:
    return Side(call.id, call.capture, (*call.request_frames[-1:], *call.reply_frames[-1:]))


def _exchange_side(exchange: KerberosExchange) -> Side:
    return Side(exchange.id, exchange.capture, _known(exchange.request_frame, exchange.reply_frame))


def _login_side(said: Authentication) -> Side:
    return Side(said.id, said.capture, _known(said.request_frame, said.reply_frame))


def _known(*frames: int | None) -> tuple[int, ...]:
    return tuple(frame for frame in frames if frame is not None)


def _rules(report: Report) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.rule for finding in report.findings if finding.severity != "note"))
