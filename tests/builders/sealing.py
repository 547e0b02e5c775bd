"""Clear PDUs -> sealed ones: per-message tokens of Kerberos (RFC 4121, [MS-KILE] 3.4.5.4) and of Netlogon ([MS-NRPC]
3.3.4.2), which a receiver with the keys can open. impacket and the cipher that it brings do the arithmetic.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from struct import pack
from typing import Protocol

from Cryptodome.Cipher import AES
from impacket.krb5 import crypto

from builders.dcerpc import Head, PduType, Pfc, Security, request, response
from builders.filler import filler
from builders.kerberos_crypto import (
    ACCEPTOR_SEAL,
    ACCEPTOR_SIGN,
    CONFOUNDER_OCTETS,
    INITIATOR_SEAL,
    INITIATOR_SIGN,
    Key,
    checksum,
    derived,
)

TRAILER_OCTETS = 8  # [MS-RPCE] 2.2.2.11 sec_trailer
# RFC 4121 4.2.2
SENT_BY_ACCEPTOR, SEALED, ACCEPTOR_SUBKEY = 1, 2, 4
CFX_HEADER_OCTETS, CFX_MAC_OCTETS = 16, 12
EXTRA_COUNT = 16  # [MS-KILE] 3.4.5.4.1: filler octets of a sealed token in DCE style
ROTATION = 28  # RFC 4121 4.2.5: header copy and checksum, so that the data stays in its place
CFX_TOKEN_OCTETS = CFX_HEADER_OCTETS + CONFOUNDER_OCTETS[18] + EXTRA_COUNT + ROTATION
NETLOGON_TOKEN_OCTETS = 56  # [MS-NRPC] 2.2.1.3.3 NL_AUTH_SHA2_SIGNATURE


class Sealer(Protocol):
    """What protects the PDUs of one security context: how long its tokens are, and how it seals."""

    auth_type: int
    context_id: int
    token_octets: int

    def seal(self, direction: int, header: bytes, data: bytes, trailer: bytes) -> tuple[bytes, bytes]:
        """Sealed data of the same length, and the token. `direction`: 0 from the client, 1 from the server."""
        ...


STUB_ALIGNMENT = 16  # of the stub by itself, as Windows and Samba pad it


def _privacy(sealer: Sealer, padding: int) -> Security:
    # the padding is sealed with the stub, so it stands there already
    token = bytes(sealer.token_octets)
    return Security(sealer.auth_type, 6, token, sealer.context_id, alignment=1, pad_length=padding)


def sealed_request(
    sealer: Sealer, stub: bytes, call_id: int, *, opnum: int, context_id: int = 0, object_uuid: str | None = None
) -> bytes:
    """A request whose stub only the server can read."""
    padding = -len(stub) % STUB_ALIGNMENT
    head = Head(call_id, security=_privacy(sealer, padding))
    clear = request(
        stub + bytes(padding), head, opnum=opnum, context_id=context_id, object_uuid=object_uuid, alloc_hint=len(stub)
    )
    return _sealed(sealer, 0, clear)


def sealed_response(sealer: Sealer, stub: bytes, call_id: int, *, context_id: int = 0) -> bytes:
    """A response whose stub only the client can read."""
    padding = -len(stub) % STUB_ALIGNMENT
    head = Head(call_id, security=_privacy(sealer, padding))
    return _sealed(sealer, 1, response(stub + bytes(padding), head, context_id=context_id, alloc_hint=len(stub)))


def stub_at(octets: bytes) -> int:
    """Where the stub of a request or response begins: behind header and, if there is one, object UUID."""
    has_object = octets[2] == PduType.REQUEST and octets[3] & Pfc.OBJECT_UUID
    return 40 if has_object else 24


def _sealed(sealer: Sealer, direction: int, octets: bytes) -> bytes:
    start, end = stub_at(octets), len(octets) - sealer.token_octets - TRAILER_OCTETS
    trailer = octets[end : end + TRAILER_OCTETS]
    data, token = sealer.seal(direction, octets[:start], octets[start:end], trailer)
    return octets[:start] + data + trailer + token


@dataclass(slots=True)
class KerberosSealer:
    """RFC 4121 4.2.4 Wrap tokens under the acceptor's subkey, header and trailer signed with the data. `sequence`: the
    next number of each direction."""

    subkey: Key
    auth_type: int
    sequence: list[int]
    context_id: int = 0
    token_octets: int = field(default=CFX_TOKEN_OCTETS, init=False)

    def seal(self, direction: int, header: bytes, data: bytes, trailer: bytes) -> tuple[bytes, bytes]:
        number = self._next(direction)
        flags = ACCEPTOR_SUBKEY | SEALED | direction * SENT_BY_ACCEPTOR
        usage = ACCEPTOR_SEAL if direction else INITIATOR_SEAL
        told = pack(">HBBHHQ", 0x0504, flags, 0xFF, EXTRA_COUNT, 0, number)
        confounder = filler(f"wrap {self.subkey.contents.hex()} {direction} {number}", 16)
        extra = b"\xff" * EXTRA_COUNT
        enciphering, integrity = _of_usage(self.subkey, usage, 0xAA), _of_usage(self.subkey, usage, 0x55)
        cipher = _cts(enciphering, confounder + data + extra + told)
        summed = confounder + header + data + trailer + extra + told
        mac = hmac.digest(integrity.contents, summed, "sha1")[:CFX_MAC_OCTETS]
        behind = cipher[16 + len(data) :] + mac
        written = told[:6] + pack(">H", ROTATION) + told[8:]
        return cipher[16 : 16 + len(data)], written + behind + cipher[:16]

    def mic(self, direction: int, octets: bytes) -> bytes:
        """RFC 4121 4.2.6.1 MIC token."""
        number = self._next(direction)
        flags = ACCEPTOR_SUBKEY | direction * SENT_BY_ACCEPTOR
        told = pack(">HB5sQ", 0x0404, flags, b"\xff" * 5, number)
        return told + checksum(self.subkey, ACCEPTOR_SIGN if direction else INITIATOR_SIGN, octets + told)

    def _next(self, direction: int) -> int:
        number = self.sequence[direction]
        self.sequence[direction] += 1
        return number


def _of_usage(key: Key, usage: int, constant: int) -> Key:
    # RFC 3961 5.3: 0xAA enciphers, 0x55 is for integrity
    return derived(key, pack(">IB", usage, constant))


def _cts(key: Key, octets: bytes) -> bytes:
    return bytes(crypto._get_enctype_profile(key.etype).basic_encrypt(crypto.Key(*key), octets))


def opened(subkey: Key, direction: int, octets: bytes) -> bytes:
    """The stub with its padding of a PDU that `KerberosSealer` sealed, for tests.

    Raises:
        ValueError: the checksum over header, data and trailer is another one.
    """
    start, end = stub_at(octets), len(octets) - CFX_TOKEN_OCTETS - TRAILER_OCTETS
    token = octets[end + TRAILER_OCTETS :]
    usage = ACCEPTOR_SEAL if direction else INITIATOR_SEAL
    behind, confounder = token[16:60], token[60:]
    cipher = confounder + octets[start:end] + behind[:-CFX_MAC_OCTETS]
    enciphering, integrity = _of_usage(subkey, usage, 0xAA), _of_usage(subkey, usage, 0x55)
    profile = crypto._get_enctype_profile(subkey.etype)
    clear = bytes(profile.basic_decrypt(crypto.Key(*enciphering), cipher))
    data, tail = clear[16 : 16 + end - start], clear[16 + end - start :]
    summed = clear[:16] + octets[:start] + data + octets[end : end + TRAILER_OCTETS] + tail
    if hmac.digest(integrity.contents, summed, "sha1")[:CFX_MAC_OCTETS] != behind[-CFX_MAC_OCTETS:]:
        raise ValueError("checksum")
    return data


# Netlogon ([MS-NRPC] 3.1.4.3, 3.1.4.4, 3.3.4.2)


def cfb8(key: bytes, start: bytes, octets: bytes) -> bytes:
    """AES-128 in CFB mode of 8 bits, as Netlogon uses it."""
    return AES.new(key, AES.MODE_CFB, start).encrypt(octets)


def netlogon_session_key(nt_hash: bytes, client_challenge: bytes, server_challenge: bytes) -> bytes:
    """[MS-NRPC] 3.1.4.3.1."""
    return hmac.digest(nt_hash, client_challenge + server_challenge, sha256)[:16]


def netlogon_credential(session_key: bytes, challenge: bytes) -> bytes:
    """[MS-NRPC] 3.1.4.4.1."""
    return cfb8(session_key, bytes(16), challenge)


@dataclass(slots=True)
class NetlogonSealer:
    """[MS-NRPC] 3.3.4.2.1 with AES: NL_AUTH_SHA2_SIGNATURE. One number counts the messages of both directions."""

    session_key: bytes
    number: int = 0
    auth_type: int = 68
    context_id: int = 0
    token_octets: int = field(default=NETLOGON_TOKEN_OCTETS, init=False)

    def seal(self, direction: int, header: bytes, data: bytes, trailer: bytes) -> tuple[bytes, bytes]:
        del header, trailer  # Netlogon does not sign them
        told = pack("<HHHH", 0x0013, 0x001A, 0xFFFF, 0)
        confounder = filler(f"netlogon confounder {self.session_key.hex()} {self.number}", 8)
        copy = pack(">II", self.number, 0 if direction else 0x8000_0000)
        self.number += 1
        summed = hmac.digest(self.session_key, told + confounder + data, sha256)[:8]
        inverted = bytes(octet ^ 0xF0 for octet in self.session_key)
        sealed = cfb8(inverted, copy * 2, confounder + data)
        return sealed[8:], told + cfb8(self.session_key, summed * 2, copy) + summed + sealed[:8] + bytes(24)


def netlogon_opened(session_key: bytes, octets: bytes) -> bytes:
    """The stub with its padding of a PDU that `NetlogonSealer` sealed, for tests.

    Raises:
        ValueError: the checksum is another one.
    """
    start, end = stub_at(octets), len(octets) - NETLOGON_TOKEN_OCTETS - TRAILER_OCTETS
    token = octets[end + TRAILER_OCTETS :]
    summed = token[16:24]
    copy = AES.new(session_key, AES.MODE_CFB, summed * 2).decrypt(token[8:16])
    inverted = bytes(octet ^ 0xF0 for octet in session_key)
    clear = AES.new(inverted, AES.MODE_CFB, copy * 2).decrypt(token[24:32] + octets[start:end])
    if hmac.digest(session_key, token[:8] + clear, sha256)[:8] != summed:
        raise ValueError("checksum")
    return clear[8:]
