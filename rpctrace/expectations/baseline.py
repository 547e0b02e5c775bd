"""Known failures of `check`, as TOML: what is listed does not fail a run, and is told when it no longer fails.

    [[known]]
    capture = "lab/snaplen-200.pcap"     # from the folder of this file
    code = "missing"                     # what kind of difference
    about = "finding, rule pac-xforest-u2u"
"""

from __future__ import annotations

from collections.abc import Iterable

from rpctrace.errors import UsageError
from rpctrace.expectations.reading import parsed
from rpctrace.expectations.texts import quoted
from rpctrace.named_tuple import NamedTuple

_HEAD = """# Failures of rpctrace check that are known: they do not fail a run. Written by check --update-baseline.
# One that no longer fails is told by check; --update-baseline takes it out.
"""
_KEYS = ("capture", "code", "about")


class Known(NamedTuple):
    """A difference of a capture, without what changes from run to run."""

    capture: str
    code: str
    about: str


def read_baseline(text: str, name: str) -> frozenset[Known]:
    """Raises `UsageError` with `name`."""
    document = parsed(text, name)
    if document.keys() - {"known"}:
        raise UsageError(f"{name}: is no baseline of rpctrace check: it holds more than [[known]]")
    tables = document.get("known", [])
    if not isinstance(tables, list):
        raise UsageError(f"{name}: known should be tables, [[known]]")
    known = set()
    for place, table in enumerate(tables, 1):
        keys = table.keys() if isinstance(table, dict) else ()
        if set(keys) != set(_KEYS) or not all(isinstance(table[key], str) for key in _KEYS):
            raise UsageError(f"{name}: [[known]] number {place} should have {', '.join(_KEYS)}, each a text")
        known.add(Known(*(table[key] for key in _KEYS)))
    return frozenset(known)


def baseline_text(known: Iterable[Known]) -> str:
    """The file, sorted, so that it does not change when the order of captures does."""
    blocks = (
        "\n[[known]]\n" + "".join(f"{key} = {quoted(value)}\n" for key, value in zip(_KEYS, each, strict=True))
        for each in sorted(set(known))
    )
    return _HEAD + "".join(blocks)

