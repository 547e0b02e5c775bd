"""The baseline: what is written is read again, whatever its text, in one order; what is none is refused."""

from __future__ import annotations

import pytest

from rpctrace.errors import UsageError
from rpctrace.expectations.baseline import Known, baseline_text, read_baseline

ONE, OTHER = Known("b.pcap", "missing", "call, status 5"), Known("a.pcap", "extra", 'ticket, "\\"@X')


def test_written_and_read() -> None:
    text = baseline_text([ONE, OTHER, ONE])
    assert read_baseline(text, "x") == {ONE, OTHER}
    assert text == baseline_text([OTHER, ONE])
    assert text.index("a.pcap") < text.index("b.pcap")


@pytest.mark.parametrize("hostile", ['"]\n[[known]]\n', "\x1b[31m\u202e", "\udc80"])
def test_hostile_text_stays_in_its_quotes(hostile: str) -> None:
    text = baseline_text([Known(hostile, "missing", hostile)])
    assert len(read_baseline(text, "x")) == 1
    assert all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.parametrize(
    "text",
    [
        "failed = 1", "known = 3", "[[known]]\ncapture = 'x'", "known = [3]", "[",
        "[[known]]\ncapture = 'x'\ncode = 1\nabout = ''",
    ],
)
def test_what_is_no_baseline(text: str) -> None:
    with pytest.raises(UsageError, match=r"^base\.toml: "):
        read_baseline(text, "base.toml")
