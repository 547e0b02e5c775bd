"""A report, read and not yet diagnosed -> the same with other names: what is concluded from it is said with these.

Redaction comes before correlation and diagnosis, so every sentence that a rule writes has the new names in it, and the
conclusions are the same because structure is kept. Each text field of the report's records stands in one of two tables
below: what happens to it, or that it holds words of ours alone; a test holds that none is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from rpctrace.assembly.kdc import PASSWORD_SERVICE
from rpctrace.encoding import flow_ids
from rpctrace.pseudonyms import Pseudonyms
from rpctrace.report import Report, Stream

if TYPE_CHECKING:
    from rpctrace.log_summary import LogSummary

_TCP, _UDP = 6, 17  # IANA protocol numbers
_Whole = TypeVar("_Whole", Report, "LogSummary")
_Change = Callable[[Pseudonyms, Any], Any]
_SUFFIXES = frozenset(
    (".pcap", ".pcapng", ".cap", ".log", ".bak", ".txt", ".gz", ".bz2", ".xz", ".zst", ".lz4", ".expect", ".toml")
)
_WITHHELD, _GONE = "(withheld)", "~"
# Codes that say why: of LDAP in Active Directory (`8009030C: LdapErr: DSID-0C0904DC, comment: ..., data 52e`), others
# in hexadecimal; a word is everything that is no sign of ASCII.
_CODE_OR_WORD = re.compile(
    r"(?P<code>^[0-9A-F]{8}(?=:)|\bDSID-[0-9A-F]{8}\b|\bdata \d[0-9a-f]{0,7}\b|\b0x[0-9A-Fa-f]{1,8}\b)"
    r"|(?:[A-Za-z0-9_]|[^\x00-\x7f])(?:[A-Za-z0-9_-]|[^\x00-\x7f])*"
)
_RESULT = re.compile(rf"({re.escape(PASSWORD_SERVICE)} \d+ \w+)(?:: (.*))?", re.DOTALL)
_TERMS = frozenset(
    (
        "acceptsecuritycontext", "account", "authentication", "client", "clock", "comment", "credentials", "database",
        "decrypt", "disabled", "encryption", "error", "expired", "failed", "forwardable", "found", "in", "integrity",
        "invalid", "is", "kdc", "key", "kvno", "ldaperr", "locked", "no", "no_preauth", "not", "of", "out",
        "password", "path", "permitted", "policy", "preauth", "preauth_failed", "preauth_required", "principal",
        "rejected", "replay", "request", "required", "revoked", "sasl", "server", "skew", "support", "supported",
        "the", "ticket", "too", "transited", "type", "unknown", "verified", "wrong",
    )
)  # fmt: skip
# Functions of netlogon, one of which begins a line and tells what went wrong; the rest of it may name anybody, and what
# only looks like a function may be a computer.
_FUNCTIONS = frozenset(
    (
        "DsGetDcName", "DsrGetDcName", "I_NetLogonSamLogonEx", "NetpDcGetName", "NetpDcInitializeContext",
        "NetpDcPingListIp", "NetrGetDCName", "NetrLogonGetCapabilities", "NetrLogonGetDomainInfo",
        "NetrLogonSamLogon", "NetrLogonSamLogonEx", "NetrLogonSamLogonWithFlags", "NetrServerAuthenticate",
        "NetrServerAuthenticate2", "NetrServerAuthenticate3", "NetrServerReqChallenge", "NlAllocateClientApi",
        "NlDiscoverDc", "NlFinishApiClientSession", "NlGetAnyDCName", "NlInitialize", "NlPrintRpcDebug",
        "NlSessionSetup", "NlSetServerClientSession", "NlSetStatusClientSession", "NlpUserValidateHigher",
        "NlpUserValidateOnPdc",
    )
)  # fmt: skip
_FUNCTION = re.compile(r"\w+", re.ASCII)
# Words of netlogon itself; in their place another word may be a name, in a file that is no netlogon.log.
_FLAGS = frozenset(
    (
        "CHANGELOG", "CRITICAL", "DNS", "DNS_MORE", "ERROR", "FATAL", "INIT", "LOGON", "MAILSLOT", "MISC",
        "PACK", "PERF", "SESSION", "SESSION_MORE", "SITE", "SYNC",
    )
)  # fmt: skip
_LOGONS = frozenset(
    (
        "generic", "interactive", "network", "service", "transitive generic", "transitive interactive",
        "transitive network", "transitive service", "uas logoff", "uas logon",
    )
)
_PACKAGES = frozenset(("kerberos", "negotiate", "ntlm", "schannel", "wdigest"))


def _name(names: Pseudonyms, text: str | None) -> str | None:
    return names.name(text)


def _names(names: Pseudonyms, texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(names.name(text) or "" for text in texts)


def _principal(names: Pseudonyms, parts: tuple[str, ...]) -> tuple[str, ...]:
    return names.principal(parts)


def _path(names: Pseudonyms, text: str | None) -> str | None:
    return names.path(text)


def _said(_: Pseudonyms, text: str | None) -> str | None:
    """What a KDC or server adds to its error, with codes and the words of protocols alone: these tell causes apart."""
    return None if text is None else _CODE_OR_WORD.sub(_known, text)


def _known(match: re.Match[str]) -> str:
    return match[0] if match["code"] or match[0].casefold() in _TERMS else _GONE


def _texts(names: Pseudonyms, texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_said(names, text) or "" for text in texts)


def _results(names: Pseudonyms, notes: tuple[str, ...]) -> tuple[str, ...]:
    """Notes are ours, but for what a password service said."""
    return tuple(_result(names, note) for note in notes)


def _result(names: Pseudonyms, note: str) -> str:
    match = _RESULT.fullmatch(note)
    return note if match is None or match[2] is None else f"{match[1]}: {_said(names, match[2])}"


def _word_of(known: frozenset[str]) -> _Change:
    """What is one of these words stays; of anything else the names go."""
    folded = frozenset(word.casefold() for word in known)
    return lambda names, text: text if text is None or text.casefold() in folded else names.within(text)


def _uid(names: Pseudonyms, text: str | None) -> str | None:
    return None if text is None else "C" + (names.digest(text) or "")[: len(text) - 1]


def _log_text(_: Pseudonyms, text: str | None) -> str | None:
    if text is None:
        return None
    told = _FUNCTION.match(text)
    return f"{told[0]}: {_WITHHELD}" if told and told[0] in _FUNCTIONS else _WITHHELD


def _file(names: Pseudonyms, text: str) -> str:
    """A file's name says whose it is; its suffixes say what it is, where they are the usual ones."""
    if text == "-":
        return text
    path = PurePath(text.replace("\\", "/"))
    kept = "".join(suffix for suffix in path.suffixes if suffix.casefold() in _SUFFIXES)
    return f"{names.label(path.name.removesuffix(kept))}{kept}"


def path_of(names: Pseudonyms, text: str) -> str:
    """A path with its folders: each part by itself, so that two files stay two, side by side or not."""
    parts = text.replace("\\", "/").split("/")
    return "/".join(part if part in ("", ".", "..") else _file(names, part) for part in parts)


def _principals(names: Pseudonyms, texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("/".join(names.principal(text.split("/"))) for text in texts)


def _bindings(names: Pseudonyms, texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(names.binding, texts))


def _parameter(names: Pseudonyms, value: str | int | None) -> str | int | None:
    return names.within(value) if isinstance(value, str) else value


def _digest(names: Pseudonyms, text: str | None) -> str | None:
    return names.digest(text)


# Record.field -> what becomes of it; `*.field`: in every record.
CHANGES: Mapping[str, _Change] = {
    "Host.address": _name,
    "Host.name": _name,
    "HostClock.address": _name,
    "HostClock.name": _name,
    "Summary.client": _name,
    "Summary.server": _name,
    "Endpoint.teller": _name,
    "Endpoint.server": _name,
    "Event.name": _path,
    "*.pipe": _path,
    "*.realm": _name,
    "*.crealm": _name,
    "*.realms": _names,
    "*.referral_to": _name,
    "*.sname": _principal,
    "*.cname": _principal,
    "*.e_text": _said,
    "Authentication.notes": _texts,
    "KerberosExchange.notes": _results,
    "*.package": _word_of(_PACKAGES),
    "Stream.uid": _uid,
    "Stream.community_id": lambda _, text: text,  # made again, of the new addresses
    "*.fingerprint": _digest,
    "*.domain": _name,
    "*.user": _name,
    "*.workstation": _name,
    "*.computer": _name,
    "*.account": _name,
    "Ntlm.target": _name,
    "Authentication.target": _path,
    "Dcom.server_name": _name,
    "Dcom.bindings": _bindings,
    "Dcom.principals": _principals,
    "ErrorParameter.value": _parameter,
    "CaptureFacts.path": _file,
    "LogFacts.path": _file,
    "LogEntry.file": _file,
    "LogEntry.via": _name,
    "LogEntry.hosted_domain": _name,
    "LogEntry.text": _log_text,
    "LogEntry.kind": _word_of(_LOGONS),
    "LogEntry.flag": _word_of(_FLAGS),
    "LogRow.kind": _word_of(_LOGONS),
    "LogRow.via": _name,
    "LogRemark.text": _log_text,
    "LogRemark.flag": _word_of(_FLAGS),
    "LogRemark.file": _file,
}
# Fields that hold words of ours, of specifications, numbers, times and ids, and no name of anybody's.
PLAIN = frozenset(
    (
        "*.id", "*.kind", "*.name", "*.text", "*.notes", "*.missing", "*.outcome", "*.mechanism", "*.transport",
        "*.status", "*.token", "*.reply_token", "*.tokens", "*.reply", "*.carried_in", "*.presented_in",
        "*.operation", "*.call", "*.connection", "*.exchange", "*.exchange_by", "*.presented_from",
        "*.presented_by", "*.path", "*.after_error", "*.endpoint", "*.connections", "*.exchanges",
        "*.as_exchange", "*.calls", "*.concerns", "*.activity", "*.virtual_connection", "*.causality_id",
        "*.ipid", "*.iid", "*.oxid", "*.oid", "*.rem_unknown", "*.clsid", "*.uuid", "*.object_uuid",
        "*.interface_uuid", "*.transfer_syntax", "*.version", "*.interface_version", "*.ap_options",
        "*.options", "*.ended", "*.purpose", "*.source", "*.protocol", "*.error", "*.type", "*.format",
        "*.compression", "*.encoding", "*.layer", "*.phase", "*.thread", "*.joined_by", "*.found",
        "*.time", "*.meaning", "*.interface", "*.rule", "*.title", "*.severity", "*.summary", "*.display_filter",
        "*.next_steps", "*.references", "*.limited_by", "*.conversations", "LogLine.file",
    )
)  # fmt: skip
# Fields whose names say it: codes and times beside their numbers.
PLAIN_SUFFIXES = ("_name", "_hex", "_time")


def redact(whole: _Whole, names: Pseudonyms) -> _Whole:
    """A report as it was read, or what logs sum up to, with every name replaced."""
    done: dict[int, tuple[Any, Any]] = {}  # records are shared: by identity, which is kept alive beside it
    redacted: _Whole = _record(whole, names, done)
    return redacted


def redacting(names: Pseudonyms) -> Callable[[Any], Any]:
    """One record of a report -> the same with every name replaced."""
    done: dict[int, tuple[Any, Any]] = {}
    return lambda record: _record(record, names, done)


def _record(record: Any, names: Pseudonyms, done: dict[int, tuple[Any, Any]]) -> Any:
    known = done.get(id(record))
    if known is not None:
        return known[1]
    changed: dict[str, Any] = {}
    for name, change in _changes_of(record.__class__):
        value = getattr(record, name)
        new = change(names, value) if change is not None else _value(value, names, done)
        if new is not value:
            changed[name] = new
    if isinstance(record, Stream):
        changed["community_id"] = _community_id(record, changed)
    made = replace(record, **changed) if changed else record
    done[id(record)] = record, made
    return made


@cache
def _changes_of(kind: type[Any]) -> tuple[tuple[str, _Change | None], ...]:
    """Each field of a kind of record, and what becomes of it; None: what becomes of the records in it, if any."""
    names = [member.name for member in fields(kind)]
    return tuple((name, CHANGES.get(f"{kind.__name__}.{name}") or CHANGES.get(f"*.{name}")) for name in names)


def _community_id(stream: Stream, changed: dict[str, Any]) -> str | None:
    """By it the addresses could be found again."""
    client, server = (changed.get(end, getattr(stream, end)) for end in ("client", "server"))
    protocol = _UDP if stream.transport == "ncadg_ip_udp" else _TCP
    ends = (client.address, client.port), (server.address, server.port)
    return flow_ids.community_id(protocol, *ends) if stream.community_id is not None else None


def _value(value: Any, names: Pseudonyms, done: dict[int, tuple[Any, Any]]) -> Any:
    if value is None or isinstance(value, (str, int, float)):  # most are; to ask for a record costs more
        return value
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return tuple(_record(each, names, done) for each in value)
    return _record(value, names, done) if is_dataclass(value) and not isinstance(value, type) else value
