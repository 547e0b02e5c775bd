"""Filters leave the calls that agree, and with them what belongs to them; what limits trust always stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import LATER, START, answered_call, full_report, refused_call

from rpctrace.errors import UsageError
from rpctrace.report import Host
from rpctrace.selection import Selection, select, selection_of

REFUSED = refused_call(id="call-1")
ANSWERED = answered_call(id="call-2", client=Host("fe80::1", 50000, "expert.child.domaina.com"))
REPORT = replace(full_report(), calls=(REFUSED, ANSWERED))


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ({}, ["call-1", "call-2"]),
        ({"statuses": ["RPC_S_SEC_PACKAGE_ERROR"]}, ["call-1"]),
        ({"statuses": ["5"]}, []),
        ({"interfaces": ["IClassFactory"], "statuses": ["1825"]}, ["call-1"]),
        ({"hosts": ["EXPERT.child.domainA.com"]}, ["call-2"]),
        ({"hosts": ["fe80:0:0:0:0:0:0:1"]}, ["call-2"]),
        ({"hosts": ["10.2.0.0/16", "fe80::1"]}, ["call-1", "call-2"]),
        ({"hosts": ["192.0.2.1"]}, []),
        ({"since": "2099-01-01"}, []),
        ({"until": "2099-01-01T00:00:00+02:00"}, ["call-1", "call-2"]),
        ({"since": START[:19], "until": LATER[:19] + "Z"}, ["call-1", "call-2"]),
        ({"until": "1999-01-01"}, []),
    ],
    ids=str,
)
def test_which_calls_stay(words: dict[str, list[str]], kept: list[str]) -> None:
    """Parts must all agree; within a part one agreement is enough."""
    selected = select(REPORT, selection_of(**words))  # type: ignore[arg-type]
    assert [call.id for call in selected.calls] == kept
    assert {id_ for finding in selected.findings for id_ in finding.calls} <= {*kept} or not words
    assert (selected.captures, selected.problems, selected.limits) == (
        REPORT.captures, REPORT.problems, REPORT.limits,
    )  # fmt: skip


def test_everything_is_the_same_report() -> None:
    """No filter, no copy."""
    assert select(REPORT, Selection()) is REPORT


def test_findings_and_exchanges_follow_their_calls() -> None:
    """A finding without one of its calls is not shown."""
    report = full_report()
    failed = [call.id for call in report.calls if call.failed]
    assert select(report, selection_of(statuses=["0xdeadbeef"])).findings == ()
    kept = select(report, selection_of(statuses=["0x721"]))
    assert all(set(finding.calls) & set(failed) for finding in kept.findings)
    assert kept.findings


@pytest.mark.parametrize(
    "words",
    [
        {"hosts": ["10.0.0.0/99"]},
        {"since": "noon"},
        {"statuses": ["RPC_S_X"]},
        {"interfaces": ["IX"]},
        {"hosts": [""]},
        {"since": ""},
        {"statuses": [""]},
        {"interfaces": [""]},
    ],
)
def test_words_that_cannot_be_meant(words: dict[str, list[str]]) -> None:
    """A typing error is no empty report."""
    with pytest.raises(UsageError):
        selection_of(**words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ({"hosts": ["10.2.0.21"]}, ("auth-1", "path-1", "refused")),  # the endpoint is 10.3.0.33's
        ({"hosts": ["10.3.0.33"]}, ("endpoint-1", "refused")),
        ({"hosts": ["192.0.2.1"]}, ()),
        ({"interfaces": ["samr"]}, ("endpoint-1",)),
        ({"until": "1999-01-01"}, ()),
        ({"statuses": ["0xC0000022"]}, ("refused",)),
    ],
    ids=str,
)
def test_what_happened_beside_calls_is_judged_by_itself(words: dict[str, list[str]], kept: tuple[str, ...]) -> None:
    """Hosts and times; an authentication has no interface, an event has its own status."""
    whole = full_report()
    report = replace(
        whole,
        calls=(),
        kerberos=tuple(replace(each, call=None) for each in whole.kerberos),
        endpoints=tuple(replace(each, call=None) for each in whole.endpoints),
    )
    left = select(report, selection_of(**words))  # type: ignore[arg-type]
    records = (*left.authentications, *left.endpoints, *left.referral_paths)
    assert {each.id for each in records} | {each.kind for each in left.events} == {*kept}


def test_which_lines_of_logs_stay() -> None:
    """Those of calls that stay, naming no other; of the rest what time alone decides."""
    (entry,) = full_report().log_entries
    entries = (replace(entry, calls=("call-1", "call-2")), replace(entry, calls=("call-2",)), replace(entry, calls=()))
    report = replace(REPORT, log_entries=entries)
    assert [each.calls for each in select(report, selection_of(statuses=["1825"])).log_entries] == [("call-1",)]
    assert [each.calls for each in select(report, selection_of(since="2099-01-01")).log_entries] == []
    assert select(report, selection_of(until="2099-01-01")).log_entries == entries
    assert select(report, selection_of(until="2099-01-01")).logs == report.logs
