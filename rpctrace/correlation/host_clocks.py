"""How the clocks of hosts stood to the capture's, by what the hosts themselves said the time was.

A KDC or server writes its time into every KRB-ERROR (stime, RFC 4120 5.9.1), a server into its extended error records
([MS-EERR] 2.2.1.3), a domain controller into its log. The time that an answer spent on its way is part of the offset.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from rpctrace.correlation.names import UNSURE_SOURCES, tellings
from rpctrace.correlation.timeline import Timeline
from rpctrace.encoding.addresses import is_address
from rpctrace.encoding.times import NS_PER_SECOND as NS
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import HostClock, Report

KRB_ERROR, EXTENDED_ERROR, NETLOGON = "krb_error", "extended_error", "netlogon"
# What is further away says nothing of a clock that runs: a forged time, or one that was never set.
MAXIMUM_OFFSET_NS = 400 * 86_400 * NS
MAXIMUM_SAMPLES = 10_000


class _Key(NamedTuple):
    address: str
    source: str
    capture: int


def join(report: Report) -> Report:
    timeline = Timeline(report.clocks)
    samples: dict[_Key, list[int]] = defaultdict(list)
    for key, said_ns, seen_ns in _said(report):
        offset = said_ns - timeline.position(key.capture, seen_ns, None)[0]
        if abs(offset) <= MAXIMUM_OFFSET_NS and len(samples[key]) < MAXIMUM_SAMPLES:
            samples[key].append(offset)
    names = _names(report) if samples else {}
    clocks = [_clock(key, names.get(key.address), offsets) for key, offsets in sorted(samples.items()) if offsets]
    # those of logs were found together with their offsets
    of_logs = [clock for clock in report.host_clocks if clock.source == NETLOGON]
    return replace(report, host_clocks=(*clocks, *of_logs))


def _said(report: Report) -> Iterator[tuple[_Key, int, int]]:
    """(who and where, the host's time, the capture's time) of everything that tells both."""
    for exchange in report.kerberos:
        said, seen = exchange.server_ns, exchange.reply_ns
        if said is not None and seen is not None:
            # without microseconds the error was written somewhere in its second
            middle = said if said % NS else said + NS // 2
            yield _Key(exchange.server.address, KRB_ERROR, exchange.capture), middle, seen
    for call in report.calls:
        records = call.extended_error or ()
        # several records may be of several hosts, and only the first is sure to be the server's
        if records and call.reply_ns is not None:
            yield _Key(call.server.address, EXTENDED_ERROR, call.capture), records[0].time_ns, call.reply_ns


def _names(report: Report) -> dict[str, str]:
    """Address -> the first name that somebody told of it."""
    found: dict[str, str] = {}
    for address, name, source in tellings(report):
        if source not in UNSURE_SOURCES and not is_address(name):
            found.setdefault(address, name)
    return found


def _clock(key: _Key, name: str | None, offsets: list[int]) -> HostClock:
    from rpctrace.correlation.matching import median  # what it is there for, few captures need

    spread = max(offsets) - min(offsets)
    return HostClock(key.address, name, key.source, key.capture, median(offsets), len(offsets), spread)
