"""Names and addresses -> others that stand for them, the same for the same key, so that reports can be compared.

Structure is kept: a domain's child stays its child, hosts of a network stay in one network and a private address stays
private, a computer's name is the first label of its full name; `$`, `@`, `\\` and capitals stay where they are. What is
no name of anybody's (well-known services, pipes, accounts, addresses of every host) stays as it is.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from rpctrace.encoding.addresses import address_of

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
_KEPT_PARTS = PIPES | SHARES | {"pipe", "mailslot", ""}
_PLAIN_ADDRESSES = frozenset(map(ip_address, ("0.0.0.0", "255.255.255.255", "127.0.0.1", "::", "::1")))
# Networks whose addresses stay in them, because what they are for is seen by them (RFC 6890): private, link-local,
# loopback, unique local, for documentation; and what IPv6 gives to anybody (2000::/3).
_NETWORKS = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
            "::/96", "64:ff9b::/96", "2000::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "fc00::/8",
            "fd00::/8", "fe80::/64", "ff00::/8",
        ),
    )
)  # fmt: skip
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_SYLLABLES = 4
_EMBEDDED = re.compile(r"(?:[A-Za-z0-9._$@:-]|[^\x00-\x7f])+")
_BRACKETED = re.compile(r"\[([^\[\]]+)\]((?::\d{1,5})?)")
# A string binding ([MS-DCOM] 2.2.19.3): the host may be an address with colons, in brackets of its own or without.
_BINDING = re.compile(r"([a-z_]+|tower 0x[0-9a-f]{2}):(.*?)(?:\[([^\[\]]*)\])?", re.DOTALL)
# [MS-DTYP] 2.4.2.4: a SID of a domain or computer (S-1-5-21), and the relative id of an account there, which below 1000
# is one that Windows gives itself. All other SIDs are the same everywhere.
_SID = re.compile(r"(S-1-5-21)-(\d{1,10}-\d{1,10}-\d{1,10})(?:-(\d{1,10}))?", re.IGNORECASE)
_FIRST_GIVEN_RID = 1000
_ANY_SID = re.compile(r"S-1-\d{1,15}(?:-\d{1,10}){1,15}", re.IGNORECASE)


class Pseudonyms:
    """One key's names. Two names never share one: where they would, the later is given another."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._names: dict[str, str] = {}  # whole ones: a report has the same few in every record
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
        return known.upper() if text.isupper() else _with_capitals(known, text)

    def name(self, text: str | None) -> str | None:
        """A host, domain, realm, user or address, with `@`, `\\` and `$` where they are; None for None."""
        if text is None:
            return None
        known = self._names.get(text)
        if known is None:
            known = self._names[text] = self._named(text)
        return known

    def _named(self, text: str) -> str:
        if address_of(text) is not None:
            return self.address(text)
        if _ANY_SID.fullmatch(text):
            return self.sid(text)
        for sign in ("\\", "@", "/"):
            if sign in text:
                return sign.join(self.name(part) or "" for part in text.split(sign))
        if text.endswith("$"):
            bare = text.rstrip("$")
            return f"{self.name(bare)}{text[len(bare) :]}"
        return ".".join(map(self.label, text.split(".")))

    def sid(self, text: str) -> str:
        """A domain's accounts stay accounts of one domain."""
        match = _SID.fullmatch(text)
        if match is None:
            return text
        given = self._mac("domain", match[2])
        domain = "-".join(str(int.from_bytes(given[at : at + 4], "big")) for at in (0, 4, 8))
        if match[3] is None:
            return f"{match[1]}-{domain}"
        number = int(match[3])
        if number >= _FIRST_GIVEN_RID:
            number = _FIRST_GIVEN_RID + int.from_bytes(self._mac("account", text.upper())[:4], "big") // 2
        return f"{match[1]}-{domain}-{number}"

    def principal(self, parts: Iterable[str]) -> tuple[str, ...]:
        """A Kerberos name: the service class stays where it is a common one."""
        names = tuple(parts)
        if len(names) < 2:
            return names if names in (("krbtgt",), ("WELLKNOWN",)) else tuple(self.name(each) or "" for each in names)
        service = names[0] if names[0].casefold() in SERVICES else self.name(names[0]) or ""
        return (service, *(self.component(each) for each in names[1:]))

    def component(self, text: str) -> str:
        """host, host:port, [address]:port, or another service class."""
        if text.casefold() in SERVICES:
            return text
        if (bracketed := _BRACKETED.fullmatch(text)) is not None:
            return f"[{self.name(bracketed[1])}]{bracketed[2]}"
        if address_of(text) is not None:
            return self.address(text)
        host, colon, port = text.partition(":")
        return f"{self.name(host)}{colon}{port if port.isdigit() else self.label(port)}"

    def address(self, text: str) -> str:
        """An IPv4 or IPv6 address in the same network as others that were; anything else as a name."""
        address = address_of(text)
        if address is None:
            return self.name(text) or ""
        if address in _PLAIN_ADDRESSES or address.is_multicast:
            return text
        if isinstance(address, IPv4Address):
            return str(IPv4Address(bytes(self._walk(address))))
        if address.ipv4_mapped is not None:
            inner = IPv4Address(self.address(str(address.ipv4_mapped)))
            return str(IPv6Address(0xFFFF << 32 | int(inner)))
        return str(IPv6Address(b"".join(group.to_bytes(2, "big") for group in self._walk(address))))

    def path(self, text: str | None) -> str | None:
        """A pipe, a share, \\\\server\\share: well-known ones stay."""
        if text is None:
            return None
        parts = text.replace("/", "\\").split("\\")
        return "\\".join(
            part if part.casefold() in _KEPT_PARTS else self.name(part) or "" for part in parts
        )

    def within(self, text: str) -> str:
        """Every name in a text that is not ours: the words are gone, the signs between them stay."""
        return _EMBEDDED.sub(lambda match: self._word(match[0]), text)

    def _word(self, text: str) -> str:
        """A stop at a name's end is the sentence's."""
        bare = text.rstrip("._@:-")
        return f"{self.name(bare)}{text[len(bare) :]}"

    def binding(self, text: str) -> str:
        """ncacn_ip_tcp:host[port], ncacn_np:\\\\host[\\pipe\\name]"""
        match = _BINDING.fullmatch(text)
        if match is None:
            return self.within(text)
        protocol, host, endpoint = match.groups()
        bracketed = len(host) > 2 and host[0] == "[" and host[-1] == "]"
        host = f"[{self.name(host[1:-1])}]" if bracketed else self.name(host) or ""
        if endpoint is None:
            return f"{protocol}:{host}"
        return f"{protocol}:{host}[{endpoint if endpoint.isascii() and endpoint.isdigit() else self.path(endpoint)}]"

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

    def _walk(self, address: IPv4Address | IPv6Address) -> tuple[int, ...]:
        """Each part by what stands before it, so that equal beginnings stay equal (prefix-preserving), and into a
        number with which the address is in the same of `_NETWORKS`: a permutation comes round."""
        octets, width = address.packed, 1 if isinstance(address, IPv4Address) else 2
        parts = tuple(int.from_bytes(octets[at : at + width], "big") for at in range(0, len(octets), width))
        bits, walked = 8 * width, 0
        for place, part in enumerate(parts):
            prefix = (bits, *parts[:place])
            number = self._numbers.get((*prefix, part))
            if number is None:
                number = self._moved(part, bits, prefix, walked, len(parts) - place - 1)
                self._numbers[(*prefix, part)] = number
            walked = walked << bits | number
        return tuple(walked >> bits * (len(parts) - place - 1) & ((1 << bits) - 1) for place in range(len(parts)))

    def _moved(self, part: int, bits: int, prefix: tuple[int, ...], walked: int, left: int) -> int:
        """`left`: how many parts follow. A network that ends inside this part, or here, keeps it as it is."""
        version, rest = 4 if bits == 8 else 6, bits * left
        here = (walked << bits | part) << rest
        kinds = _kinds(version, here, rest)
        if kinds is None:
            return part
        number = self._permuted(part, bits, prefix)
        while _kinds(version, (walked << bits | number) << rest, rest) != kinds:
            number = self._permuted(number, bits, prefix)
        return number

    def _permuted(self, number: int, bits: int, prefix: tuple[int, ...]) -> int:
        """One of all numbers of so many bits, for each another: four rounds of a Feistel network."""
        half = bits // 2
        mask = (1 << half) - 1
        left, right = number >> half, number & mask
        for turn in range(4):
            mixed = self._mac("address", f"{prefix}:{turn}:{right}")
            left, right = right, left ^ (int.from_bytes(mixed[:2], "big") & mask)
        return left << half | right

    def _mac(self, purpose: str, text: str) -> bytes:
        message = f"{purpose}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, sha256).digest()


def _kinds(version: int, first: int, rest: int) -> tuple[bool, ...] | None:
    """In which of `_NETWORKS` the addresses from `first` on that share all but their last `rest` bits are; None where
    one of these lies among them, or is all of them."""
    inside = []
    for network in _NETWORKS:
        if network.version != version:
            continue
        host_bits = network.max_prefixlen - network.prefixlen
        if rest >= host_bits and first >> rest == int(network.network_address) >> rest:
            return None
        inside.append(first >> host_bits == int(network.network_address) >> host_bits)
    return tuple(inside)


def _with_capitals(made: str, text: str) -> str:
    """`made` with capitals where `text` has them."""
    places = {place % len(made) for place, sign in enumerate(text) if sign.isupper()}
    return "".join(sign.upper() if place in places else sign for place, sign in enumerate(made)) if places else made
