"""Proves: only a plain https address may become a link."""

from __future__ import annotations

import pytest

from rpctrace.render.links import is_plain_link


@pytest.mark.parametrize(
    ("reference", "plain"),
    [
        ("https://learn.microsoft.com/a?b=c#d", True),
        ("http://learn.microsoft.com/", False),
        ("javascript:alert(1)", False),
        ("https://x/\"onclick=\"alert(1)", False),
        ("https://x y", False),
        ("[MS-APDS] 3.2.5", False),
    ],
)
def test_a_link_is_plain_https(reference: str, plain: bool) -> None:
    assert is_plain_link(reference) is plain
