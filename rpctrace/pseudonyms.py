"""Names and addresses -> others that stand for them, the same for the same key, so that reports can be compared.

Structure is kept: a domain's child stays its child, hosts of a network stay in one network, a computer's name is the
first label of its full name, `$`, `@` and `\\` stay where they are. Case is kept where a whole name has one. What is no
name of anybody's (well-known services, pipes, addresses of every host) stays as it is.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address

# Service classes that every domain has ([MS-ADTS] 3.1.1.3.4, RFC 4120): the first component of a service's name.
SERVICES = frozenset(
    (
        "host", "rpcss", "cifs", "ldap", "gc", "dns", "http", "krbtgt", "kadmin", "changepw", "dcom", "termsrv",
        "wsman", "restrictedkrbhost", "nfs", "mssqlsvc", "dfsr", "exchangemdb", "exchangeab", "exchangerfr",
        "smtp", "imap", "pop", "ftp", "e3514235-4b06-11d1-ab04-00c04fc2dcda", "wellknown", "anonymous",
    )
)  # fmt: skip
PIPES = frozenset(
    (
        "atsvc", "browser", "cert", "dhcpserver", "dnsserver", "efsrpc", "epmapper", "eventlog", "initshutdown",
        "keysvc", "lsarpc", "lsass", "msftewds", "netdfs", "netlogon", "ntsvcs", "plugplay",
        "protected_storage", "router", "samr", "scerpc", "spoolss", "srvsvc", "svcctl", "tapsrv", "trkwks",
        "w32time", "winreg", "winspipe", "wkssvc",
    )
)  # fmt: skip
SHARES = frozenset(("ipc$", "admin$", "c$", "print$", "netlogon", "sysvol"))
_PLAIN_ADDRESSES = frozenset(map(ip_address, ("0.0.0.0", "255.255.255.255", "127.0.0.1", "::", "::1")))
# What the first part of an address becomes: that of an ordinary unicast address, if it was one (RFC 6890).
_FIRST = {8: frozenset(range(1, 224)) - {127}, 16: range(1, 0xFE00)}
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_SYLLABLES = 4
_EMBEDDED = re.compile(r"[A-Za-z0-9._$@:-]*[A-Za-z0-9$]")


class Pseudonyms:
    """One key's names. Two names never share one: where they would, the later is given another."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._labels: dict[str, str] = {}
        self._taken: set[str] = set()
        self._numbers: dict[tuple[int, ...], int] = {}

    def label(self, text: str) -> str:
        """One label of a name: a computer, a user, a domain's part. Of nothing, nothing."""
        if not text:
            return text
        known = self._labels.get(text.casefold())
        if known is None:
            known = self._labels[text.casefold()] = self._new(text.casefold())
        return known.upper() if text.isupper() else known

    def name(self, text: str | None) -> str | None:
        """A host, domain, realm, user or address, with `@`, `\\` and `$` where they are; None for None."""
        if text is None:
            return None
        if (address := _address(text)) is not None:
            return self.address(text)
        for sign in ("\\", "@", "/"):
            if sign in text:
                return sign.join(self.name(part) or "" for part in text.split(sign))
        if text.endswith("$"):
            return f"{self.name(text[:-1])}$"
        return ".".join(map(self.label, text.split("."))) if address is None else text

    def principal(self, parts: Iterable[str]) -> tuple[str, ...]:
        """A Kerberos name: the service class stays where it is a common one."""
        names = tuple(parts)
        if len(names) < 2:
            return names if names in (("krbtgt",), ("WELLKNOWN",)) else tuple(self.name(each) or "" for each in names)
        service = names[0] if names[0].casefold() in SERVICES else self.name(names[0]) or ""
        return (service, *(self.component(each) for each in names[1:]))

    def component(self, text: str) -> str:
        """host, host:port, or another service class."""
        host, colon, port = text.partition(":")
        if text.casefold() in SERVICES:
            return text
        return f"{self.name(host)}{colon}{port if port.isdigit() else self.label(port)}"

    def address(self, text: str) -> str:
        """An IPv4 or IPv6 address in the same network as others that were; anything else as a name."""
        address = _address(text)
        if address is None:
            return self.name(text) or ""
        if address in _PLAIN_ADDRESSES or address.is_multicast:
            return text
        if isinstance(address, IPv4Address):
            return str(IPv4Address(bytes(self._walk(tuple(address.packed), 8, (4,)))))
        groups = tuple(int.from_bytes(address.packed[at : at + 2], "big") for at in range(0, 16, 2))
        if groups[0] == 0xFE80:  # every network has this one
            walked = (groups[0], *self._walk(groups[1:], 16, (6, groups[0])))
        else:
            walked = self._walk(groups, 16, (6,))
        return str(IPv6Address(b"".join(group.to_bytes(2, "big") for group in walked)))

    def path(self, text: str | None) -> str | None:
        """A pipe, a share, \\\\server\\share: well-known ones stay."""
        if text is None:
            return None
        parts = text.replace("/", "\\").split("\\")
        return "\\".join(
            part if part.casefold() in (*PIPES, *SHARES, "pipe", "", "mailslot") else self.name(part) or ""
            for part in parts
        )

    def within(self, text: str) -> str:
        """Every name in a text that is not ours: the words are gone, the signs between them stay."""
        return _EMBEDDED.sub(lambda match: self.name(match[0]) or "", text)

    def binding(self, text: str) -> str:
        """ncacn_ip_tcp:host[port]"""
        protocol, colon, rest = text.partition(":")
        host, bracket, port = rest.partition("[")
        return f"{protocol}:{self.name(host)}{bracket}{port}" if colon else self.name(text) or ""

    def digest(self, text: str | None) -> str | None:
        """A fingerprint that tells same from other, and leads back to nothing."""
        return None if text is None else self._mac("digest", text)[: max(8, len(text) // 2)].hex()[: len(text)]

    def _new(self, folded: str) -> str:
        for attempt in range(1000):
            drawn = self._mac("label", f"{attempt}:{folded}")
            made = "".join(
                _CONSONANTS[drawn[at] % len(_CONSONANTS)] + _VOWELS[drawn[at + 1] % len(_VOWELS)]
                for at in range(0, 2 * _SYLLABLES, 2)
            )
            if made not in self._taken:
                break
        self._taken.add(made)
        return made

    def _walk(self, parts: tuple[int, ...], bits: int, prefix: tuple[int, ...]) -> tuple[int, ...]:
        """Each part by what stands before it, so that equal beginnings stay equal (prefix-preserving)."""
        walked: list[int] = []
        for part in parts:
            fits = _FIRST[bits] if len(prefix) == 1 else None
            number = self._permuted(part, bits, prefix)
            while fits is not None and part in fits and number not in fits:  # a permutation comes round
                number = self._permuted(number, bits, prefix)
            walked.append(part if fits is not None and part not in fits else number)
            prefix = (*prefix, part)
        return tuple(walked)

    def _permuted(self, number: int, bits: int, prefix: tuple[int, ...]) -> int:
        """One of all numbers of so many bits, for each another: four rounds of a Feistel network."""
        key = (*prefix, -1, number)
        known = self._numbers.get(key)
        if known is not None:
            return known
        half = bits // 2
        mask = (1 << half) - 1
        left, right = number >> half, number & mask
        for turn in range(4):
            mixed = self._mac("address", f"{prefix}:{turn}:{right}")
            left, right = right, left ^ (int.from_bytes(mixed[:2], "big") & mask)
        made = self._numbers[key] = left << half | right
        return made

    def _mac(self, purpose: str, text: str) -> bytes:
        message = f"{purpose}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, sha256).digest()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
