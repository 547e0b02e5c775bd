"""The command that a page names makes the same report: every option that shapes one is in it, none that gives away what
a redacted report hides."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from report_values import article_report, capture
from story_values import logged_report

from rpctrace import cli
from rpctrace.console import analyzing
from rpctrace.console.analyze_choices import NOT_SHAPING, SHAPING, AnalyzeChoices, words_again

CHOICES = AnalyzeChoices(
    captures=("a b.pcap", "-odd.pcap", "-"),
    hosts=("10.0.0.0/8", "ws1"),
    interfaces=("samr",),
    statuses=("0x721", "5"),
    since="2012-03-04",
    until="2012-03-05T00:00:00Z",
    calls="all",
    netmon_utc_offset_minutes=-90,
    max_unpacked_octets=4096,
    netlogon=("n.log", "n.bak"),
    netlogon_year={"": 2012, "n.bak": 2011},
    netlogon_utc_offset_minutes=0,
    plain=True,
    realms={"10.2.0.73": "DOMAINB.COM"},
)


def read_again(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> AnalyzeChoices:
    """The choices that the command line makes of these words."""
    seen: list[Any] = []

    def keep(choices: AnalyzeChoices) -> int:
        seen.append(choices)
        return 0

    monkeypatch.setattr(analyzing, "analyze_command", keep)
    assert cli.main(["analyze", *words]) == 0
    (choices,) = seen
    return replace(choices, format=None)


def test_every_choice_shapes_a_report_or_does_not() -> None:
    """Whoever adds an option says which of the two."""
    assert {field.name for field in fields(AnalyzeChoices)} == {*SHAPING, *NOT_SHAPING}
    assert NOT_SHAPING.isdisjoint(SHAPING)


def test_the_words_mean_the_same_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shaping option is set to something else than its default; a file that begins with a hyphen is no option."""
    default = AnalyzeChoices(captures=())
    of_redaction = {"redact", "redact_key"}
    assert {name for name in SHAPING if getattr(CHOICES, name) == getattr(default, name)} == of_redaction
    again = read_again(words_again(CHOICES, article_report()), monkeypatch)
    assert again == replace(CHOICES, captures=("a b.pcap", "./-odd.pcap", "-"))


def test_nothing_but_the_capture_where_nothing_was_chosen() -> None:
    quiet = AnalyzeChoices(captures=("a.pcap",), quiet=True, verbosity=2, jobs=4, fail_on="high", outputs=("x.html",))
    assert words_again(quiet, article_report()) == ("a.pcap",)


def test_a_redacted_report_gives_nothing_away() -> None:
    """Neither the key nor a name or file of the command line; files are called as in the report."""
    report = replace(logged_report(), captures=(capture(path="aaaa.pcap"),))
    for changes in ({"redact": True}, {"redact_key": "secret"}):
        words = words_again(replace(CHOICES, **changes), report)
        assert not {"ws1", "10.0.0.0/8", "a b.pcap", "n.log", "n.bak", "secret", "10.2.0.73=DOMAINB.COM"} & set(words)
        assert words[:5] == ("aaaa.pcap", "--host", "HOST", "--host", "HOST")
        assert words[words.index("--realm") + 1] == "HOST=REALM"
    assert words[-2:] == ("--redact-key", "TEXT")
