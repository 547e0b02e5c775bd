"""Numbers and identifiers off the wire -> what the specifications call them, from the .csv files beside this file.

Each table is read once, when first asked for, and no other with it; a look-up parses only the rows that share its key.
What is not known is None; nothing here raises for a value. One name is given for a code: RPC_S_SEC_PKG_ERROR for 0x721,
ERROR_ACCESS_DENIED for 0x5, nca_* for the codes of C706; the other spellings are `aliases`. Where our rows end,
`status_name` and `ntstatus_name` ask impacket's tables.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from rpctrace.knowledge.impacket_names import any_name, borrowed_name
from rpctrace.named_tuple import NamedTuple

FAMILIES = ("win32", "nca", "dce", "hresult", "ntstatus")  # in this order where a value has several meanings
# Captures choose what is asked for, so what is remembered of it is bounded.
INTERFACES_REMEMBERED = STATUSES_REMEMBERED = 1024
FEATURE_NEGOTIATION_PREFIX = "6cb71c2c-9812-4540-"  # [MS-RPCE] 2.2.2.14: the next octets are feature bits
FEATURE_NEGOTIATION_UUID = "6cb71c2c-9812-4540-0000-000000000000"
ENDPOINT_MAPPER_UUID = "e1af8308-5d1f-11c9-91a4-08002b14a0fa"  # [C706] appendix O


class Alias(NamedTuple):
    """Another spelling of a name, and who spells it so ("" where nobody in particular)."""

    label: str
    name: str


class StatusFact(NamedTuple):
    """One status code; `related` are the values that say the same in other families."""

    value: int
    family: str
    name: str
    aliases: tuple[Alias, ...]
    meaning: str
    seen_in: str
    cause: str
    related: tuple[int, ...]
    source: str


class KerberosErrorFact(NamedTuple):
    """One KRB-ERROR code; `benign_when` says what makes it an ordinary step."""

    code: int
    name: str
    aliases: tuple[Alias, ...]
    meaning: str
    exchange: str
    cause: str
    benign_when: str
    source: str


class InterfaceFact(NamedTuple):
    """One RPC or COM interface in one version; `uuid` is lower case. `kind` tells what else a UUID may be."""

    uuid: str
    version: str
    kind: str  # interface, transfer syntax, class, signature, nil
    name: str
    aliases: tuple[Alias, ...]
    note: str
    source: str


class OperationFact(NamedTuple):
    uuid: str
    opnum: int
    name: str
    source: str


class NamedFact(NamedTuple):
    """One value of a small enumeration: `kind` is which (auth_type, oid, bind_nak ...), `value` its text or number."""

    kind: str
    value: int | str
    name: str
    aliases: tuple[Alias, ...]
    meaning: str
    cause: str
    source: str


class ProofFact(NamedTuple):
    """What seeing a code shows, and what people take from it that it does not show."""

    kind: str
    value: str
    proves: str
    does_not_prove: str
    source: str


@cache
def _text(file_name: str) -> str:
    # The package's loader reads it (also from a zip); importlib.resources would cost 10 ms of start-up.
    assert __spec__ is not None
    loader = __spec__.loader
    octets: bytes = loader.get_data(os.path.join(os.path.dirname(__file__), file_name))  # type: ignore[union-attr]  # a file or zip loader has it
    return octets.decode("utf-8")


def read_rows(file_name: str) -> list[list[str]]:
    """The rows of one of our own tables, without its heading."""
    rows = csv.reader(_text(file_name).splitlines())
    next(rows)
    return list(rows)


def rows_of(file_name: str, key: str) -> list[list[str]]:
    """The rows of one table whose first cell is `key`, [] where there is none; the rest of the table is not parsed."""
    # Tables are sorted by their first cell, so its rows stand together: two searches of the text find them.
    text = _text(file_name)
    start = text.find(f"\n{key},")
    if start < 0:
        return []
    end = text.index("\n", text.rindex(f"\n{key},") + 1)
    return list(csv.reader(text[start + 1 : end].splitlines()))


def _aliases(cell: str) -> tuple[Alias, ...]:
    if not cell:
        return ()
    parts = (entry.rpartition(":") for entry in cell.split(";"))
    return tuple(Alias(label, name) for label, _, name in parts)


def _status(row: list[str]) -> StatusFact:
    value, family, name, aliases, meaning, seen_in, cause, related, source = row
    others = tuple(int(other, 16) for other in related.split(";")) if related else ()
    return StatusFact(int(value, 16), family, name, _aliases(aliases), meaning, seen_in, cause, others, source)


@cache
def statuses() -> Mapping[int, tuple[StatusFact, ...]]:
    found: dict[int, tuple[StatusFact, ...]] = {}
    for fact in map(_status, read_rows("status_codes.csv")):
        found[fact.value] = (*found.get(fact.value, ()), fact)
    return found


@cache
def kerberos_errors() -> Mapping[int, KerberosErrorFact]:
    return {
        int(code): KerberosErrorFact(int(code), name, _aliases(aliases), *rest)
        for code, name, aliases, *rest in read_rows("kerberos_errors.csv")
    }


def _interface(row: list[str]) -> InterfaceFact:
    uuid, version, kind, name, aliases, note, source = row
    return InterfaceFact(uuid, version, kind, name, _aliases(aliases), note, source)


def _operation(row: list[str]) -> OperationFact:
    uuid, opnum, name, source = row
    return OperationFact(uuid, int(opnum), name, source)


@cache
def interfaces() -> Mapping[str, tuple[InterfaceFact, ...]]:
    found: dict[str, tuple[InterfaceFact, ...]] = {}
    for fact in map(_interface, read_rows("interfaces.csv")):
        found[fact.uuid] = (*found.get(fact.uuid, ()), fact)
    return found


@cache
def operations() -> Mapping[tuple[str, int], OperationFact]:
    return {(fact.uuid, fact.opnum): fact for fact in map(_operation, read_rows("operations.csv"))}


@lru_cache(STATUSES_REMEMBERED)
def statuses_of(value: int) -> tuple[StatusFact, ...]:
    """Every known meaning of an unsigned value; () where there is none."""
    return tuple(map(_status, rows_of("status_codes.csv", f"0x{value:08X}")))


@lru_cache(INTERFACES_REMEMBERED)
def versions_of(uuid: str) -> tuple[InterfaceFact, ...]:
    """Every known version of the interface of a lower-case UUID, the lowest first; () where there is none."""
    return tuple(map(_interface, rows_of("interfaces.csv", uuid)))


@lru_cache(INTERFACES_REMEMBERED)
def operations_of(uuid: str) -> Mapping[int, OperationFact]:
    """The known operations of the interface of a lower-case UUID, by operation number and in its order."""
    return {fact.opnum: fact for fact in map(_operation, rows_of("operations.csv", uuid))}


def _named(rows: Iterable[list[str]]) -> Mapping[tuple[str, int | str], NamedFact]:
    found: dict[tuple[str, int | str], NamedFact] = {}
    for kind, text, name, aliases, *rest in rows:
        value: int | str = text if kind in ("oid", "gss_token_id") else int(text, 0)
        found[kind, value] = NamedFact(kind, value, name, _aliases(aliases), *rest)
    return found


@cache
def reject_reasons() -> Mapping[tuple[str, int | str], NamedFact]:
    return _named(read_rows("reject_reasons.csv"))


@cache
def detection_locations() -> Mapping[tuple[str, int | str], NamedFact]:
    return _named(read_rows("detection_locations.csv"))


@cache
def security_providers() -> Mapping[tuple[str, int | str], NamedFact]:
    return _named(read_rows("security_providers.csv"))


@cache
def proofs() -> Mapping[tuple[str, str], ProofFact]:
    return {(kind, value): ProofFact(kind, value, *rest) for kind, value, *rest in read_rows("what_it_proves.csv")}


def unsigned(value: int) -> int:
    """A 32-bit code that somebody printed as a signed number, as it is on the wire."""
    return value & 0xFFFFFFFF if -0x80000000 <= value < 0 else value


def packed_code(value: int) -> tuple[str, int] | None:
    """[MS-ERREF] 2.1: an HRESULT that only wraps another code -> (how, the code inside); None for every other value."""
    if value >> 16 == 0x8007:
        return "HRESULT_FROM_WIN32", value & 0xFFFF
    if value >> 28 == 0xD:  # the N bit: an NTSTATUS of severity error
        return "HRESULT_FROM_NT", value & ~0x10000000
    return None


def _unpacked(value: int) -> StatusFact | None:
    packed = packed_code(value)
    if packed is None:
        return None
    how, inner_value = packed
    inner = status(inner_value)
    if inner is None:
        return None
    name = f"{how}({inner.name})"
    source = f"[MS-ERREF] 2.1; {inner.source}"
    return StatusFact(value, "hresult", name, (), inner.meaning, inner.seen_in, inner.cause, (inner_value,), source)


def status(value: int) -> StatusFact | None:
    """A fault status, HRESULT, NTSTATUS or Win32 code of our tables, wrapped codes unwrapped."""
    value = unsigned(value)
    facts = statuses_of(value)
    if not facts:
        return _unpacked(value)
    return min(facts, key=lambda fact: FAMILIES.index(fact.family))


def _borrowed_status_name(value: int) -> str | None:
    borrowed = any_name(value)
    if borrowed is not None:
        return borrowed.name
    packed = packed_code(value)
    inner = None if packed is None else any_name(packed[1])
    return None if packed is None or inner is None else f"{packed[0]}({inner.name})"


def status_name(value: int) -> str | None:
    """The one name that a status is printed with; also from impacket's tables."""
    fact = status(value)
    return _borrowed_status_name(unsigned(value)) if fact is None else fact.name


def ntstatus_name(value: int) -> str | None:
    """The name of an NTSTATUS (netlogon.log, e-data); also from impacket's table."""
    value = unsigned(value)
    for fact in statuses_of(value):
        if fact.family == "ntstatus":
            return fact.name
    borrowed = borrowed_name("ntstatus", value)
    return None if borrowed is None else borrowed.name


def hresult_name(value: int) -> str | None:
    """The name of what a COM operation returns; success is S_OK there, not a Win32 status."""
    value = unsigned(value)
    if value in _COM_SUCCESS:
        return _COM_SUCCESS[value]
    for fact in statuses_of(value):
        if fact.family == "hresult":
            return fact.name
    return status_name(value)


_COM_SUCCESS = {0: "S_OK", 1: "S_FALSE"}  # [MS-ERREF] 2.1.1


def kerberos_error(code: int) -> KerberosErrorFact | None:
    return kerberos_errors().get(code)


def kerberos_error_name(code: int) -> str | None:
    fact = kerberos_error(code)
    return None if fact is None else fact.name


def interface(uuid: str, version: str | None = None) -> InterfaceFact | None:
    """The interface of a lower-case UUID; of the version asked for, else of the first one known."""
    facts = versions_of(FEATURE_NEGOTIATION_UUID if uuid.startswith(FEATURE_NEGOTIATION_PREFIX) else uuid)
    if not facts:
        return None
    return facts[0] if len(facts) == 1 else next((fact for fact in facts if fact.version == version), facts[0])


def operation_name(uuid: str, opnum: int) -> str | None:
    fact = operations_of(uuid).get(opnum)
    return None if fact is None else fact.name


@cache
def _of_kind(file_name: str, kind: str) -> Mapping[tuple[str, int | str], NamedFact]:
    return _named(rows_of(file_name, kind))


def _name(file_name: str, kind: str, value: int | str) -> str | None:
    fact = _of_kind(file_name, kind).get((kind, value))
    return None if fact is None else fact.name


def _flag_names(kind: str, flags: int) -> tuple[str, ...]:
    """The names of the known flags that are set, the lowest bit first."""
    facts = _of_kind("security_providers.csv", kind).values()
    return tuple(fact.name for fact in facts if isinstance(fact.value, int) and fact.value & flags)


def reject_reason_name(reason: int) -> str | None:
    """C706 12.6.3.1, [MS-RPCE] 2.2.2.5: provider_reject_reason of a bind_nak."""
    return _name("reject_reasons.csv", "bind_nak", reason)


def result_name(result: int) -> str | None:
    """C706 12.6.3.1, [MS-RPCE] 2.2.2.4: result of one presentation context."""
    return _name("reject_reasons.csv", "result", result)


def provider_reason_name(reason: int) -> str | None:
    """C706 12.6.3.1: reason of a provider_rejection (after negotiate_ack the field holds feature bits instead)."""
    return _name("reject_reasons.csv", "provider_reason", reason)


def auth_type_name(auth_type: int) -> str | None:
    return _name("security_providers.csv", "auth_type", auth_type)


def auth_level_name(auth_level: int) -> str | None:
    return _name("security_providers.csv", "auth_level", auth_level)


def signed(value: int) -> int:
    """An Int32 of Kerberos that somebody printed or read as an unsigned number: 0xFFFFFF7B is -133."""
    return value - (1 << 32) if 0x80000000 <= value <= 0xFFFFFFFF else value


def etype_name(etype: int) -> str | None:
    """RFC 3961 8; Windows has types of its own below zero."""
    return _name("security_providers.csv", "etype", signed(etype))


def name_type_name(name_type: int) -> str | None:
    return _name("security_providers.csv", "name_type", signed(name_type))


def oid_name(oid: str) -> str | None:
    return _name("security_providers.csv", "oid", oid)


def detection_location_name(location: int) -> str | None:
    return _name("detection_locations.csv", "location", location)


def component_name(component: int) -> str | None:
    return _name("detection_locations.csv", "component", component)


def pa_data_name(padata_type: int) -> str | None:
    """RFC 4120 7.5.2, RFC 6113 7.1, [MS-KILE] 3.1.5.1: padata-type."""
    return _name("security_providers.csv", "padata_type", signed(padata_type))


def kdc_option_names(options: int) -> tuple[str, ...]:
    """RFC 4120 5.4.1: kdc-options as a number of 32 bits, bit 0 of the standard being 0x80000000."""
    return _flag_names("kdc_option", options)


def kpasswd_result_name(result: int) -> str | None:
    """RFC 3244 2: result code of a password change or a set password."""
    return _name("security_providers.csv", "kpasswd_result", result)


def ldap_result_name(result: int) -> str | None:
    """RFC 4511 A.1: resultCode."""
    return _name("security_providers.csv", "ldap_result", result)


def secure_channel_type_name(channel_type: int) -> str | None:
    """[MS-NRPC] 2.2.1.3.13: NETLOGON_SECURE_CHANNEL_TYPE."""
    return _name("security_providers.csv", "secure_channel_type", channel_type)


def logon_level_name(level: int) -> str | None:
    """[MS-NRPC] 2.2.1.4.16: NETLOGON_LOGON_INFO_CLASS."""
    return _name("security_providers.csv", "logon_level", level)


def nt_validation_level_name(level: int) -> str | None:
    """[MS-NRPC] 2.2.1.4.17: NETLOGON_VALIDATION_INFO_CLASS."""
    return _name("security_providers.csv", "nt_validation_level", level)


def tower_protocol_name(identifier: int) -> str | None:
    """[C706] Appendix I: the protocol identifier that a floor of a tower begins with."""
    return _name("security_providers.csv", "tower_protocol", identifier)


def protocol_sequence_name(identifier: int) -> str | None:
    """[MS-RPCE] 2.1: the protocol sequence that the protocol identifier of a tower's fourth floor stands for."""
    return _name("security_providers.csv", "protocol_sequence", identifier)


def smb_dialect_name(dialect: int) -> str | None:
    """[MS-SMB2] 2.2.3: DialectRevision."""
    return _name("security_providers.csv", "smb_dialect", dialect)


def rts_flag_names(flags: int) -> tuple[str, ...]:
    """[MS-RPCH]: flags of an RTS PDU."""
    return _flag_names("rts_flag", flags)
