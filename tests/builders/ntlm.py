"""Names, flags and challenges -> NTLMSSP messages ([MS-NLMP] 2.2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack

from builders.filler import filler

SIGNATURE = b"NTLMSSP\0"
# [MS-NLMP] 2.2.2.5: unicode, request target, sign, NTLM, always sign, extended session security, version, 128, key
# exchange
DEFAULT_FLAGS = 0x6208_8215
TARGET_FLAGS = 0x0081_0000  # target type domain, target info
VERSION = bytes((6, 1)) + pack("<H", 7601) + b"\0\0\0\x0f"  # [MS-NLMP] 2.2.2.10: Windows 7 SP1

# [MS-NLMP] 2.2.2.1 AvId
AV_END, AV_NB_COMPUTER, AV_NB_DOMAIN, AV_DNS_COMPUTER, AV_DNS_DOMAIN, AV_DNS_TREE, AV_TIMESTAMP = 0, 1, 2, 3, 4, 5, 7


def _payload(header_octets: int, parts: Sequence[bytes]) -> tuple[list[bytes], bytes]:
    """The (length, maximum length, offset) descriptor of each part, and the payload behind the header."""
    descriptors = []
    offset = header_octets
    for part in parts:
        descriptors.append(pack("<HHI", len(part), len(part), offset))
        offset += len(part)
    return descriptors, b"".join(parts)


def negotiate(*, flags: int = DEFAULT_FLAGS, domain: str = "", workstation: str = "") -> bytes:
    """[MS-NLMP] 2.2.1.1 NEGOTIATE_MESSAGE; the names are OEM text."""
    (domain_fields, workstation_fields), payload = _payload(40, [domain.encode(), workstation.encode()])
    return SIGNATURE + pack("<II", 1, flags) + domain_fields + workstation_fields + VERSION + payload


def target_information(pairs: Sequence[tuple[int, str | bytes]]) -> bytes:
    """[MS-NLMP] 2.2.2.1 AV_PAIRs, ended by MsvAvEOL; text goes out as UTF-16LE."""
    listed = [(kind, value.encode("utf-16-le") if isinstance(value, str) else value) for kind, value in pairs]
    return b"".join(pack("<HH", kind, len(value)) + value for kind, value in [*listed, (AV_END, b"")])


def challenge(
    target: str,
    pairs: Sequence[tuple[int, str | bytes]] = (),
    *,
    server_challenge: bytes | None = None,
    flags: int = DEFAULT_FLAGS | TARGET_FLAGS,
) -> bytes:
    """[MS-NLMP] 2.2.1.2 CHALLENGE_MESSAGE."""
    asked = filler("server challenge", 8) if server_challenge is None else server_challenge
    information = target_information(pairs)
    (target_fields, information_fields), payload = _payload(56, [target.encode("utf-16-le"), information])
    return (
        SIGNATURE + pack("<I", 2) + target_fields + pack("<I", flags) + asked + bytes(8) + information_fields
        + VERSION + payload
    )  # fmt: skip


def authenticate(
    domain: str,
    user: str,
    workstation: str,
    *,
    lm_response: bytes = bytes(24),
    nt_response: bytes | None = None,
    session_key: bytes | None = None,
    flags: int = DEFAULT_FLAGS,
    mic: bytes | None = None,
) -> bytes:
    """[MS-NLMP] 2.2.1.3 AUTHENTICATE_MESSAGE; a `mic` of 16 octets stands between the header and the payload."""
    parts = [
        lm_response,
        filler("nt response", 24) if nt_response is None else nt_response,
        domain.encode("utf-16-le"),
        user.encode("utf-16-le"),
        workstation.encode("utf-16-le"),
        filler("ntlm session key", 16) if session_key is None else session_key,
    ]
    middle = mic or b""
    descriptors, payload = _payload(72 + len(middle), parts)
    return SIGNATURE + pack("<I", 3) + b"".join(descriptors) + pack("<I", flags) + VERSION + middle + payload
