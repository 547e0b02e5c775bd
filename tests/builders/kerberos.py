"""Names, numbers and ciphers -> Kerberos messages (RFC 4120, [MS-KILE], draft-swift-win2k-krb-user2user).

Nothing is encrypted here: what a key would protect is `filler`, or comes from `kerberos_crypto`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack

from builders import der
from builders.filler import filler

KRB5 = "1.2.840.113554.1.2.2"
MS_KRB5 = "1.2.840.48018.1.2.2"  # [MS-SPNG] 1.9: the wrong encoding that Windows 2000 shipped and all offer first
KRB5_USER_TO_USER = "1.2.840.113554.1.2.2.3"

NT_PRINCIPAL, NT_SRV_INST, NT_SRV_HST, NT_ENTERPRISE = 1, 2, 3, 10  # RFC 4120 6.2, RFC 6806 5
NT_MS_PRINCIPAL = -128  # as MIT Kerberos and Windows have it: DOMAIN\\user
AES256, AES128, RC4 = 18, 17, 23

# RFC 4120 5.5.1 ap-options
USE_SESSION_KEY, MUTUAL_REQUIRED = 0x4000_0000, 0x2000_0000
# RFC 4120 5.4.1 kdc-options; the first is what Windows asks for: forwardable, renewable, canonicalize
WINDOWS_TGS_OPTIONS, ENC_TKT_IN_SKEY = 0x4081_0000, 0x0000_0008

# RFC 4121 4.1 and draft-swift: the two octets behind the mechanism's identifier in a GSS frame
TOKEN_AP_REQ, TOKEN_AP_REP, TOKEN_ERROR = b"\x01\x00", b"\x02\x00", b"\x03\x00"
TOKEN_TGT_REQUEST, TOKEN_TGT_REPLY = b"\x04\x00", b"\x04\x01"

DEFAULT_CIPHER_LENGTH_OCTETS = 1024


@dataclass(frozen=True, slots=True)
class Principal:
    """RFC 4120 5.2.2 PrincipalName."""

    components: tuple[str | bytes, ...]
    name_type: int = NT_PRINCIPAL

    def encode(self) -> bytes:
        names = der.sequence(*map(der.general_string, self.components))
        return der.sequence(der.context(0, der.integer(self.name_type)), der.context(1, names))


def principal(*components: str | bytes, name_type: int | None = None) -> Principal:
    """A name; two components without a stated type make a service instance (2), one makes a principal (1)."""
    guessed = NT_PRINCIPAL if len(components) == 1 else NT_SRV_INST
    return Principal(components, guessed if name_type is None else name_type)


def ticket_granting(realm: str) -> Principal:
    """krbtgt/REALM."""
    return Principal(("krbtgt", realm), NT_SRV_INST)


def encrypted_data(etype: int, cipher: bytes, kvno: int | None = None) -> bytes:
    """RFC 4120 5.2.9 EncryptedData."""
    version = None if kvno is None else der.integer(kvno)
    return der.sequence(
        der.context(0, der.integer(etype)), der.context(1, version), der.context(2, der.octet_string(cipher))
    )


def ticket(
    realm: str | bytes, sname: Principal, *, etype: int = AES256, kvno: int | None = None, cipher: bytes | None = None
) -> bytes:
    """RFC 4120 5.3 Ticket. A user-to-user ticket has no kvno: its key is a session key."""
    if cipher is None:
        cipher = filler(f"ticket {realm!r} {sname.components!r}", DEFAULT_CIPHER_LENGTH_OCTETS)
    body = der.sequence(
        der.context(0, der.integer(5)),
        der.context(1, der.general_string(realm)),
        der.context(2, sname.encode()),
        der.context(3, encrypted_data(etype, cipher, kvno)),
    )
    return der.application(1, body)


def ap_req(
    ticket_octets: bytes,
    *,
    ap_options: int = MUTUAL_REQUIRED,
    authenticator_etype: int = AES256,
    authenticator_cipher: bytes | None = None,
) -> bytes:
    """RFC 4120 5.5.1 AP-REQ, not wrapped (DCE style, [MS-KILE] 3.4.5.1)."""
    cipher = filler("authenticator", 256) if authenticator_cipher is None else authenticator_cipher
    body = der.sequence(
        der.context(0, der.integer(5)),
        der.context(1, der.integer(14)),
        der.context(2, der.bit_string_32(ap_options)),
        der.context(3, ticket_octets),
        der.context(4, encrypted_data(authenticator_etype, cipher)),
    )
    return der.application(14, body)


def ap_rep(*, etype: int = AES256, cipher: bytes | None = None) -> bytes:
    """RFC 4120 5.5.2 AP-REP; 109 octets of cipher from a Windows server, 68 in the client's third leg."""
    octets = filler("ap-rep", 109) if cipher is None else cipher
    body = der.sequence(
        der.context(0, der.integer(5)), der.context(1, der.integer(15)), der.context(2, encrypted_data(etype, octets))
    )
    return der.application(15, body)


def krb_error(
    error_code: int,
    realm: str,
    sname: Principal,
    *,
    server_time_ns: int,
    server_microseconds: int = 0,
    client_time_ns: int | None = None,
    client_realm: str | None = None,
    cname: Principal | None = None,
    text: str | None = None,
    data: bytes | None = None,
) -> bytes:
    """RFC 4120 5.9.1 KRB-ERROR."""
    client_time = None if client_time_ns is None else der.generalized_time(client_time_ns)
    body = der.sequence(
        der.context(0, der.integer(5)),
        der.context(1, der.integer(30)),
        der.context(2, client_time),
        der.context(3, None if client_time_ns is None else der.integer(client_time_ns // 1000 % 1_000_000)),
        der.context(4, der.generalized_time(server_time_ns)),
        der.context(5, der.integer(server_microseconds)),
        der.context(6, der.integer(error_code)),
        der.context(7, None if client_realm is None else der.general_string(client_realm)),
        der.context(8, None if cname is None else cname.encode()),
        der.context(9, der.general_string(realm)),
        der.context(10, sname.encode()),
        der.context(11, None if text is None else der.general_string(text)),
        der.context(12, None if data is None else der.octet_string(data)),
    )
    return der.application(30, body)


def extended_error_data(ntstatus: int, flags: int = 1) -> bytes:
    """[MS-KILE] 2.2.1 KERB-EXT-ERROR inside 2.2.2 KERB-ERROR-DATA of type 3: what goes into e-data."""
    return der.sequence(
        der.context(1, der.integer(3)), der.context(2, der.octet_string(pack("<III", ntstatus, 0, flags)))
    )


@dataclass(frozen=True, slots=True)
class KdcRequest:
    """What is clear in a KDC-REQ-BODY (RFC 4120 5.4.1)."""

    realm: str
    sname: Principal
    till_ns: int
    options: int = WINDOWS_TGS_OPTIONS
    cname: Principal | None = None
    nonce: int = 0x1234_5678
    etypes: tuple[int, ...] = (AES256, AES128, RC4)
    additional_tickets: tuple[bytes, ...] = ()
    from_ns: int | None = None
    rtime_ns: int | None = None
    authorization_data: bytes | None = None

    def encode(self) -> bytes:
        from_time = None if self.from_ns is None else der.generalized_time(self.from_ns)
        rtime = None if self.rtime_ns is None else der.generalized_time(self.rtime_ns)
        extra = der.sequence(*self.additional_tickets) if self.additional_tickets else None
        return der.sequence(
            der.context(0, der.bit_string_32(self.options)),
            der.context(1, None if self.cname is None else self.cname.encode()),
            der.context(2, der.general_string(self.realm)),
            der.context(3, self.sname.encode()),
            der.context(4, from_time),
            der.context(5, der.generalized_time(self.till_ns)),
            der.context(6, rtime),
            der.context(7, der.integer(self.nonce)),
            der.context(8, der.sequence(*map(der.integer, self.etypes))),
            der.context(10, self.authorization_data),
            der.context(11, extra),
        )


def padata(kind: int, value: bytes) -> bytes:
    """RFC 4120 5.2.7 PA-DATA."""
    return der.sequence(der.context(1, der.integer(kind)), der.context(2, der.octet_string(value)))


def pa_enc_timestamp(etype: int = AES256) -> bytes:
    """RFC 4120 5.2.7.2."""
    return padata(2, encrypted_data(etype, filler("timestamp", 56)))


def pa_pac_request(include_pac: bool) -> bytes:
    """[MS-KILE] 2.2.3 KERB-PA-PAC-REQUEST."""
    return padata(128, der.sequence(der.context(0, der.tagged(0x01, b"\xff" if include_pac else b"\0"))))


def pa_pac_options(flags: int) -> bytes:
    """[MS-KILE] 2.2.10."""
    return padata(167, der.sequence(der.context(0, der.bit_string_32(flags))))


def pa_for_user(user: Principal, realm: str) -> bytes:
    """[MS-SFU] 2.2.1 PA-FOR-USER-ENC."""
    checksum = der.sequence(
        der.context(0, der.integer(-138)), der.context(1, der.octet_string(filler("for user", 16)))
    )
    return padata(
        129,
        der.sequence(
            der.context(0, user.encode()),
            der.context(1, der.general_string(realm)),
            der.context(2, checksum),
            der.context(3, der.general_string("Kerberos")),
        ),
    )


def pa_s4u_x509_user(user: Principal | None, realm: str, nonce: int = 7) -> bytes:
    """[MS-SFU] 2.2.2 PA-S4U-X509-USER."""
    user_id = der.sequence(
        der.context(0, der.integer(nonce)),
        der.context(1, None if user is None else user.encode()),
        der.context(2, der.general_string(realm)),
        der.context(4, der.bit_string_32(0x2000_0000)),
    )
    checksum = der.sequence(der.context(0, der.integer(16)), der.context(1, der.octet_string(filler("x509", 12))))
    return padata(130, der.sequence(der.context(0, user_id), der.context(1, checksum)))


def pa_fx_fast_request(armor: bytes | None, armor_type: int = 1, etype: int = AES256) -> bytes:
    """RFC 6113 5.4.2 PA-FX-FAST-REQUEST; `armor` is the AP-REQ, None where the ticket-granting ticket is the armor."""
    given = None
    if armor is not None:
        given = der.sequence(der.context(0, der.integer(armor_type)), der.context(1, der.octet_string(armor)))
    checksum = der.sequence(der.context(0, der.integer(16)), der.context(1, der.octet_string(filler("fast", 12))))
    inner = der.sequence(
        der.context(0, given), der.context(1, checksum), der.context(2, encrypted_data(etype, filler("fast req", 300)))
    )
    return padata(136, der.context(0, inner))


def pa_fx_fast_reply(etype: int = AES256) -> bytes:
    """RFC 6113 5.4.3 PA-FX-FAST-REPLY."""
    return padata(136, der.context(0, der.sequence(der.context(0, encrypted_data(etype, filler("fast rep", 200))))))


def pa_etype_info2(*entries: tuple[int, str | None]) -> bytes:
    """RFC 4120 5.2.7.5: encryption types and salts."""
    return padata(19, der.sequence(*(
        der.sequence(der.context(0, der.integer(etype)),
                     der.context(1, None if salt is None else der.general_string(salt)))
        for etype, salt in entries
    )))  # fmt: skip


def pa_etype_info(*entries: tuple[int, bytes | None]) -> bytes:
    """RFC 4120 5.2.7.4."""
    return padata(11, der.sequence(*(
        der.sequence(der.context(0, der.integer(etype)),
                     der.context(1, None if salt is None else der.octet_string(salt)))
        for etype, salt in entries
    )))  # fmt: skip


def _kdc_request(number: int, body: KdcRequest, preauthentication: Sequence[bytes]) -> bytes:
    # RFC 4120 5.4.1 KDC-REQ
    given = der.sequence(*preauthentication) if preauthentication else None
    request = der.sequence(
        der.context(1, der.integer(5)),
        der.context(2, der.integer(number)),
        der.context(3, given),
        der.context(4, body.encode()),
    )
    return der.application(number, request)


def as_req(body: KdcRequest, preauthentication: Sequence[bytes] = ()) -> bytes:
    """RFC 4120 5.4.1 AS-REQ."""
    return _kdc_request(10, body, preauthentication)


def tgs_req(
    body: KdcRequest, ticket_granting_ticket: bytes, further: Sequence[bytes] = (), presented: bytes | None = None
) -> bytes:
    """RFC 4120 5.4.1 TGS-REQ with the PA-TGS-REQ (1) that presents the ticket-granting ticket, and further PA-DATA.
    `presented`: the whole AP-REQ, where its authenticator is a real one."""
    if presented is None:
        presented = ap_req(ticket_granting_ticket, ap_options=0, authenticator_cipher=filler("tgs authenticator", 180))
    return _kdc_request(12, body, [padata(1, presented), *further])


def _kdc_reply(
    number: int,
    client_realm: str,
    cname: Principal,
    ticket_octets: bytes,
    cipher: bytes | None,
    preauthentication: Sequence[bytes] = (),
) -> bytes:
    # RFC 4120 5.4.2 KDC-REP
    octets = filler(f"kdc reply {client_realm}", 240) if cipher is None else cipher
    reply = der.sequence(
        der.context(0, der.integer(5)),
        der.context(1, der.integer(number)),
        der.context(2, der.sequence(*preauthentication) if preauthentication else None),
        der.context(3, der.general_string(client_realm)),
        der.context(4, cname.encode()),
        der.context(5, ticket_octets),
        der.context(6, encrypted_data(AES256, octets)),
    )
    return der.application(number, reply)


def as_rep(
    client_realm: str,
    cname: Principal,
    ticket_octets: bytes,
    cipher: bytes | None = None,
    preauthentication: Sequence[bytes] = (),
) -> bytes:
    """RFC 4120 5.4.2 AS-REP."""
    return _kdc_reply(11, client_realm, cname, ticket_octets, cipher, preauthentication)


def tgs_rep(client_realm: str, cname: Principal, ticket_octets: bytes, cipher: bytes | None = None) -> bytes:
    """RFC 4120 5.4.2 TGS-REP."""
    return _kdc_reply(13, client_realm, cname, ticket_octets, cipher)


def over_tcp(*messages: bytes) -> bytes:
    """RFC 4120 7.2.2: each message behind its length in four octets, network order."""
    return b"".join(pack(">I", len(message)) + message for message in messages)


def krb_priv(length_octets: int = 120) -> bytes:
    """RFC 4120 5.7.1 KRB-PRIV."""
    body = der.sequence(
        der.context(0, der.integer(5)),
        der.context(1, der.integer(21)),
        der.context(3, encrypted_data(AES256, filler("priv", length_octets))),
    )
    return der.application(21, body)


def kpasswd(message: bytes, private: bytes = b"", version: int = 1) -> bytes:
    """RFC 3244 2: an AP-REQ or AP-REP with a KRB-PRIV; a KRB-ERROR has neither KRB-PRIV nor a length of its own."""
    length = 0 if message[:1] == b"\x7e" else len(message)
    return pack(">HHH", 6 + len(message) + len(private), version, length) + message + private


def kpasswd_result(code: int, text: str = "") -> bytes:
    """RFC 3244 2: what stands in the e-data of the KRB-ERROR."""
    return pack(">H", code) + text.encode()


def tgt_request(server: Principal | None = None, realm: str | None = None) -> bytes:
    """draft-swift-win2k-krb-user2user 3: KERB-TGT-REQUEST (message type 16)."""
    return der.sequence(
        der.context(0, der.integer(5)),
        der.context(1, der.integer(16)),
        der.context(2, None if server is None else server.encode()),
        der.context(3, None if realm is None else der.general_string(realm)),
    )


def tgt_reply(ticket_octets: bytes) -> bytes:
    """draft-swift-win2k-krb-user2user 3: KERB-TGT-REPLY (message type 17)."""
    return der.sequence(der.context(0, der.integer(5)), der.context(1, der.integer(17)), der.context(2, ticket_octets))


def gss_frame(token_id: bytes, message: bytes, mechanism: str = KRB5) -> bytes:
    """RFC 2743 3.1 with RFC 4121 4.1: the frame around an initial context token of a mechanism."""
    return der.application(0, der.object_identifier(mechanism) + token_id + message)


def gss_tgt_request(server: Principal | None = None, realm: str | None = None) -> bytes:
    """KERB-TGT-REQUEST in its frame, as it stands in a SPNEGO mechToken."""
    return gss_frame(TOKEN_TGT_REQUEST, tgt_request(server, realm), KRB5_USER_TO_USER)


def gss_tgt_reply(ticket_octets: bytes) -> bytes:
    """KERB-TGT-REPLY in its frame, as it stands in a SPNEGO responseToken."""
    return gss_frame(TOKEN_TGT_REPLY, tgt_reply(ticket_octets), KRB5_USER_TO_USER)
