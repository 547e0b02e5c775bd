"""Proves: every Returns gets its own Entered, and what nothing answers is told; in bounded memory and time."""

from __future__ import annotations

import pytest
from builders.work import function_calls
from netlogon_lines import ENTERED, EXAMPLES, RETURNS

from rpctrace.logs import pairs as module
from rpctrace.logs.line import Placed, parse_line
from rpctrace.logs.pairs import duration_s, ends

PLAIN_ENTERED, PLAIN_RETURNS = ENTERED.replace("[412] ", ""), RETURNS.replace("[412] ", "")


def paired(*texts: str) -> tuple[list[tuple[int, int]], list[int]]:
    """((Entered, Returns) line numbers, unanswered ones)"""
    found, unanswered = [], []
    for placed, entered in ends(Placed(parse_line(text, number), 0) for number, text in enumerate(texts, 1)):
        assert placed.line.logon is not None
        if entered is not None:
            found.append((entered.line.number, placed.line.number))
        elif placed.line.logon.phase == "Entered":
            unanswered.append(placed.line.number)
    return found, sorted(unanswered)


def test_the_two_lines_of_the_article_pair() -> None:
    """Their domains differ: whoever wrote it changed the one and not the other."""
    assert paired(EXAMPLES[0][0], EXAMPLES[1][0]) == ([(1, 2)], [])


def test_the_same_domain_goes_before_order() -> None:
    other = PLAIN_ENTERED.replace("CHILD.DOMAINA.COM", "OTHER.COM")
    assert paired(other, PLAIN_ENTERED, PLAIN_RETURNS) == ([(2, 3)], [1])


def test_threads_go_before_order() -> None:
    two = [text.replace("[412]", "[413]") for text in (ENTERED, RETURNS)]
    assert paired(ENTERED, two[0], two[1], RETURNS) == ([(2, 3), (1, 4)], [])


def test_threads_that_change_between_the_lines_are_no_objection() -> None:
    assert paired(ENTERED, RETURNS.replace("[412]", "[9]")) == ([(1, 2)], [])


def test_a_thread_alone_pairs_nothing() -> None:
    """The number is of use only where the rest agrees."""
    assert paired(ENTERED, RETURNS.replace("WIN73", "WIN74")) == ([], [1])


def test_what_is_no_logon_passes_and_an_open_line_keeps_its_own_year() -> None:
    """A line that the log left open is told at the log's end, with the turns of the year that it had itself."""
    lines = [Placed(parse_line(text, number), turns) for number, (text, turns) in
             enumerate([(ENTERED, 0), ("[MISC] x", 0), ("[CRITICAL] y", 1)], 1)]  # fmt: skip
    assert list(ends(lines)) == [(lines[1], None), (lines[2], None), (lines[0], None)]


def test_in_order_without_threads() -> None:
    texts = (PLAIN_ENTERED, PLAIN_ENTERED, PLAIN_RETURNS, PLAIN_RETURNS, PLAIN_RETURNS)
    assert paired(*texts) == ([(1, 3), (2, 4)], [])


@pytest.mark.parametrize("changed", ["Network", r"DOMAINA.COM\me", "from W", "WIN74", "Package:NTLM"])
def test_what_must_agree(changed: str) -> None:
    old = {"Network": "Generic", r"DOMAINA.COM\me": r"DOMAINA.COM\(null)", "from W": "from (null)", "WIN74": "WIN73",
           "Package:NTLM": "Package:Kerberos"}[changed]  # fmt: skip
    assert paired(PLAIN_ENTERED, PLAIN_RETURNS.replace(old, changed)) == ([], [1])


def test_an_old_line_is_not_answered_by_a_new_one() -> None:
    """Its own answer was lost; pairing it would shift every pair that follows."""
    late = PLAIN_ENTERED.replace("09:26:50", "10:00:00")
    answer = PLAIN_RETURNS.replace("09:26:50", "10:00:45")
    assert paired(PLAIN_ENTERED, late, answer) == ([(2, 3)], [1])


def test_more_open_logons_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAXIMUM_OPEN_LOGONS", 3)
    texts = [PLAIN_ENTERED.replace("WIN73", f"W{number}") for number in range(5)]
    answers = [text.replace("Entered", "Returns 0x0") for text in texts]
    assert paired(*texts, *answers) == ([(3, 8), (4, 9), (5, 10)], [1, 2])


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [("06/03 14:16:58", "06/03 14:17:43", 45), ("06/03 23:59:59", "06/04 00:00:02", 3),
     ("12/31 23:59:59", "01/01 00:00:00", 1), ("10/28 02:59:59", "10/28 02:00:00", None), ("", "06/03 14:17:43", None)],
)  # fmt: skip
def test_durations(start: str, end: str, seconds: int | None) -> None:
    one, other = parse_line(f"{start} [LOGON] x", 1), parse_line(f"{end} [LOGON] x", 2)
    assert duration_s(one.moment, other.moment) == seconds


def crowd(logons: int) -> list[Placed]:
    """Half of them answered backwards, half never, all alike but for the thread."""
    entered = [parse_line(ENTERED.replace("[412]", f"[{number}]"), number) for number in range(logons)]
    answers = [
        parse_line(RETURNS.replace("[412]", f"[{number}]"), logons + number) for number in reversed(range(logons // 2))
    ]
    return [Placed(line, 0) for line in entered + answers]


def test_work_grows_with_the_lines() -> None:
    """Twice as many are at most 2.3 times the work."""

    def work(logons: int) -> int:
        lines = crowd(logons)
        return function_calls(lambda: list(ends(lines)))

    assert work(4_000) <= 2.3 * work(2_000)
