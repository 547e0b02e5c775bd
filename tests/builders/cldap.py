"""Domain controllers -> the ping by which a client finds one: LDAP over UDP ([MS-ADTS] 6.3.3)."""

from __future__ import annotations

from struct import pack

from builders import der, ldap
from builders.dns import encoded_name
from builders.filler import filler

VERSION = 0x2000_0016  # [MS-ADTS] 6.3.1.1: IPv4 site, extended answers
RESPONSE_EX = 23  # [MS-ADTS] 6.3.1.3 LOGON_SAM_LOGON_RESPONSE_EX
# [MS-ADTS] 6.3.1.2: global catalogue, LDAP, directory, KDC, time, closest, writable, full secrets, web service
SERVICES = 0x0000_31FC


def _equal(name: str, value: bytes) -> bytes:
    # RFC 4511 4.5.1 equalityMatch
    return der.tagged(0xA3, der.octet_string(name.encode()) + der.octet_string(value))


def ping(message_id: int, domain: str) -> bytes:
    """A search of the root for the attribute Netlogon, filtered by the domain and what the client can read."""
    chosen = der.tagged(0xA0, _equal("DnsDomain", domain.encode()) + _equal("NtVer", pack("<I", VERSION)))
    body = (
        der.octet_string(b"") + der.enumerated(0) + der.enumerated(0) + der.integer(0) + der.integer(0)
        + b"\x01\x01\x00" + chosen + der.sequence(der.octet_string(b"Netlogon"))
    )  # fmt: skip
    return ldap.message(message_id, der.application(3, body))


def answer(message_id: int, domain: str, forest: str, netbios_domain: str, host: str, site: str = "Main") -> bytes:
    """The entry with NETLOGON_SAM_LOGON_RESPONSE_EX ([MS-ADTS] 6.3.1.9), and that the search is done."""
    names = (forest, domain, f"{host}.{domain}", netbios_domain, host.upper(), "", site, site)
    told = pack("<HHI", RESPONSE_EX, 0, SERVICES) + filler(f"domain {domain}", 16)
    told += b"".join(encoded_name(name) if name else b"\0" for name in names)
    told += pack("<IHH", 5, 0xFFFF, 0xFFFF)
    value = der.tagged(0x31, der.octet_string(told))
    attribute = der.sequence(der.octet_string(b"netlogon"), value)
    entry = der.application(4, der.octet_string(b"") + der.sequence(attribute))
    done = der.application(5, der.enumerated(ldap.SUCCESS) + der.octet_string(b"") * 2)
    return ldap.message(message_id, entry) + ldap.message(message_id, done)
