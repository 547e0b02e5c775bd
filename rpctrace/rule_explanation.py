"""The rules themselves -> what they say, what they require and how they weigh it, as plain text; and their checks.

What `rpctrace explain RULE` and `rpctrace rules` print stands in the rules as data and in their docstrings; nothing is
written twice.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType

from rpctrace.diagnosis.registry import RULES
from rpctrace.diagnosis.rule import Ceiling, Clue, Rule
from rpctrace.encoding.labelled import labelled
from rpctrace.knowledge.documents import Document, document, reference_key
from rpctrace.report import SEVERITIES

_LABEL_COLUMNS = 16
# How the paragraphs of a rule's docstring begin -> whether each rule has it, and its label.
SECTIONS = {
    "What it means": (True, "means"),
    "How we know": (True, "how we know"),
    "What it does not prove": (False, "does not prove"),
    "What would refute it": (True, "would refute it"),
    "How to tell it from its neighbours": (False, "neighbours"),
    "How sure": (True, "how sure"),
}
_HEADING = re.compile(rf"^({'|'.join(SECTIONS)}):\s*", re.MULTILINE)


def rule_named(name: str) -> Rule | None:
    return next((rule for rule in RULES if rule.name == name.casefold()), None)


def rule_names() -> tuple[str, ...]:
    return tuple(rule.name for rule in RULES)


def sections(rule: Rule) -> dict[str, str]:
    """Heading -> text of each paragraph that the docstring has; "" -> its first sentence, without the rule's name."""
    parts = _HEADING.split(rule.documentation)
    first = _flat(parts[0]).removeprefix(f"{rule.name}: ")
    return {"": first, **{heading: _flat(text) for heading, text in zip(parts[1::2], parts[2::2], strict=True)}}


def _flat(text: str) -> str:
    return " ".join(text.split())


# Text


def render_list(rules: Iterable[Rule] = RULES) -> str:
    """A line a rule: name, severity where it is sure, title."""
    shown = list(rules)
    width = max((len(rule.name) for rule in shown), default=0)
    return "".join(f"{rule.name:<{width}}  {rule.severity:<6}  {rule.title}\n" for rule in shown)


def render_rule(rule: Rule) -> str:
    """Everything that a rule knows, in lines of at most 100 columns but for what cannot be broken."""
    return "\n".join([rule.name, *labelled(_fields(rule), _LABEL_COLUMNS)]) + "\n"


def _fields(rule: Rule) -> Iterator[tuple[str, str]]:
    said = sections(rule)
    yield "title", rule.title
    yield "says", said[""]
    for heading, (_, label) in SECTIONS.items():
        if heading in said:
            yield label, said[heading]
    for number, text in enumerate(rule.requires):
        yield "requires" if number == 0 else "", text
    yield "severity", f"{rule.severity} where it is sure{'; last resort' if rule.last_resort else ''}"
    yield "confidence", f"{rule.base:.2f} with what it requires and nothing else"
    yield from _clues(rule)
    for number, ceiling in enumerate(rule.ceilings):
        yield "no surer than" if number == 0 else "", f"{ceiling.value:.2f}  {ceiling.why}"
    for number, step in enumerate(rule.next_steps):
        yield "next" if number == 0 else "", step
    told: set[str] = set()
    for number, reference in enumerate(rule.references):
        known = document(reference)
        is_new = known is not None and known.key not in told
        yield "see" if number == 0 else "", _reference(reference, known if is_new else None)
        told.update([known.key] if known is not None else [])


def _clues(rule: Rule) -> Iterator[tuple[str, str]]:
    for against, label in ((False, "speaks for it"), (True, "against it")):
        clues = sorted((clue for clue in rule.clues if clue.against is against), key=lambda clue: -clue.weight)
        for number, clue in enumerate(clues):
            ends = " (refutes it)" if against and clue.weight == 1 else ""
            yield label if number == 0 else "", f"{clue.weight:.2f}  {clue.what}{ends}"


def _reference(reference: str, known: Document | None) -> str:
    """With title and address of its document where it is met first."""
    if known is None:
        return reference
    if known.key == reference and reference.startswith("https:"):
        return f"{known.title}: {reference}"
    return f"{reference}  {known.title}: {known.url}"


# Checks


def complaints(rules: Iterable[Rule] = RULES) -> Iterator[str]:
    """What is missing or malformed in the rules, a line each."""
    names: set[str] = set()
    for rule in rules:
        for complaint in _complaints(rule):
            yield f"{rule.name}: {complaint}"
        if rule.name in names:
            yield f"{rule.name}: there are two of this name"
        names.add(rule.name)


def _complaints(rule: Rule) -> Iterator[str]:
    module = sys.modules[rule.find.__module__]
    file_name = module.__name__.rpartition(".")[2]
    if file_name.replace("_", "-") != rule.name:
        yield f"its file is called {file_name}"
    if not _flat(rule.documentation).startswith(f"{rule.name}: "):
        yield "its docstring does not begin with its name"
    said = sections(rule)
    for heading, (is_needed, _) in SECTIONS.items():
        if is_needed and not said.get(heading):
            yield f"its docstring has no paragraph {heading!r}"
    if rule.severity not in SEVERITIES:
        yield f"{rule.severity!r} is no severity"
    if not 0 < rule.base < 1:
        yield f"its base {rule.base} is not between 0 and 1"
    for kind, texts in (("requires", rule.requires), ("next steps", rule.next_steps), ("references", rule.references)):
        if not texts or not all(each.strip() for each in texts):
            yield f"{kind}: empty"
    yield from _unlisted(rule, module)
    yield from _weights(rule)
    yield from _unknown_references(rule)


def _unlisted(rule: Rule, module: ModuleType) -> Iterator[str]:
    """Clues and ceilings that the file makes and the rule does not list."""
    for name, value in vars(module).items():
        listed = rule.clues if isinstance(value, Clue) else rule.ceilings
        if isinstance(value, Clue | Ceiling) and value not in listed:
            yield f"{name} is not listed"


def _weights(rule: Rule) -> Iterator[str]:
    for clue in rule.clues:
        if not 0 < clue.weight <= 1:
            yield f"the weight {clue.weight} of {clue.what!r} is not between 0 and 1"
    for ceiling in rule.ceilings:
        if not 0 < ceiling.value < 1 or not ceiling.missing:
            yield f"the ceiling {ceiling.value} ({ceiling.why}) is not between 0 and 1, or does not say what is missing"


def _unknown_references(rule: Rule) -> Iterator[str]:
    for reference in rule.references:
        if reference_key(reference) is None:
            yield f"{reference!r} is not written as a reference"
        elif document(reference) is None:
            yield f"the document of {reference!r} is not in knowledge/documents.csv"
