"""Proves: names that our tables lack come from impacket's, and without impacket nothing fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from rpctrace.knowledge import impacket_names, tables

CODES_ONLY_IMPACKET_HAS = [
    (0x26, "win32", "ERROR_HANDLE_EOF"),
    (0xC0000008, "ntstatus", "STATUS_INVALID_HANDLE"),
    (0x80000005, "ntstatus", "STATUS_BUFFER_OVERFLOW"),
    (0x80040000, "hresult", "OLE_E_OLEVERB"),
]
NOWHERE = [0x25, 0xC0DE1234, 0x12345678, 0xFFFFFFFF, 1 << 40, -1]


@pytest.fixture
def without_impacket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """impacket as an antivirus product leaves it: importing a module of it fails."""
    for module in ("impacket.system_errors", "impacket.nt_errors", "impacket.hresult_errors"):
        monkeypatch.setitem(sys.modules, module, None)
    impacket_names._messages.cache_clear()
    yield
    impacket_names._messages.cache_clear()


@pytest.mark.parametrize(("value", "family", "name"), CODES_ONLY_IMPACKET_HAS)
def test_a_code_is_named_in_its_likeliest_family(value: int, family: str, name: str) -> None:
    found = impacket_names.any_name(value)
    assert found is not None
    assert (found.family, found.value, found.name) == (family, value, name)
    assert found.message
    assert "\n" not in found.message
    assert list(impacket_names.values_named(name.lower())) == [found]


@pytest.mark.parametrize("value", NOWHERE)
def test_an_unknown_code_has_no_name(value: int) -> None:
    assert impacket_names.any_name(value) is None


def test_families_that_impacket_has_no_plain_table_for() -> None:
    assert impacket_names.borrowed_name("dce", 0x16C9A0D6) is None
    assert impacket_names.borrowed_name("nca", 0x1C010003) is None


@pytest.mark.usefixtures("without_impacket")
def test_without_impacket_our_own_names_stay_and_the_others_are_none() -> None:
    assert [impacket_names.any_name(value) for value, _, _ in CODES_ONLY_IMPACKET_HAS] == [None] * 4
    assert list(impacket_names.values_named("ERROR_HANDLE_EOF")) == []
    assert tables.status_name(0x26) is None
    assert tables.ntstatus_name(0xC0000008) is None
    assert tables.status_name(0x721) == "RPC_S_SEC_PKG_ERROR"
    assert tables.ntstatus_name(0xC0000064) == "STATUS_NO_SUCH_USER"
