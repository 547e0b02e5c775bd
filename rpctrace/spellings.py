"""A status, interface or reject reason as somebody wrote it -> the values that it may stand for.

People write 0x721, 1825, RPC_S_SEC_PKG_ERROR or the support article's spelling; a filter and an expectation take all.
"""

from __future__ import annotations

import re

from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.explanation import explain
from rpctrace.knowledge import tables

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBER = re.compile(r"-?\d{1,10}|0x[0-9a-f]{1,8}")
_STATUS_KIND = re.compile(r"RPC fault status|DCE runtime status|HRESULT|NTSTATUS")


def number_written(text: str) -> int | None:
    """The number that `text` spells in decimal or hexadecimal, None where it is a name."""
    lowered = text.strip().casefold()
    if _NUMBER.fullmatch(lowered) is None:
        return None
    return int(lowered, 16 if lowered.startswith("0x") else 10)


def statuses_spelled(text: str) -> frozenset[int]:
    """The fault statuses that a number or name stands for. Raises `UsageError` for a name that nobody knows."""
    number = number_written(text)
    if number is not None:
        return frozenset((tables.unsigned(number),))
    meanings = [meaning for meaning in explain(text) if _STATUS_KIND.match(meaning.kind)]
    if not meanings:
        raise UsageError(f"{safe_text(text)!r} is no fault status")
    return frozenset(int(meaning.values[0], 16) for meaning in meanings)


def interfaces_spelled(text: str) -> frozenset[str]:
    """The interface UUIDs (lower case) that a UUID or name stands for. Raises `UsageError` for an unknown name."""
    wanted = text.strip().strip("{}").casefold()
    if _UUID.fullmatch(wanted):
        return frozenset((wanted,))
    found = frozenset(
        uuid
        for uuid, facts in tables.interfaces().items()
        if any(wanted in (fact.name.casefold(), *(alias.name.casefold() for alias in fact.aliases)) for fact in facts)
    )
    if not found:
        raise UsageError(f"{safe_text(text)!r} is no interface UUID, and no interface that has a name here")
    return found


def reject_reasons_spelled(text: str) -> frozenset[int]:
    """The bind_nak reasons that a number or name stands for. Raises `UsageError` for an unknown name."""
    number = number_written(text)
    if number is not None:
        return frozenset((number,))
    wanted = text.strip().casefold()
    found = frozenset(
        value
        for (kind, value), fact in tables.reject_reasons().items()
        if kind == "bind_nak" and isinstance(value, int)
        and wanted in (fact.name.casefold(), *(alias.name.casefold() for alias in fact.aliases))
    )  # fmt: skip
    if not found:
        raise UsageError(f"{safe_text(text)!r} is no reject reason of a bind_nak")
    return found


def kerberos_errors_spelled(text: str) -> frozenset[int]:
    """The error codes of Kerberos that a number or name stands for. Raises `UsageError` for an unknown name."""
    number = number_written(text)
    if number is not None:
        return frozenset((number,))
    wanted = text.strip().casefold()
    found = frozenset(
        code
        for code, fact in tables.kerberos_errors().items()
        if wanted in (fact.name.casefold(), *(alias.name.casefold() for alias in fact.aliases))
    )
    if not found:
        raise UsageError(f"{safe_text(text)!r} is no error of Kerberos")
    return found
