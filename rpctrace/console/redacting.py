"""`check --redact`: what became of a capture, said with other names.

Compared are true names with true expectations, as without it. What a sentence is made of is changed before it is made:
the records that it tells of, and the values of the entry that wants them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from ipaddress import ip_network
from typing import Any

from rpctrace.console.cases import Case, Result, judged
from rpctrace.expectations.values import Check, Expectation
from rpctrace.expectations.words import Presented
from rpctrace.pseudonyms import Pseudonyms
from rpctrace.redaction import redact, redacting
from rpctrace.report import Finding, Report
from rpctrace.spellings import host_and_port

_PART = re.compile(r"[^\s/@*?]+")  # of a principal; * and ? stand for anything, and stay
_WORD = re.compile(r"[^\s*?]+")
_WITHHELD = "~"


def judged_redacted(
    names: Pseudonyms,
    named: Case,
    report: Report | None,
    unread: str | None,
    expected: Expectation | None,
    allow_missing: bool,
) -> Result:
    """What was read of a case, compared again and said with other names: `named`, and what is `unread`, have them."""
    if report is None:
        return judged(named, report, unread, expected)
    shown = _shown(report, names)
    if expected is not None:
        expected = _said(expected, names)
    return judged(named, report, unread, expected, allow_missing, shown)


def _shown(report: Report, names: Pseudonyms) -> Callable[[Any], Any]:
    changed = redacting(names)
    titles: dict[object, str] = {}

    def shown(record: Any) -> Any:
        if isinstance(record, Presented):
            return Presented(changed(record.ticket), changed(record.by))
        if isinstance(record, Finding):
            if not titles:
                titles.update(_titles(report, names))
            return replace(record, title=titles.get(_concluded(record), record.rule))
        return changed(record)

    return shown


def _titles(report: Report, names: Pseudonyms) -> dict[object, str]:
    """What each finding is called where the rules see other names alone: what they say is not searched for names."""
    from rpctrace.diagnosis.registry import diagnose

    return {_concluded(finding): finding.title for finding in diagnose(redact(replace(report, findings=()), names))}


def _concluded(finding: Finding) -> object:
    return finding.rule, finding.confidence, finding.capture, finding.frames, finding.calls, finding.concerns


def _said(expected: Expectation, names: Pseudonyms) -> Expectation:
    """The same expectation, in other words."""

    def said(check: Check) -> Check:
        change = _CHANGES.get(check.name)
        return check if change is None else check._replace(wanted=change(names, check.wanted))

    entries = (replace(entry, checks=tuple(map(said, entry.checks))) for entry in expected.entries)
    return replace(expected, entries=tuple(entries))


def _name(names: Pseudonyms, text: str) -> str:
    return names.name(text) or ""


def _host(names: Pseudonyms, text: str) -> str:
    host, port = host_and_port(text)
    if "/" in host:
        network = ip_network(host, strict=False)
        other = names.address(str(network.network_address))
        told = str(ip_network(f"{other}/{network.prefixlen}", strict=False))
    else:
        told = _name(names, host)
    if port is None:
        return told
    return f"[{told}]:{port}" if ":" in told else f"{told}:{port}"


def _principal(names: Pseudonyms, text: str) -> str:
    return _PART.sub(lambda match: names.component(match[0]), text)


def _title(_names: Pseudonyms, text: str) -> str:
    """The words of rules stay; what else somebody looks for may be a name."""
    known = _title_words()
    return _WORD.sub(lambda match: match[0] if match[0].casefold() in known else _WITHHELD, text)


@cache
def _title_words() -> frozenset[str]:
    from rpctrace.diagnosis.registry import RULES

    return frozenset(word.casefold() for rule in RULES for word in _WORD.findall(rule.title))


# Keys of entries whose values are names -> what becomes of them.
_CHANGES: Mapping[str, Callable[[Pseudonyms, str], str]] = {
    "client": _host,
    "server": _host,
    "realm": _name,
    "crealm": _name,
    "referral_to": _name,
    "cname": _principal,
    "sname": _principal,
    "ticket": _principal,
    "title": _title,
}
