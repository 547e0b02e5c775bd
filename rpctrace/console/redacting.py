"""`check --redact`: what became of a capture -> the same in words without its names.

`check` compares true names with true expectations; only what it says afterwards is changed. So its sentences are gone
through for the names that the capture and the entries hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from rpctrace.console.cases import Case, Result
from rpctrace.console.redact_key import Said
from rpctrace.encoding.text import safe_text
from rpctrace.expectations.values import Difference, Expectation
from rpctrace.pseudonyms import SERVICES, Pseudonyms
from rpctrace.redaction import path_of, replacements
from rpctrace.report import Report

# Keys of entries whose values are names; * and ? in them stand for anything, and stay.
_NAMING = frozenset(("client", "server", "realm", "crealm", "cname", "sname", "ticket", "referral_to"))
_WANTED_WORD = re.compile(r"[^\s/@*?]+")


def sayings(names: Pseudonyms, case: Case, report: Report | None, expected: Expectation | None) -> Said:
    """Text about one capture -> the same with other names."""
    table = replacements(report, names) if report is not None else {}
    for check in (check for entry in (expected.entries if expected else ()) for check in entry.checks):
        if check.name in _NAMING:
            table.setdefault(check.wanted, _wanted(names, check.wanted))
    for path in (case.expectations, case.capture):
        table[path] = path_of(names, path)
    return _replacing({**table, **{safe_text(name): new for name, new in table.items()}})


def _wanted(names: Pseudonyms, text: str) -> str:
    def other(match: re.Match[str]) -> str:
        return match[0] if match[0].casefold() in SERVICES else names.component(match[0])

    return _WANTED_WORD.sub(other, text)


def _replacing(table: Mapping[str, str]) -> Said:
    folded = {name.casefold(): new for name, new in table.items()}

    def said(text: str) -> str:
        present = sorted((name for name in folded if name in text.casefold()), key=len, reverse=True)
        if not present:
            return text
        some = re.compile("|".join(map(_whole, present)), re.IGNORECASE)
        return some.sub(lambda match: table.get(match[0]) or folded.get(match[0].casefold(), match[0]), text)

    return said


def _whole(name: str) -> str:
    """Where it stands by itself; a label of a longer name does not."""
    start, end = (r"\b" if sign.isalnum() else "" for sign in (name[0], name[-1]))
    return f"{start}{re.escape(name)}{end}"


def redacted(result: Result, said: Said) -> Result:
    """The result as it is shown. Its lines and frames stay: they name nobody."""
    case = Case(said(result.case.capture), said(result.case.expectations))
    outcomes = tuple(
        replace(each, name=said(each.name), differences=tuple(redacted_all(each.differences, said)))
        for each in result.outcomes
    )
    unread = None if result.unread is None else said(result.unread)
    return Result(case, outcomes, unread, result.has_expectations)


def redacted_all(differences: Iterable[Difference], said: Said) -> Iterable[Difference]:
    return (replace(each, text=said(each.text), about=said(each.about)) for each in differences)
