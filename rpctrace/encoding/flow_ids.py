"""The ends of a flow -> the names by which other programs know it: its Community ID, and a uid in the form of Zeek's.

The Community ID (version 1, seed 0) is what Zeek, Suricata and Wireshark compute too, so logs can be joined by it. The
uid has the form of Zeek's and not its value, which is random there; here it follows from what was captured.
"""

from __future__ import annotations

from base64 import b64encode
from ipaddress import ip_address
from struct import pack

from rpctrace.encoding.digests import blake2b, sha1

End = tuple[str, int]  # address, port

_SEED = 0
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UID_DIGITS = 17
_UID_OCTETS = 12  # Zeek's own uids hold 96 bits


def community_id(protocol: int, one: End, other: End) -> str | None:
    """`1:` and 28 characters of base64, the same for both directions. `protocol`: IANA number, 6 or 17. None where an
    end has no IP address, or the two are not of one version.

    Source: Community ID Flow Hashing specification, version 1.
    """
    try:
        ends = sorted((ip_address(address).packed, port) for address, port in (one, other))
    except ValueError:
        return None
    (low, low_port), (high, high_port) = ends
    if len(low) != len(high):
        return None
    octets = pack("!H", _SEED) + low + high + pack("!BxHH", protocol, low_port & 0xFFFF, high_port & 0xFFFF)
    return f"1:{b64encode(sha1(octets, usedforsecurity=False).digest()).decode('ascii')}"


def uid(protocol: int, client: End, server: End, first_ns: int | None, *others: object) -> str:
    """`C` and 17 letters and digits: the same for the same ends and first time (and `others`) in every run."""
    what = repr((protocol, tuple(client), tuple(server), first_ns, *others)).encode("utf-8", "backslashreplace")
    number = int.from_bytes(blake2b(what, digest_size=_UID_OCTETS).digest(), "big")
    digits = []
    for _ in range(_UID_DIGITS):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "C" + "".join(digits)
