"""Names and keys -> a keytab file of MIT Kerberos, version 5.2 (file format 0x0502)."""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack
from typing import NamedTuple

from builders.kerberos_crypto import Key


class Entry(NamedTuple):
    """Whose key of which version."""

    realm: str
    components: tuple[str, ...]
    kvno: int
    key: Key
    name_type: int = 1


def _counted(octets: bytes) -> bytes:
    return pack(">H", len(octets)) + octets


def keytab(entries: Iterable[Entry], timestamp_s: int) -> bytes:
    """Length, name, time, version, key, and the version again in 32 bits, of each entry."""
    octets = b"\x05\x02"
    for entry in entries:
        told = pack(">H", len(entry.components)) + _counted(entry.realm.encode())
        told += b"".join(_counted(component.encode()) for component in entry.components)
        told += pack(">IIB", entry.name_type, timestamp_s, entry.kvno & 0xFF)
        told += pack(">H", entry.key.etype) + _counted(entry.key.contents) + pack(">I", entry.kvno)
        octets += pack(">i", len(told)) + told
    return octets
