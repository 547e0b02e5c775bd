"""How the clocks of servers and KDCs stand to that of the capturing computer, by the server time of their errors.

A KRB-ERROR holds its sender's time (RFC 4120 5.9.1, stime and susec); the frame has the capturing computer's. What the
answer took on its way is within the second that matters here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Authentication, Call, KerberosExchange

AGREES_NS = 60 * NS_PER_SECOND
MATTERS_NS = 120 * NS_PER_SECOND  # five minutes are allowed as a rule; half of that is no accident
SKEW = 37  # RFC 4120 7.5.9 KRB_AP_ERR_SKEW


class Clockwork:
    """Clocks of a report; differences in nanoseconds."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._kdcs: dict[int, list[tuple[int, KerberosExchange, int]]] = defaultdict(list)
        for each in evidence.report.kerberos:
            if each.with_kdc and each.server_ns is not None and each.reply_ns is not None:
                self._kdcs[each.capture].append((each.reply_ns, each, each.server_ns - each.reply_ns))
        for told in self._kdcs.values():
            told.sort(key=lambda each: each[0])
        # Of each capture the first errors of two KDCs whose clocks agree with it: one of them is not the one compared
        self._agreeing: dict[int, dict[Place, KerberosExchange]] = defaultdict(dict)
        for capture, told in self._kdcs.items():
            agreeing = self._agreeing[capture]
            for _, each, ahead in told:
                if each.error not in (None, SKEW) and abs(ahead) <= AGREES_NS and len(agreeing) < 2:
                    agreeing.setdefault(evidence.place_of(each, each.server), each)

    @staticmethod
    def kdc_ahead(exchange: KerberosExchange) -> int | None:
        """By how much the clock of a KDC goes before the capturing computer's, by its error."""
        if exchange.server_ns is None or exchange.reply_ns is None:
            return None
        return exchange.server_ns - exchange.reply_ns

    def agreeing_kdc(self, exchange: KerberosExchange) -> KerberosExchange | None:
        """An error of another KDC in the same capture, about something else than clocks, whose time is the capture's
        own."""
        itself = self._evidence.place_of(exchange, exchange.server)
        agreeing = self._agreeing.get(exchange.capture, {})
        return next((each for place, each in agreeing.items() if place != itself), None)

    def ahead_of_capture(self, record: Call | Authentication) -> int | None:
        """By how much the clock of the server that answered with a KRB-ERROR goes before the capturing computer's."""
        exchange = self._evidence.tickets.exchange_in(record)
        if exchange is None or exchange.server_ns is None or record.reply_ns is None:
            return None
        return exchange.server_ns - record.reply_ns

    def nearest_kdc(self, record: Call | Authentication) -> tuple[KerberosExchange, int] | None:
        """The error of a KDC nearest in time in the same capture, and by how much that KDC's clock goes before the
        capturing computer's."""
        told, moment = self._kdcs.get(record.capture, []), record.reply_ns
        if not told or moment is None:
            return None
        at = bisect_left(told, moment, key=lambda each: each[0])
        _, exchange, ahead = min(told[max(at - 1, 0) : at + 1], key=lambda each: abs(each[0] - moment))
        return exchange, ahead

    @staticmethod
    def matters(difference_ns: int) -> bool:
        return abs(difference_ns) >= MATTERS_NS

    @staticmethod
    def words(difference_ns: int) -> str:
        """`is 1200 s ahead of`, `agrees within 0.1 s with`."""
        seconds = difference_ns / NS_PER_SECOND
        if abs(seconds) < 1:
            return "agrees to the second with"
        return f"is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'}"
