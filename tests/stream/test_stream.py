"""A connection can key a table, and its events compare by value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from rpctrace.network.flow import Endpoint
from rpctrace.stream.stream import Close, Connection, Gap

CONNECTION = Connection(0, Endpoint("10.0.0.1", 49_700), Endpoint("10.0.0.2", 135), False)


def test_connections_are_values() -> None:
    assert {CONNECTION: 1}[replace(CONNECTION)] == 1
    assert replace(CONNECTION, number=1) != CONNECTION
    with pytest.raises(FrozenInstanceError):
        CONNECTION.number = 2  # type: ignore[misc]


def test_events_are_values() -> None:
    assert Gap(0, 1, 2, 3) == Gap(0, 1, 2, 3)
    assert Close(None, False, None, None) != Close(0, False, None, None)
