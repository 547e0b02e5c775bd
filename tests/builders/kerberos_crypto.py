"""Made keys -> what Kerberos encrypts, really encrypted (RFC 3961, 3962, 4120 5, 4121): tickets, proofs, replies.

The same octets in every run: confounders come out of a label, keys out of passwords or labels. impacket is the cipher.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import pbkdf2_hmac
from struct import pack
from typing import NamedTuple

from impacket.krb5 import crypto

from builders import der, kerberos
from builders.filler import filler
from builders.kerberos import AES128, AES256, RC4, Principal

SECOND_NS = 1_000_000_000
# RFC 4120 7.5.1, RFC 4121 2, [MS-PAC] 2.8: key usages
PA_TIMESTAMP, TICKET, AS_REPLY, TGS_CHECKSUM, TGS_AUTHENTICATOR, TGS_REPLY = 1, 2, 3, 6, 7, 8
AP_AUTHENTICATOR, AP_REPLY, PAC_CHECKSUM = 11, 12, 17
ACCEPTOR_SEAL, ACCEPTOR_SIGN, INITIATOR_SEAL, INITIATOR_SIGN = 22, 23, 24, 25
# RFC 3962 7, RFC 4757 4
CHECKSUM_TYPES = {AES256: 16, AES128: 15, RC4: -138}
CONFOUNDER_OCTETS = {AES256: 16, AES128: 16, RC4: 8}
KEY_OCTETS = {AES256: 32, AES128: 16, RC4: 16}
CHECKSUM_OCTETS = 12  # of the AES types
GSS_CHECKSUM = 0x8003  # RFC 4121 4.1.1
# RFC 4121 4.1.1.1, [MS-KILE] 3.2.5.2: mutual, replay, sequence, confidentiality, integrity, DCE style
DCE_STYLE_FLAGS = 0x103E
# RFC 4120 5.3: forwardable, renewable, pre-authenticated; RFC 4120 2.7: what a KDC says when transit was checked
TICKET_FLAGS, TRANSIT_CHECKED = 0x40A0_0000, 0x0008_0000
IF_RELEVANT, ETYPE_NEGOTIATION, TOKEN_RESTRICTIONS = 1, 129, 141  # RFC 4120 7.5.4, RFC 4537 3, [MS-KILE] 3.4.5.3


class Key(NamedTuple):
    """RFC 4120 5.2.9 EncryptionKey."""

    etype: int
    contents: bytes

    def encode(self) -> bytes:
        return der.sequence(der.context(0, der.integer(self.etype)), der.context(1, der.octet_string(self.contents)))


def made_key(label: str, etype: int = AES256) -> Key:
    """A random key that is the same in every run."""
    return Key(etype, filler(f"key {label}", KEY_OCTETS[etype]))


@cache
def password_key(password: str, salt: str, etype: int = AES256) -> Key:
    """RFC 3962 4 (PBKDF2 of the standard library: a hundred times as fast as that of impacket), or RFC 4757 2,
    which has no salt."""
    if etype == RC4:
        return Key(etype, bytes(crypto.string_to_key(etype, password, salt).contents))
    seed = pbkdf2_hmac("sha1", password.encode(), salt.encode(), 4096, KEY_OCTETS[etype])
    return derived(Key(etype, seed), b"kerberos")


def derived(key: Key, constant: bytes) -> Key:
    """RFC 3961 5.1 DK, with the keys of a usage in 5.3."""
    profile = crypto._get_enctype_profile(key.etype)
    return Key(key.etype, bytes(profile.derive(crypto.Key(*key), constant).contents))


def encrypt(key: Key, usage: int, plaintext: bytes, label: str) -> bytes:
    """RFC 3961 5.3 or RFC 4757 3; the confounder is made of `label`."""
    confounder = filler(f"confounder {label}", CONFOUNDER_OCTETS[key.etype])
    return bytes(crypto.encrypt(crypto.Key(*key), usage, plaintext, confounder))


def decrypt(key: Key, usage: int, ciphertext: bytes) -> bytes:
    """The way back, for tests.

    Raises:
        impacket.krb5.crypto.InvalidChecksum: the key or the usage is another one, or an octet was changed.
    """
    return bytes(crypto.decrypt(crypto.Key(*key), usage, ciphertext))


def checksum(key: Key, usage: int, octets: bytes) -> bytes:
    """The checksum that goes with the encryption type of the key."""
    return bytes(crypto.make_checksum(CHECKSUM_TYPES[key.etype] & 0xFFFF_FFFF, crypto.Key(*key), usage, octets))


def checksum_element(kind: int, octets: bytes) -> bytes:
    """RFC 4120 5.2.9 Checksum."""
    return der.sequence(der.context(0, der.integer(kind)), der.context(1, der.octet_string(octets)))


def authorization_data(*items: tuple[int, bytes]) -> bytes:
    """RFC 4120 5.2.6 AuthorizationData, of (ad-type, ad-data)."""
    return der.sequence(*(
        der.sequence(der.context(0, der.integer(kind)), der.context(1, der.octet_string(data))) for kind, data in items
    ))  # fmt: skip


def if_relevant(*items: tuple[int, bytes]) -> bytes:
    """RFC 4120 5.2.6.1: the items as ignorable ones."""
    return authorization_data((IF_RELEVANT, authorization_data(*items)))


class Client(NamedTuple):
    """Who a ticket is for."""

    realm: str
    name: Principal

    def __str__(self) -> str:
        return f"{'/'.join(map(str, self.name.components))}@{self.realm}"


@dataclass(frozen=True, slots=True)
class Validity:
    """RFC 4120 5.3: the times of a ticket, nanoseconds since 1970."""

    authenticated_ns: int
    start_ns: int
    end_ns: int
    renew_till_ns: int


def enc_ticket_part(
    client: Client, session: Key, validity: Validity, *, flags: int, transited: str = "", authorization: bytes | None
) -> bytes:
    """RFC 4120 5.3 EncTicketPart."""
    path = der.sequence(
        der.context(0, der.integer(1 if transited else 0)), der.context(1, der.octet_string(transited.encode()))
    )
    return der.application(3, der.sequence(
        der.context(0, der.bit_string_32(flags)),
        der.context(1, session.encode()),
        der.context(2, der.general_string(client.realm)),
        der.context(3, client.name.encode()),
        der.context(4, path),
        der.context(5, der.generalized_time(validity.authenticated_ns)),
        der.context(6, der.generalized_time(validity.start_ns)),
        der.context(7, der.generalized_time(validity.end_ns)),
        der.context(8, der.generalized_time(validity.renew_till_ns)),
        der.context(10, authorization),
    ))  # fmt: skip


def enc_kdc_rep_part(
    number: int, session: Key, validity: Validity, realm: str, sname: Principal, *, nonce: int, flags: int
) -> bytes:
    """RFC 4120 5.4.2 EncKDCRepPart: 25 of an AS-REP, 26 of a TGS-REP. Windows' last-req has one entry of type 0."""
    last = der.sequence(
        der.context(0, der.integer(0)), der.context(1, der.generalized_time(validity.start_ns))
    )
    return der.application(number, der.sequence(
        der.context(0, session.encode()),
        der.context(1, der.sequence(last)),
        der.context(2, der.integer(nonce)),
        der.context(4, der.bit_string_32(flags)),
        der.context(5, der.generalized_time(validity.authenticated_ns)),
        der.context(6, der.generalized_time(validity.start_ns)),
        der.context(7, der.generalized_time(validity.end_ns)),
        der.context(8, der.generalized_time(validity.renew_till_ns)),
        der.context(9, der.general_string(realm)),
        der.context(10, sname.encode()),
    ))  # fmt: skip


def enc_timestamp(time_ns: int) -> bytes:
    """RFC 4120 5.2.7.2 PA-ENC-TS-ENC."""
    return der.sequence(
        der.context(0, der.generalized_time(time_ns)), der.context(1, der.integer(_microseconds(time_ns)))
    )


def authenticator(
    client: Client,
    time_ns: int,
    *,
    cksum: tuple[int, bytes] | None = None,
    subkey: Key | None = None,
    sequence: int | None = None,
    authorization: bytes | None = None,
) -> bytes:
    """RFC 4120 5.5.1 Authenticator; `cksum` is its type and octets."""
    return der.application(2, der.sequence(
        der.context(0, der.integer(5)),
        der.context(1, der.general_string(client.realm)),
        der.context(2, client.name.encode()),
        der.context(3, None if cksum is None else checksum_element(*cksum)),
        der.context(4, der.integer(_microseconds(time_ns))),
        der.context(5, der.generalized_time(time_ns)),
        der.context(6, None if subkey is None else subkey.encode()),
        der.context(7, None if sequence is None else der.integer(sequence)),
        der.context(8, authorization),
    ))  # fmt: skip


def gss_authenticator(client: Client, time_ns: int, *, subkey: Key, sequence: int) -> bytes:
    """RFC 4121 4.1.1, as Windows writes it: no channel bindings, the flags, the encryption types that it can do, and
    the integrity of the token that asks (medium, [MS-KILE] 2.2.5 LSAP_TOKEN_INFO_INTEGRITY)."""
    bindings = pack("<I16xI", 16, DCE_STYLE_FLAGS)
    restrictions = der.sequence(der.sequence(
        der.context(0, der.integer(0)),
        der.context(1, der.octet_string(pack("<II", 0, 0x2000) + filler("machine id", 32))),
    ))  # fmt: skip
    etypes = der.sequence(*map(der.integer, (AES256, AES128, RC4)))
    told = if_relevant((ETYPE_NEGOTIATION, etypes), (TOKEN_RESTRICTIONS, restrictions))
    return authenticator(
        client, time_ns, cksum=(GSS_CHECKSUM, bindings), subkey=subkey, sequence=sequence, authorization=told
    )


def enc_ap_rep_part(time_ns: int, *, subkey: Key | None = None, sequence: int | None = None) -> bytes:
    """RFC 4120 5.5.2 EncAPRepPart."""
    return der.application(27, der.sequence(
        der.context(0, der.generalized_time(time_ns)),
        der.context(1, der.integer(_microseconds(time_ns))),
        der.context(2, None if subkey is None else subkey.encode()),
        der.context(3, None if sequence is None else der.integer(sequence)),
    ))  # fmt: skip


def keyed_tgs_req(
    body: kerberos.KdcRequest, ticket: bytes, session: Key, client: Client, time_ns: int, further: Sequence[bytes] = ()
) -> bytes:
    """RFC 4120 5.4.1, 7.5.1: a TGS-REQ whose authenticator holds the checksum of the body."""
    summed = CHECKSUM_TYPES[session.etype], checksum(session, TGS_CHECKSUM, body.encode())
    proof = encrypt(session, TGS_AUTHENTICATOR, authenticator(client, time_ns, cksum=summed), f"tgs {client} {time_ns}")
    presented = kerberos.ap_req(ticket, ap_options=0, authenticator_etype=session.etype, authenticator_cipher=proof)
    return kerberos.tgs_req(body, ticket, further, presented=presented)


def _microseconds(time_ns: int) -> int:
    return time_ns // 1000 % 1_000_000
