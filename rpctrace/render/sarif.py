"""Report -> SARIF 2.1.0, the form in which code-scanning services take findings (OASIS, sarif-v2.1.0-errata01).

A result's fingerprint is made of its rule and of what failed: hosts, interface, operation, status, ticket. Frame
numbers, times, ports and ids are not in it, so the same failure in another recording is the same alert.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TextIO

from rpctrace.encoding.text import safe_text
from rpctrace.expectations.words import call_identity, exchange_identity, frames_words
from rpctrace.named_tuple import NamedTuple
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.report import (
    Authentication,
    Call,
    Endpoint,
    Event,
    Finding,
    Host,
    KerberosExchange,
    ReferralPath,
    Report,
)
from rpctrace.version import __version__

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
MOST_NOTIFICATIONS = 100
# 3.27.10: the levels of a problem; a note of ours is a weaker hypothesis.
LEVELS = {"high": "error", "medium": "warning", "low": "warning", "note": "note"}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")  # RFC 3986 2.3, and /
_FINGERPRINT_OCTETS = 16


class SarifRule(NamedTuple):
    """What a kind of result means."""

    name: str
    title: str
    documentation: str
    level: str


class SarifResult(NamedTuple):
    """One result. `identity`: what makes it the same in another run; `line` None: the whole file. `known`: why it is
    suppressed, None where it is not."""

    rule: str
    level: str
    text: str
    path: str
    identity: tuple[str, ...]
    line: int | None = None
    properties: Mapping[str, Any] | None = None
    known: str | None = None


def uri_of(path: str) -> str:
    """A path as a relative reference (RFC 3986): from the working folder, octets that are no letters escaped."""
    if os.path.isabs(path):
        try:
            path = os.path.relpath(path)
        except ValueError:  # another drive of Windows
            path = os.path.basename(path)
    octets = b"".join(map(_octets, path.replace(os.sep, "/").removeprefix("./")))
    return "".join(chr(octet) if octet in _UNRESERVED else f"%{octet:02X}" for octet in octets)


def _octets(character: str) -> bytes:
    """Names of files may hold octets that are no UTF-8, as surrogate escapes; a log's text other surrogates."""
    return character.encode("utf-8", "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass")


def sarif_log(
    rules: Sequence[SarifRule], results: Sequence[SarifResult], successful: bool, told: Iterable[str] = ()
) -> dict[str, Any]:
    """The document as a value; `told`: what could not be read."""
    places = {rule.name: place for place, rule in enumerate(rules)}
    seen: Counter[tuple[str, str]] = Counter()
    invocation = {
        "executionSuccessful": successful,
        "toolExecutionNotifications": [{"level": "warning", "message": _message(safe_text(each))} for each in told],
    }
    driver = {
        "name": "rpctrace",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule_value(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "originalUriBaseIds": {ROOT: {"description": _message("The folder in which rpctrace was run.")}},
        "results": [_result_value(result, places[result.rule], seen) for result in results],
    }
    return {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}


def _message(text: str) -> dict[str, str]:
    """3.11.5: in a message a brace by itself begins a placeholder."""
    return {"text": text.replace("{", "{{").replace("}", "}}")}


def _rule_value(rule: SarifRule) -> dict[str, Any]:
    about = "\n".join(map(safe_text, rule.documentation.strip().split("\n")))
    title = safe_text(rule.title)
    return {
        "id": safe_text(rule.name),
        "shortDescription": _message(title),
        "fullDescription": _message(title),
        "help": _message(about),
        "defaultConfiguration": {"level": rule.level},
    }


def _result_value(result: SarifResult, place: int, seen: Counter[tuple[str, str]]) -> dict[str, Any]:
    what = "\0".join(map(safe_text, (result.rule, *result.identity)))
    digest = blake2b(what.encode("utf-8"), digest_size=_FINGERPRINT_OCTETS).hexdigest()
    seen[result.path, digest] += 1  # of two that are alike in one file, each has its number
    fingerprint = f"{digest}:{seen[result.path, digest]}"
    location = {
        "artifactLocation": {"uri": uri_of(result.path), "uriBaseId": ROOT},
        "region": {"startLine": result.line or 1},  # GitHub takes no result without a line; a capture has none
    }
    value: dict[str, Any] = {
        "ruleId": safe_text(result.rule),
        "ruleIndex": place,
        "kind": "fail",
        "level": result.level,
        "message": _message(safe_text(result.text)),
        "locations": [{"physicalLocation": location}],
        # The second name is the one that GitHub compares.
        "partialFingerprints": {"rpctrace/v1": fingerprint, "primaryLocationLineHash": fingerprint},
    }
    if result.properties:
        value["properties"] = dict(result.properties)
    if result.known is not None:
        value["suppressions"] = [{"kind": "external", "justification": safe_text(result.known)}]
    return value


def write_sarif(log: Mapping[str, Any], out: TextIO, ascii_only: bool = False) -> None:
    json.dump(log, out, ensure_ascii=ascii_only, allow_nan=False, indent=1)
    out.write("\n")


# What failed, without what changes from one recording to the next


def _ends(client: Host, server: Host) -> str:
    return f"{client.address} {server.address}"


def _call(call: Call) -> str:
    return f"{_ends(call.client, call.server)} {call_identity(call)}"


def _exchange(exchange: KerberosExchange) -> str:
    return f"{_ends(exchange.client, exchange.server)} {exchange_identity(exchange)}"


def _authentication(said: Authentication) -> str:
    ticket = f"{said.ticket.realm} {'/'.join(said.ticket.sname)}" if said.ticket else ""
    return f"{_ends(said.client, said.server)} {said.carried_in} {said.mechanism} {said.status} {ticket}"


def _endpoint(endpoint: Endpoint) -> str:
    return f"{endpoint.teller} {endpoint.interface_uuid} {endpoint.status}"


def _path(path: ReferralPath) -> str:
    return f"{path.client.address} {'/'.join(path.sname)} {' '.join(path.realms)} {path.outcome}"


def _event(event: Event) -> str:
    return f"{_ends(event.client, event.server)} {event.kind} {event.name}"


class _Identities:
    """By id, and of events by frame; of what the findings name: it is little of most reports."""

    def __init__(self, report: Report) -> None:
        named = frozenset(each for finding in report.findings for each in (*finding.calls, *finding.concerns))
        kinds: tuple[tuple[Sequence[Any], Callable[[Any], str]], ...] = (
            (report.calls, _call),
            (report.kerberos, _exchange),
            (report.authentications, _authentication),
            (report.endpoints, _endpoint),
            (report.referral_paths, _path),
        )
        self._by_id = {each.id: words(each) for records, words in kinds for each in records if each.id in named}
        frames = frozenset(place for finding in report.findings for place in _places(finding))
        self._events = {
            (event.capture, frame): _event(event)
            for event in reversed(report.events)
            for frame in event.frames
            if (event.capture, frame) in frames
        }

    def of(self, finding: Finding) -> tuple[str, ...]:
        about = [self._by_id[each] for each in (*finding.calls, *finding.concerns) if each in self._by_id]
        if not about:
            about = [self._events[each] for each in _places(finding) if each in self._events]
        return tuple(sorted(set(about)))


def _places(finding: Finding) -> Iterator[tuple[int, int]]:
    """(capture, frame)"""
    return ((finding.capture or 0, frame) for frame in finding.frames)


def _finding_result(finding: Finding, report: Report, identities: _Identities) -> SarifResult:
    place = finding.capture
    path = report.captures[place].path if place is not None and place < len(report.captures) else _log_of(finding)
    properties = {
        "severity": finding.severity,
        "confidence": finding.confidence,
        "calls": len(finding.calls),
        "frames": list(finding.frames),
        "displayFilter": safe_text(finding.display_filter),
        "evidence": [f"{'for' if item.supports else 'against'}: {safe_text(item.text)}" for item in finding.evidence],
        "nextSteps": [safe_text(step) for step in finding.next_steps],
    }
    # No display filter: its braces would be doubled there, and nobody could copy it; it is among the properties.
    where = f" ({frames_words(finding.frames)})" if finding.frames else ""
    text = f"{finding.title}: {finding.summary}{where}"
    return SarifResult(finding.rule, LEVELS[finding.severity], text, path, identities.of(finding), None, properties)


def _log_of(finding: Finding) -> str:
    lines = [item.log_line for item in finding.evidence if item.log_line is not None]
    return lines[0].file if lines else "-"


def _rules(report: Report) -> list[SarifRule]:
    """Those that found something, in the order of their names; what is not registered speaks through its finding."""
    from rpctrace.diagnosis.registry import RULES

    known = {rule.name: rule for rule in RULES}
    first = {finding.rule: finding for finding in reversed(report.findings)}
    rules = []
    for name in sorted(first):
        rule = known.get(name)
        if rule is None:
            rules.append(SarifRule(name, first[name].title, first[name].summary, LEVELS[first[name].severity]))
        else:
            rules.append(SarifRule(name, rule.title, rule.documentation, LEVELS[rule.severity]))
    return rules


def render(report: Report, out: TextIO, options: RenderOptions) -> None:
    identities = _Identities(report)
    results = [_finding_result(finding, report, identities) for finding in report.findings]
    told = [f"{each.layer}: {each.text}" for each in report.problems[:MOST_NOTIFICATIONS]]
    write_sarif(sarif_log(_rules(report), results, report.complete, told), out, not options.encoding_is_utf8)


RENDERING = Rendering("sarif", (".sarif",), "findings for code-scanning services (SARIF 2.1.0)", render)
