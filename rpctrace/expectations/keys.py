"""The keys that an entry may have, for each kind of record: what may be written, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.expectations import words
from rpctrace.expectations.values import Key, Kind
from rpctrace.report import SEVERITIES, Host
from rpctrace.spellings import interfaces_spelled, kerberos_errors_spelled, reject_reasons_spelled, statuses_spelled

_Get = Callable[[Any], Any]


def of_type(value: Any, *kinds: type) -> Any:
    """`value`, if it is of one of these TOML types (a truth value is no number). Raises `UsageError`."""
    if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
        return value
    names = {str: "a text", int: "a number", bool: "true or false", list: "a list", dict: "a table"}
    raise UsageError(f"{value!r} should be {' or '.join(names[kind] for kind in kinds if kind in names)}")


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return " ".join(map(_shown, value))
    return safe_text(str(value))


def _written(value: Any) -> Any:
    """Text of a capture as a file of expectations can hold it."""
    return safe_text(value) if isinstance(value, str) else value


def _is(get: _Get, *kinds: type) -> Key:
    def wanted(value: Any) -> Callable[[Any], bool]:
        given = of_type(value, *kinds)
        return lambda record: _written(get(record)) == given

    return Key(wanted, lambda record: _shown(get(record)))


def _text(get: _Get) -> Key:
    return _is(get, str)


def _number(get: _Get) -> Key:
    return _is(get, int)


def _flag(get: _Get) -> Key:
    return _is(get, bool)


def _pattern(get: _Get) -> Key:
    """A text in which * and ? stand for anything; a text that is the same agrees whatever characters it holds."""

    def wanted(value: Any) -> Callable[[Any], bool]:
        given = of_type(value, str)

        def agrees(record: Any) -> bool:
            text = _written(get(record))
            return text is not None and (text == given or fnmatchcase(text, given))

        return agrees

    return Key(wanted, lambda record: _shown(get(record)))


def _spelled(get: _Get, spelled: Callable[[str], frozenset[Any]], shown: _Get | None = None) -> Key:
    def wanted(value: Any) -> Callable[[Any], bool]:
        given = spelled(str(of_type(value, str, int)))
        return lambda record: get(record) in given

    return Key(wanted, lambda record: _shown((shown or get)(record)))


def _name(get: Callable[[Any], tuple[str, ...] | None]) -> Key:
    """`"host/dc1"` or `["host", "dc1"]`."""

    def text(record: Any) -> str | None:
        parts = get(record)
        return None if parts is None else safe_text("/".join(parts))

    def wanted(value: Any) -> Callable[[Any], bool]:
        given = "/".join(of_type(part, str) for part in value) if isinstance(value, list) else of_type(value, str)
        return lambda record: text(record) == given

    return Key(wanted, lambda record: _shown(text(record)))


def _frames(get: Callable[[Any], tuple[int, ...]]) -> Key:
    def wanted(value: Any) -> Callable[[Any], bool]:
        given = tuple(of_type(frame, int) for frame in of_type(value, list))
        return lambda record: get(record) == given

    return Key(wanted, lambda record: _shown(get(record)))


def _host(get: Callable[[Any], Host]) -> Key:
    def wanted(value: Any) -> Callable[[Any], bool]:
        given = of_type(value, str).casefold()
        return lambda record: given in _host_spellings(get(record))

    return Key(wanted, lambda record: _shown(_host_spellings(get(record))[1]))


def _host_spellings(host: Host) -> tuple[str, ...]:
    return host.address, f"{host.address}:{host.port}", f"[{host.address}]:{host.port}", (host.name or "").casefold()


def _interface_wanted(value: Any) -> Callable[[Any], bool]:
    given = interfaces_spelled(of_type(value, str))
    return lambda call: any(interface.uuid in given for interface in call.interfaces)


def _confidence(agrees: Callable[[float, float], bool]) -> Key:
    def wanted(value: Any) -> Callable[[Any], bool]:
        given = of_type(value, int, float)
        if not 0 <= given <= 1:
            raise UsageError(f"{given} is no confidence from 0 to 1")
        return lambda finding: agrees(finding.confidence, given)

    return Key(wanted, lambda finding: f"{finding.confidence:.2f}")


def _severity_wanted(value: Any) -> Callable[[Any], bool]:
    given = of_type(value, str)
    if given not in SEVERITIES:
        raise UsageError(f"{given!r} is no severity; there are: {', '.join(SEVERITIES)}")
    return lambda finding: bool(finding.severity == given)


def _of_auth(name: str) -> _Get:
    return lambda call: None if call.auth is None else getattr(call.auth, name)


def _of_ticket(name: str) -> _Get:
    return lambda record: None if record.ticket is None else getattr(record.ticket, name)


def _user_to_user(call: Any) -> bool:
    return call.ticket is not None and call.ticket.user_to_user


_CALL: dict[str, Key] = {
    "kind": _text(lambda call: call.kind),
    "call_id": _number(lambda call: call.call_id),
    "interface": Key(_interface_wanted, lambda call: _shown(tuple(each.uuid for each in call.interfaces))),
    "opnum": _number(lambda call: call.opnum),
    "operation": _text(lambda call: call.operation),
    "client": _host(lambda call: call.client),
    "server": _host(lambda call: call.server),
    "failed": _flag(lambda call: call.failed),
    "outcome": _text(lambda call: call.outcome),
    "reply": _text(lambda call: call.reply),
    "status": _spelled(lambda call: call.status, statuses_spelled, lambda call: call.status_hex),
    "reject_reason": _spelled(lambda call: call.reject_reason, reject_reasons_spelled),
    "mechanism": _text(_of_auth("mechanism")),
    "token": _text(_of_auth("token")),
    "reply_token": _text(_of_auth("reply_token")),
    "kerberos_error": _spelled(_of_auth("kerberos_error"), kerberos_errors_spelled),
    "realm": _text(_of_ticket("realm")),
    "sname": _name(_of_ticket("sname")),
    "user_to_user": _flag(_user_to_user),
    "presented_in": _text(_of_ticket("presented_in")),
    "request_frames": _frames(lambda call: call.request_frames),
    "reply_frames": _frames(lambda call: call.reply_frames),
}
_FINDING: dict[str, Key] = {
    "rule": _pattern(lambda finding: finding.rule),
    "severity": Key(_severity_wanted, lambda finding: _shown(finding.severity)),
    "least_confidence": _confidence(lambda found, least: found >= least),
    "most_confidence": _confidence(lambda found, most: found <= most),
    "title": _pattern(lambda finding: finding.title),
    "calls": _number(lambda finding: len(finding.calls)),
    "frames": _frames(lambda finding: finding.frames),
}
_TICKET: dict[str, Key] = {
    "ticket": _pattern(lambda shown: words.ticket_name(shown.ticket)),
    "realm": _text(_of_ticket("realm")),
    "sname": _name(_of_ticket("sname")),
    "name_type": _number(_of_ticket("name_type")),
    "etype": _number(_of_ticket("etype")),
    "kvno": _number(_of_ticket("kvno")),
    "user_to_user": _flag(_of_ticket("user_to_user")),
    "presented_in": _text(_of_ticket("presented_in")),
    "issued": _flag(lambda shown: shown.ticket.exchange is not None),
    "client": _host(lambda shown: shown.by.client),
    "server": _host(lambda shown: shown.by.server),
    "frame": _number(_of_ticket("frame")),
}
_KERBEROS: dict[str, Key] = {
    "kind": _text(lambda exchange: exchange.kind),
    "carried_in": _text(lambda exchange: exchange.carried_in),
    "client": _host(lambda exchange: exchange.client),
    "server": _host(lambda exchange: exchange.server),
    "realm": _text(lambda exchange: exchange.realm),
    "crealm": _text(lambda exchange: exchange.crealm),
    "cname": _name(lambda exchange: exchange.cname),
    "sname": _name(lambda exchange: exchange.sname),
    "outcome": _text(lambda exchange: exchange.outcome),
    "reply": _text(lambda exchange: exchange.reply),
    "error": _spelled(lambda exchange: exchange.error, kerberos_errors_spelled),
    "ntstatus": _spelled(lambda e: e.ntstatus, statuses_spelled, lambda exchange: exchange.ntstatus_hex),
    "referral_to": _text(lambda exchange: exchange.referral_to),
    "user_to_user": _flag(lambda exchange: exchange.user_to_user),
    "request_frame": _number(lambda exchange: exchange.request_frame),
    "reply_frame": _number(lambda exchange: exchange.reply_frame),
}
CALL = Kind("call", "call", lambda r: r.calls, _CALL, words.call_words, words.call_frames, lambda _: True)
FINDING = Kind(
    "finding",
    "finding",
    lambda report: report.findings,
    _FINDING,
    words.finding_words,
    lambda finding: finding.frames,
    lambda finding: finding.severity != "note",
)
TICKET = Kind("ticket", "ticket", words.presented, _TICKET, words.ticket_words, words.ticket_frames, lambda _: True)
KERBEROS = Kind(
    "kerberos",
    "Kerberos exchange",
    lambda report: report.kerberos,
    _KERBEROS,
    words.exchange_words,
    words.exchange_frames,
    lambda exchange: exchange.error is not None,
)
KINDS = {kind.table: kind for kind in (CALL, FINDING, TICKET, KERBEROS)}
IDENTITIES: dict[str, Callable[[Any], str]] = {
    "call": words.call_identity,
    "finding": words.finding_identity,
    "ticket": words.ticket_identity,
    "kerberos": words.exchange_identity,
}
# The lists of [require] and [forbid]: what each item is the one key of.
SHORT: dict[str, tuple[Kind, str]] = {
    "findings": (FINDING, "rule"),
    "statuses": (CALL, "status"),
    "tickets": (TICKET, "ticket"),
    "realms": (TICKET, "realm"),
    "kerberos_errors": (KERBEROS, "error"),
}
