"""What a capture should show, as TOML -> values; values and a Report -> differences; a Report -> TOML.

    failed = 1                            # so many calls failed
    [[call]]                              # a call that must be there: all keys given must agree
    kind = "alter_context"
    interface = "IClassFactory"           # a name or a UUID
    status = "RPC_S_SEC_PACKAGE_ERROR"    # any spelling
    realm = "child.domainA.COM"
    sname = "novice"
    [[absent]]                            # a call that must not be there, by the same keys
    outcome = "unanswered"

A failed call that no `[[call]]` describes is a difference too, unless `tolerate_extra = true`; with `exact = true` so
is a call that did not fail. `count` says how many calls an entry describes (without it: at least one).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.knowledge.tables import FEATURE_NEGOTIATION_PREFIX
from rpctrace.record import record
from rpctrace.report import Auth, Call, Host, Report, Ticket
from rpctrace.spellings import interfaces_spelled, reject_reasons_spelled, statuses_spelled

SUFFIX = ".expect.toml"
MAXIMUM_OCTETS = 4 * 1024 * 1024

Check = Callable[[Call], bool]


@record
class Entry:
    """One `[[call]]` or `[[absent]]`: its line, what it says in words, and how many calls (None: at least one)."""

    line: int
    words: str
    checks: tuple[Check, ...]
    count: int | None

    def describes(self, call: Call) -> bool:
        return all(check(call) for check in self.checks)


@record
class Expectation:
    """`None` leaves a count unchecked; `complete` False expects a capture that cannot be read to its end."""

    failed: int | None
    calls: int | None
    complete: bool
    exact: bool
    tolerate_extra: bool
    present: tuple[Entry, ...]
    absent: tuple[Entry, ...]


@record
class Difference:
    """One thing that is not as expected: `line` of the expectations (None: none of them says it), and a sentence."""

    line: int | None
    text: str


# The keys of an entry


def _text_is(get: Callable[[Call], str | Auth | Ticket | None]) -> Callable[[Any], Check]:
    def key(value: Any) -> Check:
        wanted = _as(value, str)
        return lambda call: get(call) == wanted

    return key


def _number_is(get: Callable[[Call], int | Auth | None]) -> Callable[[Any], Check]:
    def key(value: Any) -> Check:
        wanted = _as(value, int)
        return lambda call: get(call) == wanted

    return key


def _one_of(get: Callable[[Call], object], spelled: Callable[[str], frozenset[Any]]) -> Callable[[Any], Check]:
    def key(value: Any) -> Check:
        wanted = spelled(str(_as(value, str, int)))
        return lambda call: get(call) in wanted

    return key


def _interface_key(value: Any) -> Check:
    wanted = interfaces_spelled(_as(value, str))
    return lambda call: any(interface.uuid in wanted for interface in call.interfaces)


def _sname_key(value: Any) -> Check:
    """`"host/dc1"` or `["host", "dc1"]`."""
    wanted = "/".join(_as(part, str) for part in value) if isinstance(value, list) else _as(value, str)
    return lambda call: call.ticket is not None and _written("/".join(call.ticket.sname)) == wanted


def _frames_key(get: Callable[[Call], tuple[int, ...]]) -> Callable[[Any], Check]:
    def key(value: Any) -> Check:
        wanted = tuple(_as(frame, int) for frame in _as(value, list))
        return lambda call: get(call) == wanted

    return key


def _host_key(get: Callable[[Call], Host]) -> Callable[[Any], Check]:
    def key(value: Any) -> Check:
        wanted = _as(value, str).casefold()
        return lambda call: wanted in _host_spellings(get(call))

    return key


def _host_spellings(host: Host) -> tuple[str, ...]:
    return host.address, f"{host.address}:{host.port}", f"[{host.address}]:{host.port}", (host.name or "").casefold()


def _flag_key(get: Callable[[Call], bool]) -> Callable[[Any], Check]:
    def key(value: Any) -> Check:
        wanted = _as(value, bool)
        return lambda call: get(call) is wanted

    return key


def _written(text: str | None) -> str | None:
    """Text of a capture as a file of expectations can hold it."""
    return None if text is None else safe_text(text)


_KEYS: Mapping[str, Callable[[Any], Check]] = {
    "kind": _text_is(lambda call: call.kind),
    "call_id": _number_is(lambda call: call.call_id),
    "interface": _interface_key,
    "opnum": _number_is(lambda call: call.opnum),
    "operation": _text_is(lambda call: call.operation),
    "client": _host_key(lambda call: call.client),
    "server": _host_key(lambda call: call.server),
    "failed": _flag_key(lambda call: call.failed),
    "outcome": _text_is(lambda call: call.outcome),
    "reply": _text_is(lambda call: call.reply),
    "status": _one_of(lambda call: call.status, statuses_spelled),
    "reject_reason": _one_of(lambda call: call.reject_reason, reject_reasons_spelled),
    "mechanism": _text_is(lambda call: call.auth and call.auth.mechanism),
    "token": _text_is(lambda call: call.auth and call.auth.token),
    "reply_token": _text_is(lambda call: call.auth and call.auth.reply_token),
    "kerberos_error": _number_is(lambda call: call.auth and call.auth.kerberos_error),
    "realm": _text_is(lambda call: call.ticket and _written(call.ticket.realm)),
    "sname": _sname_key,
    "user_to_user": _flag_key(lambda call: call.ticket is not None and call.ticket.user_to_user),
    "presented_in": _text_is(lambda call: call.ticket and call.ticket.presented_in),
    "request_frames": _frames_key(lambda call: call.request_frames),
    "reply_frames": _frames_key(lambda call: call.reply_frames),
}
_TOP_KEYS = ("failed", "calls", "complete", "exact", "tolerate_extra", "call", "absent")


# TOML -> Expectation


def read_expectation(text: str, name: str) -> Expectation:
    """Raises `UsageError` with `name` and the line where the text is no TOML or says what cannot be meant."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name}: {error}") from None
    except (ValueError, RecursionError):  # tomllib's other ends: int() of too many digits, brackets in brackets
        raise UsageError(f"{name}: a number too long or tables too deep to be expectations") from None
    for key in document:
        if key not in _TOP_KEYS:
            raise UsageError(f"{name}: line {_line_of(text, key)}: no key {key!r}; there are: {', '.join(_TOP_KEYS)}")

    def top(key: str, kind: type, otherwise: Any) -> Any:
        try:
            return _as(document[key], kind) if key in document else otherwise
        except UsageError as error:
            raise UsageError(f"{name}: line {_line_of(text, key)}: {key}: {error}") from None

    return Expectation(
        failed=top("failed", int, None),
        calls=top("calls", int, None),
        complete=top("complete", bool, True),
        exact=top("exact", bool, False),
        tolerate_extra=top("tolerate_extra", bool, False),
        present=tuple(_entries(top("call", list, []), "call", text, name)),
        absent=tuple(_entries(top("absent", list, []), "absent", text, name)),
    )


def _line_of(text: str, key: str) -> int:
    """Where a key is first given; 1 where it hides (in an inline table)."""
    wanted = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*(=|\])")
    return next((number for number, line in enumerate(text.splitlines(), 1) if wanted.match(line)), 1)


def _entry_lines(text: str, table: str) -> list[int]:
    wanted = re.compile(rf"\s*\[\[\s*{table}\s*\]\]")
    return [number for number, line in enumerate(text.splitlines(), 1) if wanted.match(line)]


def _entries(tables: list[Any], table: str, text: str, name: str) -> Iterator[Entry]:
    lines = _entry_lines(text, table)
    for place, given in enumerate(tables):
        line = lines[place] if place < len(lines) else 1
        try:
            yield _entry(_as(given, dict), table, line)
        except UsageError as error:
            raise UsageError(f"{name}: [[{table}]] in line {line}: {error}") from None


def _entry(given: dict[str, Any], table: str, line: int) -> Entry:
    checks: list[Check] = []
    for key, value in given.items():
        if key == "count" and table == "call":
            continue
        if key not in _KEYS:
            raise UsageError(f"no key {key!r}; there are: {', '.join(_KEYS)}")
        try:
            checks.append(_KEYS[key](value))
        except UsageError as error:
            raise UsageError(f"{key}: {error}") from None
    count = _as(given["count"], int) if "count" in given and table == "call" else None
    words = ", ".join(f"{key} {_value_words(value)}" for key, value in given.items()) or "any call"
    return Entry(line, words, tuple(checks), count)


def _value_words(value: object) -> str:
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as(value: Any, *kinds: type) -> Any:
    """`value`, if it is of one of these TOML types (a truth value is no number)."""
    if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
        return value
    names = {str: "a text", int: "a number", bool: "true or false", list: "a list", dict: "a table"}
    raise UsageError(f"{value!r} should be {' or '.join(names[kind] for kind in kinds)}")


# Expectation and Report -> differences


def differences(report: Report, expected: Expectation) -> tuple[Difference, ...]:
    """Everything in which one capture's report is not as expected, in the order of the expectations."""
    return tuple(_differences(report, expected))


def _differences(report: Report, expected: Expectation) -> Iterator[Difference]:
    failed = [call for call in report.calls if call.failed]
    if report.complete and not expected.complete:
        yield Difference(None, "expected a capture that ends early; it was read to its end")
    if expected.calls is not None and expected.calls != len(report.calls):
        yield Difference(None, f"expected {expected.calls} calls, found {len(report.calls)}")
    if expected.failed is not None and expected.failed != len(failed):
        yield Difference(None, f"expected {expected.failed} failed calls, found {len(failed)}")
    described: set[str] = set()
    for entry in expected.present:
        found = [call for call in report.calls if entry.describes(call)]
        described.update(call.id for call in found)
        if not found:
            yield Difference(entry.line, f"expected and not found: {entry.words}{_nearest(report.calls, entry)}")
        elif entry.count is not None and entry.count != len(found):
            yield Difference(entry.line, f"expected {entry.count} of these, found {len(found)}: {entry.words}")
    for entry in expected.absent:
        for call in report.calls:
            if entry.describes(call):
                yield Difference(entry.line, f"must not be there ({entry.words}): {call_words(call)}")
    for call in report.calls:
        extra = expected.exact or (call.failed and not expected.tolerate_extra)
        if extra and call.id not in described:
            yield Difference(None, f"found and not expected: {call_words(call)}")


def _nearest(calls: Iterable[Call], entry: Entry) -> str:
    """The call that agrees with most keys, where it agrees with some: usually one key is wrong."""
    agreeing = {call.id: sum(check(call) for check in entry.checks) for call in calls}
    best = max(calls, key=lambda call: agreeing[call.id], default=None)
    if best is None or agreeing[best.id] * 2 < len(entry.checks):
        return ""
    return f"; nearest: {call_words(best)}"


def call_words(call: Call) -> str:
    """One call on one line, in the words that an entry would use."""
    parts: list[str | None] = [call.kind, f"call_id {call.call_id}", f"interface {_interface_of(call)[0]}"]
    parts += [call.outcome]
    parts += [call.status_hex and f"status {call.status_hex} {call.status_name or ''}".rstrip()]
    parts += [None if call.reject_reason is None else f"reject_reason {call.reject_reason}"]
    if call.auth is not None and call.auth.kerberos_error is not None:
        parts.append(f"kerberos_error {call.auth.kerberos_error}")
    if call.ticket is not None:
        parts.append(f"ticket {'/'.join(call.ticket.sname)}@{call.ticket.realm or '?'}")
    frames = " ".join(map(str, (*call.request_frames, *call.reply_frames)))
    return safe_text(", ".join(filter(None, (*parts, f"frames {frames}"))))


def _interface_of(call: Call) -> tuple[str, str]:
    """The interface that an entry names, and its name: the first that is no bind-time feature negotiation."""
    real = [each for each in call.interfaces if not each.uuid.startswith(FEATURE_NEGOTIATION_PREFIX)] or call.interfaces
    return (real[0].uuid, real[0].name or "") if real else ("none", "")


# Report -> TOML


def written(report: Report, capture_name: str) -> str:
    """The text that `check --update` writes: the failed calls of a capture, alike ones as one entry."""
    failed = [call for call in report.calls if call.failed]
    lines = [f"# What {safe_text(capture_name)} shows. Written by rpctrace check --update; made to be read and edited."]
    lines.append(f"failed = {len(failed)}")
    if not report.complete:
        lines.append("complete = false")
    groups: dict[tuple[str, ...], list[Call]] = {}
    for call in failed:
        groups.setdefault(tuple(_entry_text(call)), []).append(call)
    for text, calls in groups.items():
        lines += ["", "[[call]]", *text]
        if len(calls) > 1:
            lines.append(f"count = {_described(text, calls[0].outcome, report)}")
        else:
            lines += _single_text(calls[0])
    return "\n".join(lines) + "\n"


def _described(text: Sequence[str], outcome: str, report: Report) -> int:
    """How many calls an entry describes: also those that have something besides, such as a ticket."""
    entry = _entry(tomllib.loads("\n".join(text)), "call", 0)
    return sum(call.outcome == outcome and entry.describes(call) for call in report.calls)


def _entry_text(call: Call) -> Iterator[str]:
    """What alike calls share, a line a key."""
    yield f"kind = {_quoted(call.kind)}"
    uuid, name = _interface_of(call)
    if call.interfaces:
        yield f"interface = {_quoted(uuid)}" + (f"  # {safe_text(name)}" if name else "")
    if call.opnum is not None:
        yield f"opnum = {call.opnum}" + (f"  # {safe_text(call.operation)}" if call.operation else "")
    yield f"outcome = {_quoted(call.outcome)}"
    if call.status is not None:
        yield f'status = "{call.status_hex}"' + (f"  # {safe_text(call.status_name)}" if call.status_name else "")
    if call.reject_reason is not None:
        reason = call.reject_reason_name
        yield f"reject_reason = {call.reject_reason}" + (f"  # {safe_text(reason)}" if reason else "")
    if call.auth is not None and call.auth.kerberos_error is not None:
        error = call.auth.kerberos_error_name
        yield f"kerberos_error = {call.auth.kerberos_error}" + (f"  # {safe_text(error)}" if error else "")
    if call.ticket is not None:
        if call.ticket.realm is not None:
            yield f"realm = {_quoted(safe_text(call.ticket.realm))}"
        yield f"sname = {_quoted(safe_text('/'.join(call.ticket.sname)))}"
        if call.ticket.user_to_user:
            yield "user_to_user = true"


def _single_text(call: Call) -> Iterator[str]:
    """What only one call has: its id and frames."""
    if call.call_id is not None:
        yield f"call_id = {call.call_id}"
    yield f"request_frames = [{', '.join(map(str, call.request_frames))}]"
    yield f"reply_frames = [{', '.join(map(str, call.reply_frames))}]"


def _quoted(text: str) -> str:
    """A TOML basic string; `text` holds no control character."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
