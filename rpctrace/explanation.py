"""A code, name, UUID or identifier that somebody typed -> what it means, as values and as plain text (`explain`).

`explain` finds every meaning that our tables have, the RPC fault status first; what it does not find it refuses with
the nearest names. A table is read when a question needs it, and impacket only for codes that no table of ours has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from rpctrace.encoding.labelled import labelled
from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.knowledge import impacket_names, tables
from rpctrace.knowledge.tables import Alias, InterfaceFact, KerberosErrorFact, NamedFact, OperationFact, StatusFact
from rpctrace.named_tuple import NamedTuple

NEAR_MATCHES = 5
MAXIMUM_QUESTION_CHARACTERS = 200

_LABEL_COLUMNS = 14
_NUMBER = re.compile(r"[+-]?\d{1,10}|[+-]?0x[0-9a-f]{1,8}", re.IGNORECASE)
_BARE_HEX = re.compile(r"[0-9a-f]{8}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

_HRESULT_SEEN_IN = "ORPC response, activation result; rarely a fault"

_FAMILY_KINDS = {
    "win32": "RPC fault status, Win32 code",
    "nca": "RPC fault status, DCE code",
    "dce": "DCE runtime status",
    "hresult": "HRESULT",
    "ntstatus": "NTSTATUS",
}
_KINDS = {
    "interface": "RPC interface",
    "transfer syntax": "RPC transfer syntax",
    "class": "COM class identifier",
    "signature": "signature inside a PDU",
    "nil": "UUID",
    "auth_type": "RPC authentication type (auth_type)",
    "auth_level": "RPC authentication level (auth_level)",
    "bind_nak": "bind_nak reject reason",
    "result": "presentation context result (bind_ack, alter_context_resp)",
    "provider_reason": "presentation context rejection reason (bind_ack, alter_context_resp)",
    "location": "extended error detection location",
    "component": "extended error generating component",
    "oid": "security mechanism (object identifier)",
    "gss_token_id": "Kerberos GSS token identifier",
    "etype": "Kerberos encryption type",
    "name_type": "Kerberos name type",
    "ap_option": "Kerberos ap-options flag",
    "kdc_option": "Kerberos kdc-options flag",
    "padata_type": "Kerberos pre-authentication data type",
    "logon_level": "Netlogon logon level",
    "nt_validation_level": "Netlogon validation level",
    "secure_channel_type": "Netlogon secure channel type",
    "kpasswd_result": "Kerberos password change result",
    "ldap_result": "LDAP resultCode",
    "tower_protocol": "protocol identifier of a tower floor",
    "protocol_sequence": "protocol sequence (transport floor of a tower)",
    "smb_dialect": "SMB dialect",
    "rts_flag": "RPC over HTTP: flag of an RTS PDU",
}


class Explanation(NamedTuple):
    """One meaning of what was asked. `values` are its spellings as a number, `names` as a word (with who says so)."""

    kind: str
    title: str
    values: tuple[str, ...]
    names: tuple[Alias, ...]
    meaning: str
    cause: str
    seen_in: str
    benign_when: str
    proves: str
    does_not_prove: str
    operations: tuple[str, ...]
    related: tuple[str, ...]
    source: str


def explain(what: str) -> tuple[Explanation, ...]:
    """Every meaning of a code, name, UUID or OID, the RPC fault status first; `UsageError` with near names if none."""
    question = what.strip()
    found = tuple(dict.fromkeys(_meanings(question))) if len(question) <= MAXIMUM_QUESTION_CHARACTERS else ()
    if not found:
        raise UsageError(_refusal(question))
    return found


def of_status(value: int) -> Explanation | None:
    """The one meaning of a status that was seen as such; None of one that no table of ours has."""
    fact = tables.status(value)
    return None if fact is None else _of_status(fact)


def of_kerberos_error(code: int) -> Explanation | None:
    fact = tables.kerberos_error(code)
    return None if fact is None else _of_kerberos(fact)


def of_reject_reason(reason: int) -> Explanation | None:
    """Of a bind_nak."""
    fact = tables.reject_reasons().get(("bind_nak", reason))
    return None if fact is None else _of_named(fact)


def _meanings(question: str) -> Iterator[Explanation]:
    uuid = question.strip("{}").casefold()
    if _UUID.fullmatch(uuid):
        interface = tables.interface(uuid)
        if interface is not None:
            yield _of_interface(interface)
        return
    numbers = list(_numbers(question))
    if numbers:
        for number in numbers:
            yield from _of_number(number)
        return
    yield from _of_name(question)


def _numbers(question: str) -> Iterator[int]:
    if _BARE_HEX.fullmatch(question):  # as logs print it: C0000064, 80070721
        yield int(question, 16)
        if question.startswith("0"):
            return
    if _NUMBER.fullmatch(question):
        yield int(question, 16 if "x" in question.casefold() else 10)


# Numbers


def _of_number(number: int) -> Iterator[Explanation]:
    value = tables.unsigned(number)
    ours = bool(tables.statuses_of(value)) or tables.packed_code(value) is not None
    if ours:
        yield from _of_status_value(value)
    kerberos = tables.kerberos_error(number)
    if kerberos is not None:
        yield _of_kerberos(kerberos)
    for table in (tables.reject_reasons(), tables.security_providers(), tables.detection_locations()):
        yield from (_of_named(fact) for fact in table.values() if fact.value == number)
    if not ours:  # small numbers mean something here more often than among all the codes of Win32
        yield from _of_status_value(value)


def _of_status_value(value: int) -> Iterator[Explanation]:
    facts = tables.statuses_of(value)
    for fact in sorted(facts, key=lambda fact: tables.FAMILIES.index(fact.family)):
        yield _of_status(fact)
        if fact.name.startswith("RPC_NT_"):  # an RPC status said as NTSTATUS: the fault on the wire is its twin
            yield from (_of_status(twin) for twin in map(tables.status, fact.related) if twin is not None)
    if facts:
        return
    packed = tables.packed_code(value)
    name = tables.status_name(value)
    borrowed = impacket_names.any_name(value) if tables.status(value) is None else None
    if borrowed is not None:
        source = "[MS-ERREF] 2, by way of impacket"
        yield _of_status(StatusFact(value, borrowed.family, borrowed.name, (), borrowed.message, "", "", (), source))
    elif packed is not None and name is not None:
        meaning = f"Wraps {_hex(packed[1])}, {name[len(packed[0]) + 1 : -1]}, and says no more than that."
        yield _of_status(StatusFact(value, "hresult", name, (), meaning, _HRESULT_SEEN_IN, "", (), "[MS-ERREF] 2.1"))
    if packed is not None:
        yield from _of_status_value(packed[1])


# Names


def _key(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")


def _matches(fact: NamedFact | StatusFact | KerberosErrorFact | InterfaceFact, wanted: str) -> bool:
    return _key(fact.name) == wanted or any(_key(alias.name) == wanted for alias in fact.aliases)


def _of_name(question: str) -> Iterator[Explanation]:
    wanted = _key(question)
    found = [*_statuses_named(wanted), *_others_named(wanted)]
    if not found:
        found = [_of_operation(fact) for fact in tables.operations().values() if _key(fact.name) == wanted]
    if not found:
        borrowed = impacket_names.values_named(question)
        found = [explanation for name in borrowed for explanation in _of_status_value(name.value)]
    yield from found


def _statuses_named(wanted: str) -> Iterator[Explanation]:
    for facts in tables.statuses().values():
        for fact in facts:
            if _matches(fact, wanted):
                yield from _of_status_value(fact.value)
    wrapping = re.fullmatch(r"hresult_from_(win32|nt)\((\w+)\)", wanted)
    if wrapping is not None:
        for facts in tables.statuses().values():
            if _key(facts[0].name) == wrapping[2]:
                value = facts[0].value
                yield from _of_status_value(0x80070000 | value if wrapping[1] == "win32" else 0x10000000 | value)


def _others_named(wanted: str) -> Iterator[Explanation]:
    yield from (_of_kerberos(fact) for fact in tables.kerberos_errors().values() if _matches(fact, wanted))
    for versions in tables.interfaces().values():
        if any(_matches(fact, wanted) for fact in versions):
            yield _of_interface(versions[0])
    for table in (tables.reject_reasons(), tables.security_providers(), tables.detection_locations()):
        for (_, value), fact in table.items():
            if _matches(fact, wanted) or value == wanted:
                yield _of_named(fact)


@cache
def _all_names() -> tuple[str, ...]:
    named: list[Iterable[NamedFact | StatusFact | KerberosErrorFact | InterfaceFact]] = [
        *tables.statuses().values(),
        *tables.interfaces().values(),
        tables.kerberos_errors().values(),
        tables.reject_reasons().values(),
        tables.security_providers().values(),
        tables.detection_locations().values(),
    ]
    names = {name for facts in named for fact in facts for name in (fact.name, *(alias.name for alias in fact.aliases))}
    return tuple(sorted(names | {fact.name for fact in tables.operations().values()}))


def _refusal(question: str) -> str:
    from difflib import get_close_matches  # only a question that fails pays for it

    shown = safe_text(question[:MAXIMUM_QUESTION_CHARACTERS])
    spellings = {_key(name): name for name in _all_names()}
    near = get_close_matches(_key(question[:MAXIMUM_QUESTION_CHARACTERS]), spellings, NEAR_MATCHES)
    hint = f"; near: {', '.join(spellings[key] for key in near)}" if near else ""
    return f"nothing known about {shown!r}{hint}"


# One fact -> one explanation


def _hex(value: int) -> str:
    return f"0x{value:08X}"


def _number_spellings(value: int) -> tuple[str, ...]:
    spellings = [_hex(value), f"0x{value:x}", str(value)]
    if value >= 0x80000000:
        spellings.append(str(value - (1 << 32)))
    return tuple(dict.fromkeys(spellings))


def _related_statuses(fact: StatusFact) -> Iterator[str]:
    for value in fact.related:
        other = tables.status(value)
        if other is not None:
            yield f"{other.name} {_hex(value)}"
    if fact.family == "win32" and fact.value and 0x80070000 | fact.value not in fact.related:
        yield f"HRESULT_FROM_WIN32({fact.name}) {_hex(0x80070000 | fact.value)}"


def _proof(kind: str, value: str) -> tuple[str, str]:
    fact = tables.proofs().get((kind, value))
    return ("", "") if fact is None else (fact.proves, fact.does_not_prove)


def _borrowed_meaning(fact: StatusFact) -> str:
    borrowed = impacket_names.borrowed_name(fact.family, fact.value)
    return "" if borrowed is None else borrowed.message


def _of_status(fact: StatusFact) -> Explanation:
    proves, does_not_prove = _proof("status", _hex(fact.value))
    return Explanation(
        kind=_FAMILY_KINDS[fact.family],
        title=fact.name,
        values=_number_spellings(fact.value),
        names=(Alias("", fact.name), *fact.aliases),
        meaning=fact.meaning or _borrowed_meaning(fact),
        cause=fact.cause,
        seen_in=fact.seen_in,
        benign_when="",
        proves=proves,
        does_not_prove=does_not_prove,
        operations=(),
        related=tuple(_related_statuses(fact)),
        source=fact.source,
    )


def _of_kerberos(fact: KerberosErrorFact) -> Explanation:
    proves, does_not_prove = _proof("kerberos", str(fact.code))
    return Explanation(
        kind="Kerberos error (KRB-ERROR)",
        title=fact.name,
        values=(str(fact.code), f"0x{fact.code:x}"),
        names=(Alias("", fact.name), *fact.aliases),
        meaning=fact.meaning,
        cause=fact.cause,
        seen_in=f"exchange {', '.join(fact.exchange.split())}" if fact.exchange else "",
        benign_when=fact.benign_when,
        proves=proves,
        does_not_prove=does_not_prove,
        operations=(),
        related=(),
        source=fact.source,
    )


def _of_interface(fact: InterfaceFact) -> Explanation:
    proves, does_not_prove = _proof("interface", fact.uuid)
    versions = [other.version for other in tables.versions_of(fact.uuid)]
    mentioned = [tables.interface(uuid) for uuid in dict.fromkeys(_UUID.findall(fact.note.casefold()))]
    operations = [f"{row.opnum}={row.name}" for row in tables.operations_of(fact.uuid).values()]
    return Explanation(
        kind=_KINDS[fact.kind],
        title=fact.name,
        values=(fact.uuid, *(f"version {version}" for version in versions)),
        names=(Alias("", fact.name), *fact.aliases),
        meaning=fact.note,
        cause="",
        seen_in="",
        benign_when="",
        proves=proves,
        does_not_prove=does_not_prove,
        operations=tuple(operations),
        related=tuple(f"{other.name} {other.uuid}" for other in mentioned if other is not None),
        source=fact.source,
    )


def _of_operation(fact: OperationFact) -> Explanation:
    interface = tables.interface(fact.uuid)
    name = fact.uuid if interface is None else interface.name
    return Explanation(
        kind="RPC operation",
        title=fact.name,
        values=(f"opnum {fact.opnum}", f"0x{fact.opnum:x}"),
        names=(Alias("", fact.name),),
        meaning=f"Operation {fact.opnum} of {name}.",
        cause="",
        seen_in="request",
        benign_when="",
        proves="",
        does_not_prove="",
        operations=(),
        related=(f"{name} {fact.uuid}",),
        source=fact.source,
    )


def _of_named(fact: NamedFact) -> Explanation:
    proves, does_not_prove = _proof(fact.kind, str(fact.value))
    return Explanation(
        kind=_KINDS[fact.kind],
        title=fact.name,
        values=_small_spellings(fact.kind, fact.value),
        names=(Alias("", fact.name), *fact.aliases),
        meaning=fact.meaning,
        cause=fact.cause,
        seen_in="",
        benign_when="",
        proves=proves,
        does_not_prove=does_not_prove,
        operations=(),
        related=(),
        source=fact.source,
    )


def _small_spellings(kind: str, value: int | str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if kind in ("ap_option", "kdc_option"):
        return (_hex(value),)
    return (str(value),) if value < 0 else (str(value), f"0x{value:x}")


# Text


def _names_text(names: Iterable[Alias]) -> str:
    return ", ".join(f"{alias.name} ({alias.label})" if alias.label else alias.name for alias in names)


def _fields(explanation: Explanation) -> Iterator[tuple[str, str]]:
    yield "what", explanation.kind
    yield "value", "  ".join(explanation.values)
    if len(explanation.names) > 1:
        yield "names", _names_text(explanation.names)
    yield "meaning", explanation.meaning
    yield "behind it", explanation.cause
    yield "seen in", explanation.seen_in
    yield "normal when", explanation.benign_when
    yield "proves", explanation.proves
    yield "does not prove", explanation.does_not_prove
    yield "operations", ", ".join(explanation.operations)
    yield "see also", ", ".join(explanation.related)
    yield "source", explanation.source


def render_explanation(explanation: Explanation) -> str:
    """Plain text of at most 100 columns, ending in a line end; empty fields are left out."""
    fields = ((label, text) for label, text in _fields(explanation) if text)
    return "\n".join([explanation.title, *labelled(fields, _LABEL_COLUMNS)]) + "\n"
