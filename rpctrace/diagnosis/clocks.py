"""How the clocks of servers and KDCs stand to that of the capturing computer, by the server time of their errors.

A KRB-ERROR holds its sender's time (RFC 4120 5.9.1, stime and susec); the frame has the capturing computer's. What the
answer took on its way is within the second that matters here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

from rpctrace.diagnosis.evidence import NS_PER_SECOND, Evidence
from rpctrace.report import Authentication, Call, KerberosExchange

MATTERS_NS = 120 * NS_PER_SECOND  # five minutes are allowed as a rule; half of that is no accident
_KDC_CARRIERS = frozenset(("kdc_tcp", "kdc_udp"))


class Clockwork:
    """Clocks of a report; differences in nanoseconds."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._kdcs: dict[int, list[tuple[int, KerberosExchange, int]]] = defaultdict(list)
        for each in evidence.report.kerberos:
            if each.carried_in in _KDC_CARRIERS and each.server_ns is not None and each.reply_ns is not None:
                self._kdcs[each.capture].append((each.reply_ns, each, each.server_ns - each.reply_ns))
        for told in self._kdcs.values():
            told.sort(key=lambda each: each[0])

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
