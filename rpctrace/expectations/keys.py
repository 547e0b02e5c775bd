"""The keys that an entry may have, for each kind of record: what may be written, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.expectations import texts, words
from rpctrace.expectations.values import Key, Kind, Wanted
from rpctrace.knowledge import tables
from rpctrace.report import SEVERITIES, Host
from rpctrace.spellings import (
    host_spelled,
    host_words,
    interfaces_spelled,
    kerberos_errors_spelled,
    reject_reasons_spelled,
    statuses_spelled,
)

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


def _one_of(held: _Get, values: Callable[[Any], frozenset[Any]], shown: _Get | None = None) -> Key:
    """A key under which a record holds one of the values that what is written stands for."""

    def wanted(value: Any) -> Wanted:
        given = values(value)
        return Wanted(lambda record: held(record) in given, given)

    return Key(wanted, lambda record: _shown((shown or held)(record)), held)


def _is(get: _Get, kind: type) -> Key:
    return _one_of(lambda record: _written(get(record)), lambda value: frozenset((of_type(value, kind),)), get)


def _text(get: _Get) -> Key:
    return _is(get, str)


def _number(get: _Get) -> Key:
    return _is(get, int)


def _flag(get: _Get) -> Key:
    return _is(get, bool)


def _pattern(get: _Get) -> Key:
    """A text in which * and ? stand for anything; a text that is the same agrees whatever characters it holds."""

    def wanted(value: Any) -> Wanted:
        given = of_type(value, str)

        def agrees(record: Any) -> bool:
            text = _written(get(record))
            return text is not None and (text == given or fnmatchcase(text, given))

        return Wanted(agrees)

    return Key(wanted, lambda record: _shown(get(record)))


def _spelled(get: _Get, spelled: Callable[[str], frozenset[Any]], shown: _Get | None = None) -> Key:
    return _one_of(get, lambda value: spelled(str(of_type(value, str, int))), shown)


def _name(get: Callable[[Any], tuple[str, ...] | None]) -> Key:
    """`"host/dc1"` or `["host", "dc1"]`."""

    def text(record: Any) -> str | None:
        parts = get(record)
        return None if parts is None else safe_text("/".join(parts))

    def values(value: Any) -> frozenset[str]:
        given = "/".join(of_type(part, str) for part in value) if isinstance(value, list) else of_type(value, str)
        return frozenset((given,))

    return _one_of(text, values)


def _frames(get: Callable[[Any], tuple[int, ...]]) -> Key:
    return _one_of(get, lambda value: frozenset((tuple(of_type(frame, int) for frame in of_type(value, list)),)))


def _host(get: Callable[[Any], Host]) -> Key:
    def wanted(value: Any) -> Wanted:
        agrees = host_spelled(of_type(value, str))
        return Wanted(lambda record: agrees(get(record)))

    return Key(wanted, lambda record: _shown(host_words(get(record))))


def _interface_wanted(value: Any) -> Wanted:
    given = interfaces_spelled(of_type(value, str))
    return Wanted(lambda call: any(interface.uuid in given for interface in call.interfaces))


def _confidence(agrees: Callable[[float, float], bool]) -> Key:
    def wanted(value: Any) -> Wanted:
        given = of_type(value, int, float)
        if not 0 <= given <= 1:
            raise UsageError(f"{given} is no confidence from 0 to 1")
        return Wanted(lambda finding: agrees(finding.confidence, given))

    return Key(wanted, lambda finding: f"{finding.confidence:.2f}")


def _severities(value: Any) -> frozenset[str]:
    given = of_type(value, str)
    if given not in SEVERITIES:
        raise UsageError(f"{given!r} is no severity; there are: {', '.join(SEVERITIES)}")
    return frozenset((given,))


def is_above_a_note(finding: Any) -> bool:
    """A note is a weaker hypothesis, or a remark."""
    return bool(finding.severity != "note")


def _always(_record: object) -> bool:
    return True


def _never(_record: object) -> bool:
    return False


def _of_auth(name: str) -> _Get:
    return lambda call: None if call.auth is None else getattr(call.auth, name)


def _of_ticket(name: str) -> _Get:
    return lambda record: None if record.ticket is None else getattr(record.ticket, name)


def _user_to_user(call: Any) -> bool:
    return call.ticket is not None and call.ticket.user_to_user


def _result(call: Any) -> int | None:
    """What an answer says of itself: the HRESULT of DCOM, the status of the Netlogon secure channel."""
    if call.dcom is not None and call.dcom.hresult is not None:
        return tables.unsigned(call.dcom.hresult)
    return None if call.secure_channel is None else call.secure_channel.status


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
    "result": _spelled(_result, statuses_spelled, lambda call: None if (code := _result(call)) is None else hex(code)),
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
    "severity": _one_of(lambda finding: finding.severity, _severities),
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
CALL = Kind(
    table="call",
    noun="call",
    records=lambda report: report.calls,
    keys=_CALL,
    words=words.call_words,
    identity=words.call_identity,
    frames=words.call_frames,
    is_written=lambda call: bool(call.failed),
    is_demanded=_always,
    shared=texts.call_text,
    single=texts.call_single,
    group=lambda call: tuple(texts.call_text([call])),
)
FINDING = Kind(
    table="finding",
    noun="finding",
    records=lambda report: report.findings,
    keys=_FINDING,
    words=words.finding_words,
    identity=words.finding_identity,
    frames=lambda finding: finding.frames,
    is_written=is_above_a_note,
    is_demanded=is_above_a_note,
    shared=texts.finding_text,
    single=texts.nothing,
    group=lambda finding: (finding.rule, finding.severity),  # no two are of one text
)
TICKET = Kind(
    table="ticket",
    noun="ticket",
    records=words.presented,
    keys=_TICKET,
    words=words.ticket_words,
    identity=words.ticket_identity,
    frames=words.ticket_frames,
    is_written=_never,
    is_demanded=_always,
    shared=texts.ticket_text,
    single=texts.ticket_single,
    group=lambda shown: tuple(texts.ticket_text([shown])),
)
KERBEROS = Kind(
    table="kerberos",
    noun="Kerberos exchange",
    records=lambda report: report.kerberos,
    keys=_KERBEROS,
    words=words.exchange_words,
    identity=words.exchange_identity,
    frames=words.exchange_frames,
    is_written=_never,
    is_demanded=lambda exchange: exchange.error is not None,
    shared=texts.kerberos_text,
    single=texts.kerberos_single,
    group=lambda exchange: tuple(texts.kerberos_text([exchange])),
)
KINDS = {kind.table: kind for kind in (CALL, FINDING, TICKET, KERBEROS)}
# The lists of [require] and [forbid]: what each item is the one key of.
SHORT: dict[str, tuple[Kind, str]] = {
    "findings": (FINDING, "rule"),
    "statuses": (CALL, "status"),
    "tickets": (TICKET, "ticket"),
    "realms": (TICKET, "realm"),
    "kerberos_errors": (KERBEROS, "error"),
}
