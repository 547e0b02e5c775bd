"""Entered and Returns of a logon -> pairs.

By the thread where both lines name it and agree in the rest; else the first that is open with the same kind, names and
package; else one that differs in the domain alone, as the two lines of the support article do. Published logs have
thread numbers that change between the two lines, so another thread is no objection.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from rpctrace.logs.line import Logon, Moment, Placed

MAXIMUM_OPEN_LOGONS = 10_000
# A domain controller that lacks a free connection answers after 45 s; what is open so long was answered by no line.
LONGEST_LOGON_S = 600
_DAY_S = 86_400


def ends(lines: Iterable[Placed]) -> Iterator[tuple[Placed, Placed | None]]:
    """Every line that is no logon; of every logon the line that ended it, and the Entered line that this answers.
    An Entered line stands for itself where nothing answered it, as soon as that is sure."""
    pairs = Pairs()
    for placed in lines:
        logon = placed.line.logon
        if logon is None:
            yield placed, None
            continue
        entered = pairs.feed(placed, logon)
        if logon.phase != "Entered":
            yield placed, entered
        if pairs.unanswered:
            yield from pairs.taken_away()
    pairs.close()
    yield from pairs.taken_away()


_Keys = tuple[Hashable, ...]


class Pairs:
    """`unanswered`: Entered lines that nothing answered, or that were given up for want of room."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[Placed, _Keys]] = {}
        self._by_key: dict[Hashable, dict[int, None]] = {}
        self.unanswered: list[Placed] = []

    def feed(self, placed: Placed, logon: Logon) -> Placed | None:
        """The Entered line that this one, a Returns line, answers; `logon` is the line's."""
        if logon.phase == "Entered":
            self._take(placed, _keys(placed.line.thread, logon))
            return None
        if logon.phase != "Returns":
            return None
        line = placed.line
        for key in _keys(line.thread, logon):
            while (same := self._by_key.get(key)) is not None:
                entered = self._close(next(iter(same)))
                took = _apart_s(entered.line.moment, line.moment)
                if took is None or took <= LONGEST_LOGON_S:
                    return entered
                self.unanswered.append(entered)
        return None

    def close(self) -> None:
        """The log has ended: what is open is unanswered."""
        self.unanswered += [placed for placed, _ in self._open.values()]
        self._open.clear()
        self._by_key.clear()

    def taken_away(self) -> Iterator[tuple[Placed, None]]:
        for placed in self.unanswered:
            yield placed, None
        self.unanswered.clear()

    def _take(self, placed: Placed, keys: _Keys) -> None:
        if len(self._open) >= MAXIMUM_OPEN_LOGONS:
            self.unanswered.append(self._close(next(iter(self._open))))
        number = placed.line.number
        self._open[number] = placed, keys
        for key in keys:
            same = self._by_key.get(key)
            if same is None:
                self._by_key[key] = {number: None}
            else:
                same[number] = None

    def _close(self, number: int) -> Placed:
        placed, keys = self._open.pop(number)
        for key in keys:
            same = self._by_key[key]
            if len(same) == 1:
                del self._by_key[key]
            else:
                del same[number]
        return placed


def _keys(thread: str | None, logon: Logon) -> _Keys:
    """From the surest on; no two kinds of key are alike."""
    kind, domain, user, workstation, via, package, _, _ = logon
    names = kind, user, workstation, via, package
    by_domain = domain, names
    if via is None and package is None:
        return (by_domain,) if thread is None else ((thread, 0, names), by_domain)
    return (by_domain, names) if thread is None else ((thread, 0, names), by_domain, names)


def duration_s(entered: Moment | None, returned: Moment | None) -> int | None:
    """Seconds between two moments of one log; None where one is missing or the clock was set back between them."""
    apart = _apart_s(entered, returned)
    return None if apart is None or apart < 0 else apart


def _apart_s(entered: Moment | None, returned: Moment | None) -> int | None:
    if entered is None or returned is None:
        return None
    # of another day only that it is the next one matters: logons do not last longer
    days = 0 if (entered.month, entered.day) == (returned.month, returned.day) else 1
    return days * _DAY_S + returned.second_of_day - entered.second_of_day
