"""Which tickets the expert has and gets: really encrypted, with a PAC signed by the KDC that issued them (RFC 4120 3.3,
3.7, [MS-PAC] 2.8)."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from builders import kerberos
from builders.filler import filler
from builders.kerberos import KdcRequest, Principal, principal
from builders.kerberos_crypto import (
    TGS_REPLY,
    TICKET,
    TICKET_FLAGS,
    TRANSIT_CHECKED,
    Client,
    Key,
    Validity,
    enc_kdc_rep_part,
    enc_ticket_part,
    encrypt,
    keyed_tgs_req,
    made_key,
)
from builders.pac import Person, authorization, pac

from making import keys
from making.cast import CHILD_REALM, NOVICE_NAME, PARENT_REALM, SERVER_REALM

HOUR_NS = 3_600_000_000_000
RPCSS = principal("RPCSS", NOVICE_NAME)
INITIAL = 0x0040_0000  # RFC 4120 5.3


class Credential(NamedTuple):
    """A ticket, and what its client knows of it. `pac` is what the ticket's server will find."""

    ticket: bytes
    session: Key
    client: Client
    realm: str
    sname: Principal
    validity: Validity
    flags: int
    pac: bytes


class Issuer(NamedTuple):
    """Which key seals the ticket, with its version (None: a session key has none), and which KDC signs the PAC."""

    sealing: Key
    kvno: int | None
    kdc: Key


def issue(
    person: Person,
    realm: str,
    sname: Principal,
    issuer: Issuer,
    start_ns: int,
    *,
    flags: int = 0,
    transited: str = "",
    issued_ns: int | None = None,
) -> Credential:
    """A ticket that the KDC of `realm` gives to `person`, who logged on three hours before `start_ns`."""
    issued = start_ns if issued_ns is None else issued_ns
    logged_on_ns = start_ns - 3 * HOUR_NS
    initial = bool(flags & INITIAL)
    validity = Validity(logged_on_ns, logged_on_ns if initial else issued, logged_on_ns + 10 * HOUR_NS,
                        logged_on_ns + 168 * HOUR_NS)  # fmt: skip
    client = Client(person.realm, principal(person.user))
    label = f"{client} {realm} {sname} {issued}"
    session = made_key(f"session {label}")
    signed = pac(person, logged_on_ns, issuer.sealing, issuer.kdc)
    every = TICKET_FLAGS | flags
    part = enc_ticket_part(
        client, session, validity, flags=every, transited=transited, authorization=authorization(signed)
    )
    sealed = encrypt(issuer.sealing, TICKET, part, f"ticket {label}")
    ticket = kerberos.ticket(realm, sname, etype=issuer.sealing.etype, kvno=issuer.kvno, cipher=sealed)
    return Credential(ticket, session, client, realm, sname, validity, every, signed)


@cache
def granting(person: Person, realm: str, start_ns: int) -> Credential:
    """The ticket-granting ticket of a logon to `realm`."""
    issuer = Issuer(keys.KRBTGT[realm], keys.KRBTGT_KVNO, keys.KRBTGT[realm])
    return issue(person, realm, kerberos.ticket_granting(realm), issuer, start_ns, flags=INITIAL)


@cache
def to_parent(start_ns: int) -> Credential:
    """The referral of CHILD.DOMAINA.COM to DOMAINA.COM."""
    issuer = Issuer(keys.tree_trust(), keys.TREE_TRUST_KVNO, keys.KRBTGT[CHILD_REALM])
    return issue(keys.EXPERT, CHILD_REALM, kerberos.ticket_granting(PARENT_REALM), issuer, start_ns)


@cache
def to_other_forest(start_ns: int) -> Credential:
    """The referral of DOMAINA.COM across the forest trust."""
    issuer = Issuer(keys.forest_trust(), keys.FOREST_TRUST_KVNO, keys.KRBTGT[PARENT_REALM])
    return issue(
        keys.EXPERT, PARENT_REALM, kerberos.ticket_granting(SERVER_REALM), issuer, start_ns, flags=TRANSIT_CHECKED
    )


@cache
def to_computer(start_ns: int, sname: Principal = RPCSS) -> Credential:
    """For a service of the novice's computer, from the KDC of its own forest."""
    issuer = Issuer(keys.computer(), keys.COMPUTER_KVNO, keys.KRBTGT[SERVER_REALM])
    return issue(
        keys.EXPERT, SERVER_REALM, sname, issuer, start_ns, flags=TRANSIT_CHECKED, transited=PARENT_REALM
    )


class Asked(NamedTuple):
    """A TGS-REQ and its TGS-REP."""

    request: bytes
    reply: bytes


def request(given: Credential, body: KdcRequest, now_ns: int) -> bytes:
    """The TGS-REQ that presents `given`."""
    options = [kerberos.pa_pac_options(0x4000_0000)]  # [MS-KILE] 2.2.10: branch aware
    return keyed_tgs_req(body, given.ticket, given.session, given.client, now_ns, options)


def asked_body(
    realm: str, sname: Principal, now_ns: int, till_ns: int, additional: bytes | None = None
) -> KdcRequest:
    """What a Windows client asks for, with a nonce of its own; with `additional` user-to-user (RFC 4120 3.7)."""
    nonce = int.from_bytes(filler(f"nonce {realm} {now_ns}", 4), "big") >> 1
    tickets = () if additional is None else (additional,)
    options = kerberos.WINDOWS_TGS_OPTIONS | (kerberos.ENC_TKT_IN_SKEY if tickets else 0)
    return KdcRequest(realm, sname, till_ns, options, nonce=nonce, additional_tickets=tickets)


def exchange(
    given: Credential,
    sname: Principal,
    granted: Credential,
    now_ns: int,
    *,
    realm: str,
    additional: bytes | None = None,
) -> Asked:
    """`given` is shown to the KDC of `realm`, which grants `granted`; with `additional` as user-to-user."""
    body = asked_body(realm, sname, now_ns, given.validity.end_ns, additional)
    part = enc_kdc_rep_part(
        26, granted.session, granted.validity, granted.realm, granted.sname, nonce=body.nonce, flags=granted.flags
    )
    sealed = encrypt(given.session, TGS_REPLY, part, f"reply {now_ns}")
    reply = kerberos.tgs_rep(granted.client.realm, granted.client.name, granted.ticket, sealed)
    return Asked(request(given, body, now_ns), reply)
