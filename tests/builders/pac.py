"""Who somebody is -> the PAC of their ticket ([MS-PAC] 2), signed with made keys."""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack

from builders.kerberos_crypto import CHECKSUM_OCTETS, CHECKSUM_TYPES, PAC_CHECKSUM, Key, checksum, if_relevant
from builders.ndr import Ndr, type_serialized
from builders.netlogon_rpc import counted

WIN2K_PAC = 128  # RFC 4120 7.5.4
LOGON_INFO, SERVER_CHECKSUM, KDC_CHECKSUM, CLIENT_INFO, UPN_DNS_INFO = 1, 6, 7, 10, 12  # [MS-PAC] 2.4
EPOCH_100NS = 116_444_736_000_000_000
NEVER = 0x7FFF_FFFF_FFFF_FFFF
GROUP_ATTRIBUTES = 7  # [MS-PAC] 2.2.1: mandatory, enabled by default, enabled
NORMAL_ACCOUNT = 0x10  # [MS-SAMR] 2.2.1.12
EXTRA_SIDS = 0x20  # [MS-PAC] 2.5 UserFlags D
AUTHORITY_ASSERTED = (18, 1)  # [MS-DTYP] 2.4.2.4 S-1-18-1


def filetime(time_ns: int) -> int:
    """[MS-DTYP] 2.3.3."""
    return time_ns // 100 + EPOCH_100NS


@dataclass(frozen=True, slots=True)
class Person:
    """An account, as its domain knows it. `domain_id`: the numbers of S-1-5-21-..."""

    user: str
    domain: str
    realm: str
    server: str
    domain_id: tuple[int, int, int]
    rid: int
    full_name: str = ""
    groups: tuple[int, ...] = (513,)


def _sid(ndr: Ndr, authority: int, *numbers: int) -> Ndr:
    ndr.u32(len(numbers)).u8(1).u8(len(numbers)).raw(authority.to_bytes(6, "big"))
    for number in numbers:
        ndr.u32(number)
    return ndr


def _time(ndr: Ndr, value: int) -> Ndr:
    return ndr.u32(value & 0xFFFF_FFFF).u32(value >> 32)


def logon_info(person: Person, logon_ns: int) -> bytes:
    """[MS-PAC] 2.5 KERB_VALIDATION_INFO, serialised as a type of its own with a pointer to it."""
    ndr = Ndr().pointer()
    changed = filetime(logon_ns) - 30 * 24 * 3600 * 10_000_000
    for moment in (filetime(logon_ns), NEVER, NEVER, changed, changed + 24 * 3600 * 10_000_000, NEVER):
        _time(ndr, moment)
    texts = (person.user, person.full_name, "", "", "", "")
    for text in texts:
        counted(ndr, text)
    ndr.u16(42).u16(0).u32(person.rid).u32(513).u32(len(person.groups)).pointer().u32(EXTRA_SIDS).raw(bytes(16))
    counted(counted(ndr, person.server), person.domain)
    ndr.pointer().raw(bytes(8)).u32(NORMAL_ACCOUNT).raw(bytes(28)).u32(1).pointer().pointer(False).u32(0).pointer(False)
    for text in texts:
        ndr.text(text, terminated=False)
    ndr.u32(len(person.groups))
    for group in person.groups:
        ndr.u32(group).u32(GROUP_ATTRIBUTES)
    ndr.text(person.server, terminated=False).text(person.domain, terminated=False)
    _sid(ndr.align(4), 5, 21, *person.domain_id)
    ndr.u32(1).pointer().u32(GROUP_ATTRIBUTES)
    return type_serialized(_sid(ndr, AUTHORITY_ASSERTED[0], AUTHORITY_ASSERTED[1]).done())


def client_info(person: Person, authenticated_ns: int) -> bytes:
    """[MS-PAC] 2.7 PAC_CLIENT_INFO: the ticket's authtime, in whole seconds, and the name."""
    name = person.user.encode("utf-16-le")
    return pack("<QH", filetime(authenticated_ns // 1_000_000_000 * 1_000_000_000), len(name)) + name


def upn_dns_info(person: Person) -> bytes:
    """[MS-PAC] 2.10 UPN_DNS_INFO."""
    upn, domain = (
        text.encode("utf-16-le") for text in (f"{person.user}@{person.realm.lower()}", person.realm.upper())
    )
    first = 16
    second = first + len(upn) + -len(upn) % 8
    return (pack("<HHHHII", len(upn), first, len(domain), second, 0, 0) + upn).ljust(second, b"\0") + domain


def pac(person: Person, authenticated_ns: int, server_key: Key, kdc_key: Key) -> bytes:
    """[MS-PAC] 2.3 PACTYPE, both signatures right (2.8.1 and 2.8.2)."""
    empty = bytes(CHECKSUM_OCTETS)
    unsigned = _laid_out(person, authenticated_ns, (server_key, empty), (kdc_key, empty))
    by_server = checksum(server_key, PAC_CHECKSUM, unsigned)
    by_kdc = checksum(kdc_key, PAC_CHECKSUM, by_server)
    return _laid_out(person, authenticated_ns, (server_key, by_server), (kdc_key, by_kdc))


def _laid_out(
    person: Person, authenticated_ns: int, server: tuple[Key, bytes], kdc: tuple[Key, bytes]
) -> bytes:
    buffers = [
        (LOGON_INFO, logon_info(person, authenticated_ns)),
        (CLIENT_INFO, client_info(person, authenticated_ns)),
        (UPN_DNS_INFO, upn_dns_info(person)),
        *((kind, pack("<i", CHECKSUM_TYPES[key.etype]) + octets)
          for kind, (key, octets) in ((SERVER_CHECKSUM, server), (KDC_CHECKSUM, kdc))),
    ]  # fmt: skip
    head = pack("<II", len(buffers), 0)
    at = len(head) + 16 * len(buffers)
    data = b""
    for kind, octets in buffers:
        head += pack("<IIQ", kind, len(octets), at + len(data))
        data += octets + bytes(-len(octets) % 8)
    return head + data


def signatures(octets: bytes) -> dict[int, bytes]:
    """The two checksums of a PAC by the type of their buffer."""
    found = {}
    for index in range(int.from_bytes(octets[:4], "little")):
        at = 8 + 16 * index
        kind, size = (int.from_bytes(octets[at + 4 * part : at + 4 * part + 4], "little") for part in (0, 1))
        offset = int.from_bytes(octets[at + 8 : at + 16], "little")
        if kind in (SERVER_CHECKSUM, KDC_CHECKSUM):
            found[kind] = octets[offset + 4 : offset + size]
    return found


def authorization(octets: bytes) -> bytes:
    """The PAC as it stands in a ticket ([MS-PAC] 2.1): ignorable authorization data."""
    return if_relevant((WIN2K_PAC, octets))


def verify_request(octets: bytes, signature_type: int = 16) -> bytes:
    """[MS-APDS] 2.2.4.1 KERB_VERIFY_PAC_REQUEST: message type 3 and both signatures of a PAC."""
    told = signatures(octets)
    first, second = told[SERVER_CHECKSUM], told[KDC_CHECKSUM]
    return pack("<IIiI", 3, len(first), signature_type, len(second)) + first + second
