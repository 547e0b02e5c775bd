"""Security contexts of Kerberos whose tokens are real: AP-REQ, AP-REP, third leg, and calls that are really sealed
(RFC 4120 3.2, RFC 4121, [MS-KILE] 3.4.5)."""

from __future__ import annotations

from dataclasses import dataclass, field

from builders import CLIENT, SERVER, TcpConversation, dcerpc, der, filler, kerberos, spnego
from builders.dcerpc import Head, Result, Security, SyntaxId
from builders.kerberos_crypto import (
    AP_AUTHENTICATOR,
    AP_REPLY,
    Key,
    enc_ap_rep_part,
    encrypt,
    gss_authenticator,
    made_key,
)
from builders.sealing import KerberosSealer, sealed_request, sealed_response

from making.cast import MILLISECOND_NS
from making.credentials import Credential
from making.speech import ACCEPTED, HEADER_SIGNING, offered, say

MECHANISMS = (kerberos.MS_KRB5, kerberos.KRB5, spnego.NEGOEX, spnego.NTLMSSP)


def _number(label: str) -> int:
    return int.from_bytes(filler(f"sequence {label}", 4), "big") >> 2


@dataclass(slots=True)
class KerberosContext:
    """Both ends of one security context. `made_ns`: when the client made its authenticator."""

    credential: Credential
    made_ns: int
    ap_options: int = kerberos.MUTUAL_REQUIRED
    auth_type: int = dcerpc.SPNEGO
    context_id: int = 0
    label: str = field(init=False)
    sealer: KerberosSealer = field(init=False)

    def __post_init__(self) -> None:
        self.label = f"{self.credential.session.contents.hex()} {self.made_ns}"
        numbers = [_number(f"client {self.label}"), _number(f"server {self.label}")]
        self.sealer = KerberosSealer(self.acceptor_subkey, self.auth_type, numbers, self.context_id)

    @property
    def acceptor_subkey(self) -> Key:
        return made_key(f"acceptor {self.label}")

    def ap_req(self) -> bytes:
        told = gss_authenticator(
            self.credential.client, self.made_ns,
            subkey=made_key(f"initiator {self.label}"), sequence=_number(f"client {self.label}"),
        )  # fmt: skip
        session = self.credential.session
        cipher = encrypt(session, AP_AUTHENTICATOR, told, f"authenticator {self.label}")
        return kerberos.ap_req(
            self.credential.ticket, ap_options=self.ap_options, authenticator_etype=session.etype,
            authenticator_cipher=cipher,
        )  # fmt: skip

    def ap_rep(self) -> bytes:
        """The server's: its subkey and its first number."""
        return self._ap_rep(self.acceptor_subkey)

    def third_leg(self) -> bytes:
        """The client's own AP-REP in DCE style ([MS-KILE] 3.4.5.1): the server's number, no key."""
        return self._ap_rep(None)

    def _ap_rep(self, subkey: Key | None) -> bytes:
        part = enc_ap_rep_part(self.made_ns, subkey=subkey, sequence=_number(f"server {self.label}"))
        kind = "reply" if subkey is not None else "third"
        return kerberos.ap_rep(cipher=encrypt(self.credential.session, AP_REPLY, part, f"{kind} {self.label}"))

    def head(self, token: bytes, call_id: int = 2) -> Head:
        """Of a PDU that carries a token of this context."""
        return Head(call_id, HEADER_SIGNING, Security(self.auth_type, dcerpc.PRIVACY, token, self.context_id))

    def mechanism_list_mic(self, direction: int) -> bytes:
        """RFC 4178 5: over the list that the client had sent."""
        return self.sealer.mic(direction, der.sequence(*map(der.object_identifier, MECHANISMS)))

    def legs_after_ap_req(self) -> tuple[bytes, bytes, bytes]:
        """AP-REP, third leg, and what ends it, as tokens of the auth type."""
        if self.auth_type != dcerpc.SPNEGO:
            return self.ap_rep(), self.third_leg(), b""
        second = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, kerberos.MS_KRB5, self.ap_rep())
        third = spnego.neg_token_resp(
            spnego.ACCEPT_INCOMPLETE, None, self.third_leg(), mech_list_mic=self.mechanism_list_mic(CLIENT)
        )
        done = spnego.neg_token_resp(
            spnego.ACCEPT_COMPLETED, None, None, mech_list_mic=self.mechanism_list_mic(SERVER)
        )
        return second, third, done


def bind(conversation: TcpConversation, at_ns: int, interface: SyntaxId, context: KerberosContext) -> None:
    """The ordinary four PDUs of a Kerberos bind: AP-REQ, AP-REP, AP-REP of the client, done."""
    contexts = offered(interface)
    second, third, done = context.legs_after_ap_req()
    first = spnego.neg_token_init(MECHANISMS, context.ap_req())
    acknowledged = dcerpc.bind_ack(ACCEPTED, context.head(second), secondary_address=str(conversation.server[1]))
    for later, direction, octets in (
        (0, CLIENT, dcerpc.bind(contexts, context.head(first))),
        (2, SERVER, acknowledged),
        (3, CLIENT, dcerpc.alter_context(contexts[:1], context.head(third))),
        (4, SERVER, dcerpc.alter_context_resp([Result()], context.head(done))),
    ):
        say(conversation, at_ns + later * MILLISECOND_NS, direction, octets)


@dataclass(frozen=True, slots=True)
class SealedCall:
    """One call: what is asked, what is answered, and how long the server takes."""

    opnum: int
    asked: bytes
    told: bytes
    call_id: int
    object_uuid: str | None = None
    takes_ns: int = 12 * MILLISECOND_NS

    def speak(self, conversation: TcpConversation, at_ns: int, context: KerberosContext) -> None:
        asked = sealed_request(
            context.sealer, self.asked, self.call_id, opnum=self.opnum, object_uuid=self.object_uuid
        )
        say(conversation, at_ns, CLIENT, asked)
        say(conversation, at_ns + self.takes_ns, SERVER, sealed_response(context.sealer, self.told, self.call_id))
