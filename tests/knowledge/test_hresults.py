"""HRESULTs have their own names for success."""

from __future__ import annotations

import pytest

from rpctrace.knowledge import tables


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (0, "S_OK"),
        (1, "S_FALSE"),
        (0x80004002, "E_NOINTERFACE"),
        (-2147467262, "E_NOINTERFACE"),
        (0x721, "RPC_S_SEC_PKG_ERROR"),
    ],
)
def test_names(value: int, name: str) -> None:
    """Of a COM operation's result; a Win32 status that it relays keeps its name."""
    assert tables.hresult_name(value) == name
