"""All joins together: deterministic, done once for all, and nothing of a single capture's records but their links."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from capture_views import unjoined
from incident_records import REALM_A, REALM_B, call, report, shown, stream, tgs_exchange, tgt, ticket
from report_values import empty_report, full_report
from shared_captures import SHARED, captures_in, name_of, needs_shared

from rpctrace.correlation.registry import JOINS, correlate
from rpctrace.report import Host, Report

LINKS: dict[str, Any] = {
    "path": None, "hop": None, "presented_from": None, "presented_by": None, "after_error": None, "endpoint": None,
    "purpose": None, "connections": (),
}  # fmt: skip


def unlinked(record: Any) -> Any:
    """A record without what joins fill."""
    names = {field.name for field in fields(record)}
    if type(record).__name__ == "Endpoint":
        names.discard("purpose")  # what was told, which joins copy to streams
    changes = {name: value for name, value in LINKS.items() if name in names}
    if getattr(record, "ticket", None) is not None and "exchange" in {f.name for f in fields(record.ticket)}:
        changes["ticket"] = replace(record.ticket, exchange=None, exchange_by=None)
    if getattr(record, "auth", None) is not None:
        changes["auth"] = replace(record.auth, after_error=None)
    if getattr(record, "dcom", None) is not None and record.dcom.ipid is not None:
        changes["dcom"] = replace(record.dcom, iid=None, interface_name=None, oxid=None)
    return replace(record, **changes)


SAMPLES = [
    *captures_in(SHARED / "lab" / "a-clean"),
    *captures_in(SHARED / "lab" / "d-kerberos"),
    *captures_in(SHARED / "lab" / "e-misconfig"),
    *captures_in(SHARED / "u2u"),
    *captures_in(SHARED / "public"),
]


@needs_shared
@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_a_single_capture_changes_in_its_links_alone(path: Path) -> None:
    before = unjoined(path)
    after = correlate(before)
    assert correlate(after) == after
    assert correlate(before) == after
    for name in ("calls", "kerberos", "authentications", "endpoints", "events", "streams"):
        assert [unlinked(each) for each in getattr(after, name)] == [unlinked(each) for each in getattr(before, name)]
    same = {"calls", "kerberos", "authentications", "endpoints", "events", "streams", "referral_paths", "findings",
            "host_clocks"}  # fmt: skip
    for field in fields(Report):
        if field.name not in same:
            assert getattr(after, field.name) == getattr(before, field.name), field.name


@needs_shared
@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_every_link_leads_to_a_record(path: Path) -> None:
    """And the one at the other end is of the kind it should be."""
    whole = correlate(unjoined(path))
    kerberos = {each.id: each for each in whole.kerberos}
    tickets = [each.ticket for each in (*whole.calls, *whole.authentications) if each.ticket is not None]
    issued = [each.exchange for each in tickets] + [each.presented_from for each in whole.kerberos]
    assert all(kerberos[name].ticket is not None for name in issued if name is not None)
    errors = [each.after_error for each in whole.authentications]
    errors += [each.auth.after_error for each in whole.calls if each.auth is not None]
    assert all(kerberos[name].error is not None for name in errors if name is not None)
    paths = {each.id: each for each in whole.referral_paths}
    for each in whole.kerberos:
        if each.path is not None and each.hop is not None:
            assert paths[each.path].exchanges[each.hop - 1] == each.id
    assert all(kerberos[name].kind == "TGS" for path in whole.referral_paths for name in path.exchanges)
    endpoints = {each.id: each for each in whole.endpoints}
    for each in whole.streams:
        assert each.endpoint is None or each.id in endpoints[each.endpoint].connections


def test_an_empty_and_a_full_report() -> None:
    assert correlate(empty_report()) == empty_report()
    whole = correlate(full_report())
    assert correlate(whole) == whole
    assert len(JOINS) == 8


def crowd(calls: int) -> Report:
    """Calls with tickets, half as many exchanges, two captures of everything."""
    records: list[Any] = []
    for capture in (0, 1):
        for number in range(calls):
            connection = number // 20
            client = Host(f"10.0.{connection % 250}.{connection // 250}", 40000 + connection % 20000, None)
            name = ticket(REALM_B, "host", "dc1", digest=None if connection % 3 else f"{connection}")
            moment = number / 100 + 7 * capture
            records.append(
                call(
                    f"call-{capture * calls + number}", moment, capture=capture, client=client,
                    call_id=1 if connection % 2 else number, ticket=shown(name, number),
                )
            )  # fmt: skip
            if number % 2 == 0:
                own = tgt(REALM_A, digest=f"t{number}" if number % 3 else None)
                identity = f"krb-{capture * calls + number}"
                records.append(tgs_exchange(identity, moment, own, name, capture=capture, client=client))
            if number % 20 == 0:
                records.append(replace(stream(f"tcp-{capture}-{connection}", moment), capture=capture, client=client))
    return report(*records, captures=2)


def test_time_grows_with_the_number_of_records() -> None:
    """Ten times as many take no more than thirty times as long; a quadratic join would take a hundred times."""

    def seconds(calls: int) -> float:
        whole = crowd(calls)
        began = process_time()
        correlate(whole)
        return process_time() - began

    assert seconds(10_000) < 30 * max(seconds(1_000), 0.02)
