"""Helpers of the KDC tests: messages of every kind as the builders write them, and octets as chunks in any cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain

from builders import der, filler, kerberos

from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.kerberos.connection import KdcConnection
from rpctrace.protocols.kerberos.exchange import KdcExchange
from rpctrace.protocols.kerberos.framing import FramedMessage, MessageFramer
from rpctrace.stream.stream import Chunk, Direction, Gap

REALM, OTHER_REALM = "CHILD.DOMAINA.COM", "DOMAINB.COM"
TILL_NS, FROM_NS, RTIME_NS = 1_900_000_000 * 10**9, 1_800_000_000 * 10**9, 1_950_000_000 * 10**9
ALICE = kerberos.principal("alice-a")
BOB = kerberos.principal("bob-a")
KRBTGT = kerberos.ticket_granting(REALM)
SERVICE = kerberos.principal("host", "app1.domainb.com")
TGT = kerberos.ticket(REALM, KRBTGT, kvno=2)
MACHINE_TGT = kerberos.ticket(REALM, KRBTGT, kvno=7, cipher=filler("machine", 900))
AUTHORIZATION = kerberos.encrypted_data(18, filler("authorization", 40))

AS_BODY = kerberos.KdcRequest(REALM, KRBTGT, TILL_NS, options=0x4081_0010, cname=ALICE, from_ns=FROM_NS,
                              rtime_ns=RTIME_NS)  # fmt: skip
TGS_BODY = kerberos.KdcRequest(REALM, SERVICE, TILL_NS, nonce=0xFFFF_FFF0)
U2U_BODY = kerberos.KdcRequest(REALM, BOB, TILL_NS, options=kerberos.WINDOWS_TGS_OPTIONS | kerberos.ENC_TKT_IN_SKEY,
                               additional_tickets=(MACHINE_TGT,), authorization_data=AUTHORIZATION)  # fmt: skip

AS_REQ = kerberos.as_req(
    AS_BODY,
    [kerberos.pa_enc_timestamp(), kerberos.pa_pac_request(True), kerberos.pa_pac_options(0xF100_0000),
     kerberos.pa_fx_fast_request(kerberos.ap_req(MACHINE_TGT, ap_options=0)), kerberos.padata(133, b"cookie"),
     kerberos.padata(16, der.sequence())],
)  # fmt: skip
TGS_REQ = kerberos.tgs_req(
    TGS_BODY,
    TGT,
    [kerberos.pa_fx_fast_request(None, etype=17), kerberos.pa_for_user(BOB, OTHER_REALM),
     kerberos.pa_s4u_x509_user(BOB, REALM)],
)  # fmt: skip
U2U_REQ = kerberos.tgs_req(U2U_BODY, TGT)
AS_REP = kerberos.as_rep(
    REALM, ALICE, TGT, preauthentication=[kerberos.pa_etype_info2((18, "CHILD.DOMAINA.COMalice-a"))]
)
TGS_REP = kerberos.tgs_rep(REALM, ALICE, kerberos.ticket(REALM, SERVICE, kvno=3))
REFERRAL = kerberos.tgs_rep(REALM, ALICE, kerberos.ticket(REALM, kerberos.ticket_granting(OTHER_REALM)))
METHOD_DATA = der.sequence(
    kerberos.padata(16, b""), kerberos.padata(2, b""), kerberos.pa_etype_info2((18, "salt"), (23, None)),
    kerberos.pa_fx_fast_reply(17),
)  # fmt: skip
PREAUTH_REQUIRED = kerberos.krb_error(25, REALM, KRBTGT, server_time_ns=FROM_NS, data=METHOD_DATA)
UNKNOWN_SERVICE = kerberos.krb_error(7, REALM, SERVICE, server_time_ns=FROM_NS)
CHANGEPW = kerberos.ticket(REALM, kerberos.principal("kadmin", "changepw", name_type=1), kvno=1)
KPASSWD_REQ = kerberos.kpasswd(kerberos.ap_req(CHANGEPW, ap_options=0), kerberos.krb_priv(), version=0xFF80)
KPASSWD_REP = kerberos.kpasswd(kerberos.ap_rep(), kerberos.krb_priv(80))
KPASSWD_ERROR = kerberos.kpasswd(
    kerberos.krb_error(
        60, REALM, kerberos.principal("kadmin", "changepw"), server_time_ns=FROM_NS,
        data=kerberos.kpasswd_result(4, "too short"),
    )
)  # fmt: skip
EVERY_MESSAGE = {
    "AS-REQ": AS_REQ, "TGS-REQ": TGS_REQ, "user-to-user": U2U_REQ, "AS-REP": AS_REP, "TGS-REP": TGS_REP,
    "referral": REFERRAL, "preauth-required": PREAUTH_REQUIRED, "service-unknown": UNKNOWN_SERVICE,
    "kpasswd": KPASSWD_REQ, "kpasswd-reply": KPASSWD_REP, "kpasswd-error": KPASSWD_ERROR,
}  # fmt: skip



def digest(ticket: bytes, cipher_octets: int) -> str:
    """The fingerprint of a ticket whose cipher, its end, is so long."""
    return blake2b(ticket[-cipher_octets:], digest_size=8).hexdigest()


CLIENT: Direction = 0
SERVER: Direction = 1


def pieces_of(octets: bytes, size: int) -> list[bytes]:
    return [octets[at : at + size] for at in range(0, len(octets), size)]


def stream(pieces: Iterable[bytes | int], direction: Direction = CLIENT) -> Iterator[Chunk | Gap]:
    """Chunks of a frame and a microsecond each; a number stands for so many octets that are missing."""
    offset = 0
    for frame, piece in enumerate(pieces, 1):
        if isinstance(piece, int):
            yield Gap(direction, offset, piece, frame)
            offset += piece
        else:
            yield Chunk(direction, offset, memoryview(piece), frame, frame * 1000)
            offset += len(piece)


def framed(framer: MessageFramer, pieces: Iterable[bytes | int]) -> list[FramedMessage]:
    told = [
        framer.gap(event) if isinstance(event, Gap) else framer.feed(event) for event in stream(pieces)
    ]
    return [*chain.from_iterable(told), *framer.close()]


def at_frame(frame: int) -> Provenance:
    return Provenance((frame,), frame * 1000, 0)


class Talk:
    """One connection under test: each message is a frame of its own."""

    def __init__(self, connection: KdcConnection) -> None:
        self.connection = connection
        self.frame = 0
        self.offsets = [0, 0]
        self.told: list[KdcExchange] = []

    def say(self, direction: Direction, *messages: bytes) -> Sequence[KdcExchange]:
        self.frame += 1
        octets = kerberos.over_tcp(*messages)
        chunk = Chunk(direction, self.offsets[direction], memoryview(octets), self.frame, self.frame * 1000)
        self.offsets[direction] += len(octets)
        told = self.connection.feed(chunk)
        self.told += told
        return told

    def lose(self, direction: Direction, length: int) -> Sequence[KdcExchange]:
        self.frame += 1
        told = self.connection.gap(Gap(direction, self.offsets[direction], length, self.frame))
        self.offsets[direction] += length
        self.told += told
        return told

    def end(self, *directions: Direction) -> Sequence[KdcExchange]:
        told = [each for direction in directions or (0, 1) for each in self.connection.end(direction)]
        self.told += told
        return told
