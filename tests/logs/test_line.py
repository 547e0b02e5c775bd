"""Proves: every public line reads as what it says, and no other text fails or takes long."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netlogon_lines import ENTERED, EXAMPLES, RETURNS

from rpctrace.logs.line import MAXIMUM_LINE_CHARACTERS, Line, Logon, Moment, parse_line, parse_plainly

HOSTILE = ("[" * 4000, " " * 4000, "[A" * 2000, "SamLogon: " * 400, " from " * 600 + " Entered", ": " * 2000, "<" * 40)


@pytest.mark.parametrize(("text", "time", "flag", "thread", "domain", "said"), EXAMPLES)
def test_the_public_examples(
    text: str, time: str | None, flag: str | None, thread: str | None, domain: str | None, said: Logon | str
) -> None:
    line = parse_line(text, 7)
    assert line.number == 7
    assert (line.moment.text if line.moment else None) == time
    assert (line.flag, line.thread, line.hosted_domain) == (flag, thread, domain)
    assert (line.text if line.logon is None else line.logon) == said


def test_there_are_all_forms() -> None:
    assert len(EXAMPLES) == 45
    assert sum(isinstance(example[5], Logon) for example in EXAMPLES) == 32


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("Returns 0xC00000640xc0000064", 0xC0000064),
        ("Returns 0xC00000640xc0000064 = STATUS_NO_SUCH_USER", 0xC0000064),
        ("Returns 0xC000006D ", 0xC000006D),
        ("Returns 0x0", 0),
        ("returns 0", 0),
        ("Returns 3221225572", 0xC0000064),
        ("Returns 99999999999", None),
        ("Returns 9999999999", None),
        ("Returns", None),
        ("Returns what", None),
    ],
)
def test_a_status_has_eight_digits_at_most(ending: str, status: int | None) -> None:
    """The support article runs two texts together; older lines are decimal."""
    logon = parse_line(ENTERED.replace("Entered", ending), 1).logon
    assert logon is not None
    assert (logon.phase, logon.status, logon.via) == ("Returns", status, "RESOURCE-WIN73")


@pytest.mark.parametrize("kind", ["Interactive", "Network", "Service", "Generic", "Transitive Network",
                                  "Transitive Interactive", "Ticket", "Something New"])  # fmt: skip
def test_every_kind_of_logon(kind: str) -> None:
    logon = parse_line(RETURNS.replace("Generic", kind), 1).logon
    assert logon is not None
    assert (logon.kind, logon.domain, logon.package) == (kind, "CHILD.DOMAINA.COM", "Kerberos")


def test_names_may_hold_the_words_between_which_they_stand() -> None:
    line = parse_line(r"[LOGON] SamLogon: Network logon of A\me from Returns 0x1 from here from \\W (via V) Entered", 1)
    assert line.logon == Logon("Network", "A", "me from Returns 0x1 from here", "W", "V", None, "Entered", None)


@pytest.mark.parametrize(
    "head", ["13/14 09:26:50", "03/32 09:26:50", "00/14 09:26:50", "03/14 24:00:00", "03/14 09:60:00"]
)
def test_a_date_that_cannot_be_stays_in_the_text(head: str) -> None:
    line = parse_line(f"{head} [LOGON] SamLogon: x", 1)
    assert (line.moment, line.flag, line.logon) == (None, None, None)
    assert line.text == f"{head} [LOGON] SamLogon: x"


def test_what_surrounds_a_line_is_no_part_of_it() -> None:
    """Blanks, line ends, the mark of an encoding inside joined files, and NULs where the system had stopped."""
    assert parse_line(f"\0\0\ufeff{RETURNS} \t\r", 1) == parse_line(RETURNS, 1)
    assert parse_line("", 3) == Line(3, None, None, None, None, None, "")


def test_the_moment_of_a_line() -> None:
    assert parse_line(RETURNS, 1).moment == Moment(3, 14, 9 * 3600 + 26 * 60 + 50)


@given(st.text(st.sampled_from("[]:/0123456789<>\\() xXSLamogEntrdRuvip\0\udc81\u2028"), max_size=200))
def test_any_text_is_a_line(text: str) -> None:
    line = parse_line(text, 1)
    assert (line.logon is None) != (line.text is None)


@pytest.mark.parametrize("place", range(len(RETURNS)))
def test_a_line_cut_anywhere_is_a_line(place: int) -> None:
    line = parse_line(RETURNS[:place], 1)
    assert (line.logon is None) != (line.text is None)
    if place > RETURNS.index("SamLogon: ") + 12:
        assert line.logon is not None


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:10])
def test_no_line_takes_long(text: str) -> None:
    """A line of the greatest length is read in about the time of its characters."""
    start = process_time()
    for number in range(20):
        parse_line(text * 10, number)
    assert process_time() - start < 0.5
    said = parse_line(text * 10, 1)
    assert len(said.text or "") <= MAXIMUM_LINE_CHARACTERS


_PARTS = st.sampled_from(
    (
        *("03/14 09:26:50", "13/14 09:26:50", "02/20 25:00:00", "<Date> <Time>", " ", "  ", "\t", "\r", "\0", "\ufeff"),
        *("[LOGON]", "[MISC]", "[412]", "[12345678901]", "[LOGON] [412] ", "RESOURCE: ", "<X>: ", "NlX: ", ":", ": "),
        *("SamLogon:", "SamLogon: ", "Network", " logon of ", "A\\b", "(null)", " from ", "W", "(via S)", " (via S) "),
        *("Package:", "Package:Kerberos", " Entered", "Entered", " Returns", " returns ", "0x0", "0xC0000064", "5"),
        *("0xC00000640x1", " Returns 0x", "NetrLogonUasLogon of ", "x" * 300, "\u0663", "\u2003", "\x0b"),
    )
)


@given(st.lists(_PARTS, max_size=14).map("".join), st.integers(0, 3))
def test_the_way_of_the_usual_lines_says_the_same(text: str, kind: int) -> None:
    """Of any line; some of them begin as the usual ones do, and some are those with something put in or left out."""
    start = ("", "03/14 09:26:50 [LOGON] ", "03/14 09:26:50 [LOGON] [412] D: SamLogon: N logon of ", "")[kind]
    end = ("", " Entered", " Returns 0xC0000064", " Returns 0x0 \r")[kind]
    assert parse_line(start + text + end, 7) == parse_plainly(start + text + end, 7)


@given(st.sampled_from((ENTERED, RETURNS)), st.integers(0, 150), st.integers(0, 150), _PARTS)
def test_usual_lines_changed_anywhere_say_the_same(text: str, start: int, end: int, part: str) -> None:
    changed = text[:start] + part + text[end:]
    assert parse_line(changed, 7) == parse_plainly(changed, 7)
    assert parse_line(text, 7) == parse_plainly(text, 7)
