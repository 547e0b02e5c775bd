"""Keys: each agrees with what its own record shows where it is a plain value, and refuses what is of another type."""

from __future__ import annotations

import pytest
from report_values import full_report, refused_call

from rpctrace.errors import UsageError
from rpctrace.expectations.keys import KINDS, SHORT
from rpctrace.report import Dcom

ALL = [(kind, name) for kind in KINDS.values() for name in kind.keys]


@pytest.mark.parametrize(("kind", "name"), ALL, ids=lambda value: value if isinstance(value, str) else value.table)
def test_a_key_is_shown_and_refuses_another_type(kind: object, name: str) -> None:
    """No key raises on a record, with or without the field; a list of tables fits none."""
    key = kind.keys[name]  # type: ignore[attr-defined]
    for record in kind.records(full_report()):  # type: ignore[attr-defined]
        assert key.shown(record).isprintable()
    with pytest.raises(UsageError):
        key.wanted([{}])


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("call", "server", "10.3.0.33:52042"),
        ("call", "server", "10.3.0.33"),
        ("call", "server", "[fe80::1]:445"),
        ("call", "server", "[fe80::1]"),
        ("call", "server", "10.3.0.0/16"),
        ("call", "reply", "fault"),
        ("call", "operation", "RemoteCreateInstance"),
        ("finding", "title", "The server could not*"),
        ("finding", "rule", "pac-?forest-u2u"),
        ("ticket", "client", "10.2.0.21"),
        ("ticket", "name_type", 1),
        ("kerberos", "error", "KDC_ERR_S_PRINCIPAL_UNKNOWN"),
        ("kerberos", "error", 7),
    ],
)
def test_a_value_that_fits_some_record(table: str, key: str, value: object) -> None:
    kind = KINDS[table]
    agrees = kind.keys[key].wanted(value).agrees
    assert any(map(agrees, kind.records(full_report()))), [kind.keys[key].shown(r) for r in kind.records(full_report())]


@pytest.mark.parametrize("code", ["0x80070005", "-2147024891", "E_ACCESSDENIED"])
def test_what_an_answer_says_of_itself(code: str) -> None:
    """Is no fault: it has a key of its own."""
    denied = refused_call(status=None, dcom=Dcom(None, None, 0x80070005, "0x80070005", "E_ACCESSDENIED"))
    keys = KINDS["call"].keys
    assert keys["result"].wanted(code).agrees(denied)
    assert not keys["status"].wanted(code).agrees(denied)
    assert not keys["result"].wanted(code).agrees(refused_call())
    assert (keys["result"].shown(denied), keys["result"].shown(refused_call())) == ("0x80070005", "none")


def test_no_host_is_every_host_without_a_name() -> None:
    with pytest.raises(UsageError):
        KINDS["call"].keys["server"].wanted("")


def test_a_text_with_signs_of_a_pattern_is_itself() -> None:
    """A realm may hold brackets."""
    agrees = KINDS["finding"].keys["rule"].wanted("a[b").agrees
    (finding,) = full_report().findings
    assert not agrees(finding)


def test_short_forms_are_of_keys_that_there_are() -> None:
    assert all(name in kind.keys for kind, name in SHORT.values())
