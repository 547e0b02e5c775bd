"""What happened before and beside RPC calls: Kerberos exchanges, authentications, endpoints told, events."""

from __future__ import annotations

from dataclasses import field

from rpctrace.record import record
from rpctrace.report.calls import Host, Ntlm, Sighting, Ticket
from rpctrace.report.moments import moment

KDC_CARRIERS = frozenset(("kdc_tcp", "kdc_udp"))
# RFC 4120 7.5.9: a KDC's way to ask for more, not a refusal; every client meets these.
PREAUTHENTICATION_REQUIRED, RESPONSE_TOO_BIG = 25, 52  # which is asked again over TCP, RFC 4120 7.2.1
ORDINARY_ERRORS = frozenset((PREAUTHENTICATION_REQUIRED, RESPONSE_TOO_BIG))


@record
class TicketName:
    """A ticket in a Kerberos message, by what it says in clear. `fingerprint`: a digest of its cipher, by which the
    same ticket is known wherever it travels."""

    realm: str | None
    sname: tuple[str, ...]
    etype: int | None
    etype_name: str | None
    kvno: int | None
    fingerprint: str | None = None


@record
class PaData:
    """One pre-authentication datum: of a request, of a reply, or asked for in a KRB-ERROR."""

    type: int
    name: str | None


@record
class Etype:
    """An encryption type, by its number and name."""

    etype: int
    name: str | None


@record
class KerberosExchange:
    """One Kerberos exchange wherever it travelled, or a KRB-ERROR seen alone (`request_frame` None).

    `request_frames` and `reply_frames` name every frame of the messages, ascending; `request_frame` and `reply_frame`
    are the last of each, which completed it. Who makes one gives both: findings name the former.

    `ticket` is what a reply issued, `presented` the ticket that the request showed (the TGT of a TGS exchange, the
    ticket of an AP exchange); `presented_from`: the exchange in this report that had issued it; `presented_by`: how
    that is known, as `Ticket.exchange_by`. `path` and `hop` place a TGS exchange on its referral path (the first, where
    its ticket served several). `copies`: frames in which the request was sent again. `also_seen`: as in a call.
    """

    id: str
    capture: int
    kind: str | None
    carried_in: str
    call: str | None
    client: Host
    server: Host
    realm: str | None
    crealm: str | None
    cname: tuple[str, ...]
    sname: tuple[str, ...]
    name_type: int | None
    name_type_name: str | None
    request_frame: int | None
    request_ns: int | None
    request_time: str | None = field(metadata=moment("request_ns"))
    reply_frame: int | None
    reply_ns: int | None
    reply_time: str | None = field(metadata=moment("reply_ns"))
    reply: str | None
    outcome: str
    error: int | None
    error_name: str | None
    ntstatus: int | None
    ntstatus_hex: str | None
    ntstatus_name: str | None
    e_text: str | None
    server_ns: int | None
    server_time: str | None = field(metadata=moment("server_ns"))
    referral_to: str | None
    user_to_user: bool
    options: tuple[str, ...] = ()
    etypes: tuple[Etype, ...] = ()
    offered_etypes: tuple[Etype, ...] = ()
    request_pa_data: tuple[PaData, ...] = ()
    reply_pa_data: tuple[PaData, ...] = ()
    fast: bool = False
    ticket: TicketName | None = None
    reply_etype: int | None = None
    reply_etype_name: str | None = None
    presented: TicketName | None = None
    presented_from: str | None = None
    additional_tickets: tuple[TicketName, ...] = ()
    path: str | None = None
    hop: int | None = None
    copies: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    presented_by: str | None = None
    also_seen: tuple[Sighting, ...] = ()
    request_frames: tuple[int, ...] = ()
    reply_frames: tuple[int, ...] = ()

    @property
    def with_kdc(self) -> bool:
        """Whether it went to a KDC itself, and not inside another protocol to a server."""
        return self.carried_in in KDC_CARRIERS

    @property
    def refused(self) -> bool:
        """Whether it ended in an error that is more than a KDC's way to ask for more."""
        return self.error is not None and self.error not in ORDINARY_ERRORS


@record
class ReferralPath:
    """The TGS exchanges through which one service ticket was sought, from the client's realm onwards.

    `realms`: those whose KDCs were asked, in order, as the exchanges name them. An exchange whose ticket served several
    paths is in each of them. `as_exchange` issued the ticket with which the first hop was asked, itself or as the
    ticket that was renewed or forwarded. `outcome`: issued, refused (`error` of the last exchange), unanswered, or open
    (the last answer was a referral and nothing followed in the capture, or it was not captured). `from_cache`: what the
    first hop presented was issued before the capture. `missing`: in words, what the captures lack of the path.
    """

    id: str
    capture: int
    client: Host
    cname: tuple[str, ...]
    crealm: str | None
    sname: tuple[str, ...]
    realms: tuple[str, ...]
    exchanges: tuple[str, ...]
    as_exchange: str | None
    outcome: str
    error: int | None
    error_name: str | None
    from_cache: bool
    missing: tuple[str, ...]


@record
class Authentication:
    """An authentication outside DCE/RPC: session setup of SMB, bind of LDAP, header of HTTP.

    `status` is in the words of `carried_in`: NTSTATUS, LDAP result code, HTTP status. `outcome`: accepted, rejected,
    or not captured. `after_error`: the Kerberos exchange whose error came before this fall-back to NTLM.
    `request_frames` and `reply_frames`: as in a Kerberos exchange.
    """

    id: str
    capture: int
    carried_in: str
    client: Host
    server: Host
    target: str | None
    mechanism: str
    tokens: tuple[str, ...]
    reply_token: str | None
    ticket: Ticket | None
    ntlm: Ntlm | None
    request_frame: int | None
    request_ns: int | None
    request_time: str | None = field(metadata=moment("request_ns"))
    reply_frame: int | None
    reply_ns: int | None
    reply_time: str | None = field(metadata=moment("reply_ns"))
    outcome: str
    status: int | None
    status_hex: str | None
    status_name: str | None
    kerberos_error: int | None
    kerberos_error_name: str | None
    after_error: str | None
    notes: tuple[str, ...]
    also_seen: tuple[Sighting, ...] = ()
    request_frames: tuple[int, ...] = ()
    reply_frames: tuple[int, ...] = ()


@record
class Endpoint:
    """Where an interface or an object is to be reached, as a call's answer told it, or that it is not registered.

    `source`: the operation (ept_map, RemoteCreateInstance ...), `call` the call and `frame` its answer. `teller`: the
    address of the host that answered; `server` None: that host itself is meant. `connections`: those that were opened
    to it afterwards.
    """

    id: str
    capture: int
    source: str
    call: str | None
    frame: int | None
    time_ns: int | None
    time: str | None
    teller: str
    server: str | None
    protocol: str | None
    port: int | None
    pipe: str | None
    interface_uuid: str | None
    interface_version: str | None
    interface_name: str | None
    purpose: str | None
    status: int | None
    status_hex: str | None
    status_name: str | None
    connections: tuple[str, ...] = ()


@record
class Event:
    """Something that happened on a connection beside calls: refused, no_answer, reset, idle, retransmitted,
    pipe_refused, encrypted ... `frames` are the first of `count`; `octets` the largest payload concerned.
    `endpoint`: the answer in this report that had told the client to come here."""

    capture: int
    kind: str
    client: Host
    server: Host
    frames: tuple[int, ...]
    count: int
    octets: int | None
    first_ns: int | None
    first_time: str | None
    last_ns: int | None
    last_time: str | None
    name: str | None
    status: int | None
    status_hex: str | None
    status_name: str | None
    text: str
    endpoint: str | None = None
    also_seen: tuple[Sighting, ...] = ()
