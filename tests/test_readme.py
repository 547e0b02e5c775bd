"""What the README lists is what there is."""

from __future__ import annotations

import re

from shared_captures import CHECKOUT

from rpctrace.cli import cli
from rpctrace.diagnosis.registry import RULES

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """The text under a heading of second rank."""
    return README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_every_rule_has_its_line() -> None:
    """In the order of the registry: name, and what it says."""
    listed = dict(re.findall(r"^- `([a-z0-9-]+)`: (.+)$", section("Rules"), re.MULTILINE))
    missing = [f"- `{rule.name}`: {rule.title}" for rule in RULES if rule.name not in listed]
    assert not missing, "README.md, Rules, lacks:\n" + "\n".join(missing)
    gone = sorted(set(listed) - {rule.name for rule in RULES})
    assert not gone, f"README.md, Rules, lists what is no rule: {', '.join(gone)}"


def test_every_command_is_told_of() -> None:
    for name in cli.commands:
        assert f"rpctrace {name}" in README, name
