"""Every name under which a bound is counted has its value."""

from __future__ import annotations

import re
from pathlib import Path

import rpctrace
from rpctrace.limits import BOUNDS, limits_reached
from rpctrace.report import Limit

PACKAGE = Path(rpctrace.__file__).parent


def test_every_limit_that_is_counted_has_its_bound() -> None:
    """As the source names them."""
    for folder, pattern in (
        ("stream", r'account[.]count[(]"([a-z_]+)"'),
        ("conversations", r'reach[(]"([a-z_]+)"'),
        ("protocols", r'_(?:reach|count)[(]"([a-z_]+)"'),
        ("protocols", r'limits\["([a-z_]+)"'),
        ("protocols/smb", r'make_room[(][^"]+"([a-z_]+)"'),
        ("protocols/dcerpc", r'^    [(]"([a-z_]+)", MAXIMUM'),
    ):
        texts = [path.read_text(encoding="utf-8") for path in (PACKAGE / folder).rglob("*.py")]
        counted = {name for text in texts for name in re.findall(pattern, text, re.MULTILINE)}
        assert counted, pattern
        assert counted <= BOUNDS.keys()


def test_what_was_not_reached_is_not_told() -> None:
    """By name."""
    assert list(limits_reached({"pdus_kept": 2, "flows": 0, "calls_kept": 1})) == [
        Limit("calls_kept", BOUNDS["calls_kept"], 1), Limit("pdus_kept", BOUNDS["pdus_kept"], 2),
    ]  # fmt: skip
