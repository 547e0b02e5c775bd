"""A host, status, interface or reject reason as somebody wrote it -> what it may stand for.

People write 0x721, 1825, RPC_S_SEC_PKG_ERROR or the support article's spelling; a filter and an expectation take all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from rpctrace.encoding.addresses import address_of
from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.explanation import explain
from rpctrace.knowledge import tables
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Host

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBER = re.compile(r"-?\d{1,10}|0x[0-9a-f]{1,8}")
_STATUS_KIND = re.compile(r"RPC fault status|DCE runtime status|HRESULT|NTSTATUS")

_LAST_PORT = 65535
_WITH_PORT = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>\d{1,5}))?")


def host_words(host: Host) -> str:
    """Address and port, as `host_spelled` takes them."""
    return f"[{host.address}]:{host.port}" if ":" in host.address else f"{host.address}:{host.port}"


def host_and_port(text: str) -> tuple[str, int | None]:
    """A host as somebody wrote it, and its port, where one is written. An address of IPv6 that has a port is in
    brackets, as in URLs. Raises `UsageError` for a number that no port has."""
    written = text.strip()
    match = _WITH_PORT.fullmatch(written)
    if match is None:  # an address of IPv6 alone
        return written, None
    port = None if match["port"] is None else int(match["port"])
    if port is not None and port > _LAST_PORT:
        raise UsageError(f"{safe_text(text)!r} has no port: these are numbers up to {_LAST_PORT}")
    return match["host"].strip("[]"), port


@lru_cache(256)
def host_spelled(text: str) -> Callable[[Host], bool]:
    """Whether a host is the one that an address, a network or a name stands for, with or without a port. Raises
    `UsageError` for what cannot be meant."""
    name, port = host_and_port(text)
    if not name:
        raise UsageError("a host is an address, a network or a name, and may have a port")
    if "/" in name:
        network = _network(name)
        return lambda host: port in (None, host.port) and _lies_in(network, address_of(host.address))
    folded, address = name.casefold(), address_of(name)

    def is_meant(host: Host) -> bool:
        if port is not None and port != host.port:
            return False
        if folded in (host.address.casefold(), (host.name or "").casefold()):
            return True
        # ::1 and 0:0:0:0:0:0:0:1 are one address
        return address is not None and ":" in folded and address == address_of(host.address)

    return is_meant


def _lies_in(network: IPv4Network | IPv6Network, address: IPv4Address | IPv6Address | None) -> bool:
    return address is not None and address in network


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise UsageError(f"{safe_text(text)!r} is no network such as 10.2.0.0/16") from None


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


class Codes(NamedTuple):
    """What a number or name stands for; a number may be any of the first three. `statuses` are those of faults, of
    Windows and of LDAP, `refusals` reasons of a bind_nak; `contexts` are why a presentation context was refused."""

    statuses: frozenset[int]
    kerberos_errors: frozenset[int]
    refusals: frozenset[int]
    contexts: frozenset[int]


NO_CODES = Codes(*[frozenset[int]()] * 4)


def codes_spelled(text: str) -> Codes:
    """Raises `UsageError` for a name that is none of them."""
    statuses, kerberos, refusals = _ldap_results_named(text), frozenset[int](), frozenset[int]()
    with suppress(UsageError):
        statuses |= statuses_spelled(text)
    with suppress(UsageError):
        kerberos = kerberos_errors_spelled(text)
    with suppress(UsageError):
        refusals = reject_reasons_spelled(text)
    codes = Codes(statuses, kerberos, refusals, _reasons_named(text, "provider_reason"))
    if not any(codes):
        raise UsageError(f"{safe_text(text)!r} is no status of RPC, Windows, LDAP or Kerberos, and no reject reason")
    return codes


def _ldap_results_named(text: str) -> frozenset[int]:
    wanted = text.strip().casefold()
    return frozenset(
        value
        for (kind, value), fact in tables.security_providers().items()
        if kind == "ldap_result" and isinstance(value, int) and fact.name.casefold() == wanted
    )


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
    found = _reasons_named(text, "bind_nak")
    if not found:
        raise UsageError(f"{safe_text(text)!r} is no reject reason of a bind_nak")
    return found


def _reasons_named(text: str, wanted_kind: str) -> frozenset[int]:
    wanted = text.strip().casefold()
    return frozenset(
        value
        for (kind, value), fact in tables.reject_reasons().items()
        if kind == wanted_kind and isinstance(value, int)
        and wanted in (fact.name.casefold(), *(alias.name.casefold() for alias in fact.aliases))
    )  # fmt: skip


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
