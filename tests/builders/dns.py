"""Names and addresses -> DNS queries and answers (RFC 1035 4), for captures that begin with name resolution."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from struct import pack

A, AAAA, SRV = 1, 28, 33


def encoded_name(name: str) -> bytes:
    """RFC 1035 3.1: labels behind their lengths."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split(".")) + b"\0"


def query(identifier: int, name: str, kind: int = A) -> bytes:
    """A recursive query for one name."""
    return pack(">6H", identifier, 0x0100, 1, 0, 0, 0) + encoded_name(name) + pack(">HH", kind, 1)


def address_record(address: str) -> bytes:
    """RDATA of A or AAAA."""
    return ipaddress.ip_address(address).packed


def service_record(target: str, port: int, priority: int = 0, weight: int = 100) -> bytes:
    """RDATA of SRV (RFC 2782)."""
    return pack(">HHH", priority, weight, port) + encoded_name(target)


def answer(identifier: int, name: str, records: Sequence[bytes], kind: int = A, seconds_to_live: int = 1200) -> bytes:
    """The answer to `query`; each record points back at the question's name. No records: the name does not exist."""
    flags = 0x8180 if records else 0x8183
    head = pack(">6H", identifier, flags, 1, len(records), 0, 0) + encoded_name(name) + pack(">HH", kind, 1)
    told = (pack(">HHHIH", 0xC00C, kind, 1, seconds_to_live, len(data)) + data for data in records)
    return head + b"".join(told)
