"""The key of --redact: the user's own, or one that nobody knows again."""

from __future__ import annotations

import pytest

from rpctrace.console.redact_key import key_of
from rpctrace.errors import UsageError


def test_keys() -> None:
    assert key_of(False, None) is None
    assert key_of(False, "mine") == key_of(True, "mine") == b"mine"
    one, other = key_of(True, None), key_of(True, None)
    assert one is not None
    assert len(one) >= 16
    assert one != other


def test_a_key_that_everybody_guesses() -> None:
    with pytest.raises(UsageError, match="nobody guesses"):
        key_of(False, "")
