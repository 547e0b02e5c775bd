"""Filters leave the calls that agree, and with them what belongs to them; what limits trust always stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from report_values import (
    EXTENDED_ERROR,
    FINDING,
    KERBEROS,
    LATER,
    START,
    TICKET,
    answered_call,
    full_report,
    refused_call,
)
from shared_captures import OWN, captures_in, name_of

from rpctrace.analysis import Options, analyze
from rpctrace.errors import UsageError
from rpctrace.report import Call, Dcom, Host, InterfacePointer, LogLine, Report, SecureChannel, Summary
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
        ({"statuses": ["STATUS_LOGON_FAILURE"]}, ("auth-1",)),  # of SMB
        ({"statuses": ["KRB_AP_ERR_MODIFIED"]}, ("auth-1",)),
        ({"statuses": ["7"]}, ("path-1",)),  # by its exchange
        ({"statuses": ["KDC_ERR_S_PRINCIPAL_UNKNOWN"]}, ("path-1",)),
        ({"statuses": ["0xc0000064"]}, ("path-1",)),  # the KDC's NTSTATUS
        ({"statuses": ["ept_s_not_registered"]}, ("endpoint-1",)),
        ({"hosts": ["10.3.0.33:52042"]}, ("endpoint-1", "refused")),
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
    assert left.kerberos or not left.referral_paths


DENIED = InterfacePointer(None, None, -0x7FF8FFFB, "0x80070005", "E_ACCESSDENIED", None, None, None)
CHANNEL = SecureChannel(
    "NetrLogonSamLogon", True, False, None, None, None, None, None, None, None, None, None, None, None, None,
    0xC0000022, "0xc0000022", "STATUS_ACCESS_DENIED",
)  # fmt: skip

UNKNOWN = replace(refused_call().interfaces[0], result=2, reason=1)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (answered_call(secure_channel=CHANNEL), "0xc0000022"),
        (answered_call(secure_channel=CHANNEL), "STATUS_ACCESS_DENIED"),
        (answered_call(dcom=Dcom(None, None, 0x80070005, "0x80070005", "E_ACCESSDENIED")), "-2147024891"),
        (answered_call(dcom=Dcom(None, None, 0, None, None, pointers=(DENIED,))), "E_ACCESSDENIED"),
        (refused_call(extended_error=(EXTENDED_ERROR,)), "STATUS_NO_SUCH_USER"),
        (refused_call(auth=replace(KERBEROS, kerberos_error=37)), "KRB_AP_ERR_SKEW"),
        (refused_call(auth=replace(KERBEROS, kerberos_error=37)), "37"),
        (refused_call(status=None, reject_reason=8), "8"),
        (refused_call(status=None, reject_reason=8), "authentication_type_not_recognized"),
        (refused_call(status=None, interfaces=(UNKNOWN,)), "Abstract_syntax_not_supported"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_code_that_the_report_shows_of_a_call_finds_it(call: Call, word: str) -> None:
    """A fault is one way to fail among several, and its finding is about the call whatever the way was."""
    finding = replace(FINDING, calls=(call.id,))
    other = answered_call(id="call-2")
    report = replace(full_report(), calls=(call, other), log_entries=(), findings=(finding,))
    left = select(report, selection_of(statuses=[word]))
    assert (left.calls, left.findings) == ((call,), (finding,))
    assert select(report, selection_of(statuses=["0x12345"])).calls == ()


def codes_of(record: Any) -> Iterator[str]:
    """Every code of how something failed, in numbers and by name, wherever it stands in a record."""
    for field in fields(record):
        value = getattr(record, field.name)
        if is_dataclass(value):
            yield from codes_of(value)
        elif isinstance(value, tuple):
            yield from (code for each in value if is_dataclass(each) for code in codes_of(each))
        elif field.name == "reason":  # of a presentation context that was refused, and by name alone
            yield from (record.reason_name,) if record.result in (1, 2) and record.reason_name else ()
        elif field.name in ("status", "hresult", "ntstatus", "error", "kerberos_error", "reject_reason") and value:
            name = getattr(record, f"{field.name}_name", None)
            yield from (str(value), hex(value), *([name] if name else []))


@pytest.mark.parametrize("path", captures_in(OWN)[::6], ids=name_of)
def test_every_code_in_the_report_of_a_sample_finds_what_it_is_of(path: Path) -> None:
    report = analyze(path)
    lists = (report.calls, report.kerberos, report.authentications, report.endpoints, report.events)
    for records in lists:
        for record in records:
            for code in {*codes_of(record)}:
                left = select(report, selection_of(statuses=[code]))
                assert record in (*left.calls, *left.kerberos, *left.authentications, *left.endpoints, *left.events)


def test_a_status_that_only_a_log_tells() -> None:
    """Leaves the call that the line is about, and a line about none; a name of RPC is no number of Kerberos."""
    (entry,) = full_report().log_entries
    alone = replace(entry, line=entry.line + 1, calls=())
    evidence = replace(FINDING.evidence[0], log_line=LogLine(alone.file, alone.line), frame=None)
    finding = replace(FINDING, calls=(), frames=(), capture=None, evidence=(evidence,))
    report = replace(
        REPORT, log_entries=(replace(entry, calls=("call-1",)), alone), findings=(finding,), kerberos=()
    )
    left = select(report, selection_of(statuses=["STATUS_NO_SUCH_USER"]))
    assert [call.id for call in left.calls] == ["call-1"]
    assert (len(left.log_entries), left.findings) == (2, (finding,))
    assert select(report, selection_of(statuses=["5"])).findings == ()
    assert not selection_of(statuses=["RPC_S_SEC_PKG_ERROR"]).kerberos_errors


def test_a_code_in_a_message_that_a_call_carried() -> None:
    """Finds the call, and with it the message."""
    (exchange,) = full_report().kerberos
    report = replace(REPORT, kerberos=(replace(exchange, call="call-2"),), log_entries=())
    for word in ("STATUS_NO_SUCH_USER", "KDC_ERR_S_PRINCIPAL_UNKNOWN"):
        left = select(report, selection_of(statuses=[word]))
        assert ([call.id for call in left.calls], left.kerberos) == (["call-2"], report.kerberos)


def test_exchanges_follow_the_calls_that_presented_their_tickets() -> None:
    """With the way to them; whatever the filter is, no id leads to nothing."""
    whole = full_report()
    (exchange,) = whole.kerberos
    call = refused_call(ticket=replace(TICKET, exchange=exchange.id))
    left = select(replace(whole, calls=(call,)), selection_of(statuses=["0x721"]))
    assert (left.kerberos, left.referral_paths) == (whole.kerberos, whole.referral_paths)


def test_the_summary_counts_what_stays() -> None:
    """And rows of what was only counted stay whole, where hosts and interfaces are asked for alone."""
    failed = refused_call(id="call-1", kind="request", opnum=3, operation="RemoteCreateInstance")
    slow = answered_call(id="call-2", reply_ns=failed.request_ns + 90_000_000)
    row = Summary(0, "10.2.0.21", "10.3.0.33", "IClassFactory", "RemoteCreateInstance", 2, 1, 42_000_000, 90_000_000)
    report = replace(full_report(), calls=(failed, slow), summary=(row,), log_entries=())

    def rows(report: Report, **words: Any) -> list[tuple[int, int, int | None, int | None]]:
        summary = select(report, selection_of(**words)).summary
        return [(row.count, row.failed, row.median_ns, row.largest_ns) for row in summary]

    assert select(report, selection_of(hosts=["10.2.0.0/16"])).summary == report.summary
    assert rows(report, statuses=["0x721"]) == [(1, 1, 42_000_000, 42_000_000)]
    assert rows(report, since="2099-01-01") == []
    more = replace(report, summary=(replace(row, count=700),))
    assert rows(more, hosts=["10.2.0.21"]) == [(700, 1, 42_000_000, 90_000_000)]
    assert rows(more, interfaces=["IClassFactory"]) == [(700, 1, 42_000_000, 90_000_000)]
    assert rows(more, interfaces=["samr"]) == rows(more, hosts=["192.0.2.1"]) == []
    assert rows(more, statuses=["0x721"]) == [(1, 1, 42_000_000, 42_000_000)]


def test_what_there_was_is_said() -> None:
    """Beside what is left of it."""
    left = select(REPORT, selection_of(statuses=["0xdeadbeef"]))
    assert left.unfiltered is not None
    assert (left.unfiltered.calls, left.unfiltered.failed, left.unfiltered.findings) == (2, 1, 1)
    assert (len(left.calls), len(left.findings)) == (0, 0)


def test_hosts_keep_the_connections_of_calls_that_were_only_counted() -> None:
    """They are in no list of calls, but they have hosts."""
    path = OWN / "remote-assistance" / "expert.pcapng"
    whole = analyze(path, Options(calls="notable", pdus=True))
    assert len(whole.calls) < whole.summary[0].count + len(whole.pdus) / 2
    left = select(whole, selection_of(hosts=["10.0.0.0/8", "::/0"]))
    assert (left.streams, left.pdus) == (whole.streams, whole.pdus)
    one = whole.calls[-1]
    fewer = select(whole, selection_of(hosts=[f"{one.client.address}:{one.client.port}"]))
    assert [each.id for each in fewer.streams] == [one.connection]
    assert fewer.pdus == tuple(line for line in whole.pdus if line.connection == one.connection)
    assert 0 < len(fewer.pdus) < len(whole.pdus)


def test_a_context_that_was_taken_has_no_reason() -> None:
    """Its reason is 0, as of one that is refused without a reason."""
    report = replace(full_report(), calls=(answered_call(interfaces=(replace(UNKNOWN, result=0, reason=0),)),))
    assert select(report, selection_of(statuses=["reason_not_specified"])).calls == ()


def test_which_lines_of_logs_stay() -> None:
    """Those of calls that stay, naming no other; of the rest what time alone decides."""
    (entry,) = full_report().log_entries
    entries = (replace(entry, calls=("call-1", "call-2")), replace(entry, calls=("call-2",)), replace(entry, calls=()))
    report = replace(REPORT, log_entries=entries)
    assert [each.calls for each in select(report, selection_of(statuses=["1825"])).log_entries] == [("call-1",)]
    assert [each.calls for each in select(report, selection_of(since="2099-01-01")).log_entries] == []
    assert select(report, selection_of(until="2099-01-01")).log_entries == entries
    assert select(report, selection_of(until="2099-01-01")).logs == report.logs
