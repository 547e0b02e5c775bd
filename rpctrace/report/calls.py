"""RPC calls as the report shows them: who asked whom for what, with which ticket, and what became of it."""

from __future__ import annotations

from dataclasses import field

from rpctrace.record import record
from rpctrace.report.moments import moment


@record
class Host:
    """One end of a connection; `name` from name resolution in the capture, None where there is none."""

    address: str
    port: int
    name: str | None


@record
class Interface:
    """A presentation context of a bind or alter_context, or the interface of a request (`result` and `reason` None)."""

    context_id: int | None
    uuid: str
    version: str
    name: str | None
    transfer_syntax: str | None
    transfer_syntax_name: str | None
    result: int | None
    result_name: str | None
    reason: int | None
    reason_name: str | None


@record
class FaultFacts:
    """What a fault PDU says beside its status."""

    context_id: int | None
    cancel_count: int | None
    did_not_execute: bool


@record
class ErrorParameter:
    """One parameter of an extended error record."""

    type: str
    value: str | int | None


@record
class ExtendedError:
    """One record of [MS-EERR], outermost first."""

    computer: str | None
    pid: int
    time_ns: int
    time: str | None
    component: int
    component_name: str | None
    status: int
    status_hex: str
    status_name: str | None
    location: int
    location_name: str | None
    parameters: tuple[ErrorParameter, ...]


@record
class Ntlm:
    """The names of an NTLM exchange and the flags of its three messages ([MS-NLMP] 2.2.2.5), never its proofs.
    `target`: what the server's challenge names, a computer or a domain; `computer`: the server, as its AV pairs have it
    (2.2.2.1)."""

    domain: str | None
    user: str | None
    workstation: str | None
    target: str | None
    negotiate_flags: int | None = None
    challenge_flags: int | None = None
    authenticate_flags: int | None = None
    computer: str | None = None


@record
class Auth:
    """The security context of a call. `token` is what the request carried, `reply_token` what its answer carried.
    `after_error`: the Kerberos exchange whose error came before this fall-back to NTLM."""

    context_id: int | None
    auth_type: int
    auth_type_name: str | None
    mechanism: str
    level: int
    level_name: str | None
    token: str | None
    reply_token: str | None
    kerberos_error: int | None
    kerberos_error_name: str | None
    ntlm: Ntlm | None
    after_error: str | None = None


@record
class Ticket:
    """The ticket last presented in the call's security context, as its clear text reads (unauthenticated).
    `fingerprint`: a digest of its cipher, by which the same ticket is known wherever it travels. `exchange`: the
    exchange in this report that issued it; `exchange_by`: how that is known, `fingerprint` (proof) or `names` (a ticket
    of the same realm, service, etype and kvno was the last that its client got before; one of the two was cut)."""

    realm: str | None
    sname: tuple[str, ...]
    name_type: int | None
    name_type_name: str | None
    etype: int | None
    etype_name: str | None
    authenticator_etype: int | None
    kvno: int | None
    ap_options: tuple[str, ...]
    user_to_user: bool
    presented_in: str
    frame: int
    fingerprint: str | None = None
    exchange: str | None = None
    exchange_by: str | None = None


@record
class InterfacePointer:
    """An interface that was asked for, and the pointer to it that was handed out ([MS-DCOM] 2.2.18); or a pointer among
    the arguments of any other call, of which no HRESULT speaks."""

    iid: str | None
    name: str | None
    hresult: int | None
    hresult_hex: str | None
    hresult_name: str | None
    ipid: str | None
    oxid: str | None
    oid: str | None


@record
class Dcom:
    """What a call of DCOM says beyond RPC. `causality_id` joins the calls of one activity across connections. `iid` and
    `oxid` are what an earlier answer had told of the pointer `ipid` on which the call is made. Of an activation or OXID
    resolution: the class, and where the object is to be reached, by whom and at which level."""

    causality_id: str | None
    ipid: str | None
    hresult: int | None
    hresult_hex: str | None
    hresult_name: str | None
    error: str | None = None
    iid: str | None = None
    interface_name: str | None = None
    clsid: str | None = None
    class_name: str | None = None
    session_id: int | None = None
    server_name: str | None = None
    pointers: tuple[InterfacePointer, ...] = ()
    oxid: str | None = None
    rem_unknown: str | None = None
    bindings: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    authn_hint: int | None = None
    authn_hint_name: str | None = None


@record
class SecureChannel:
    """A call of the Netlogon secure channel ([MS-NRPC]); of a sealed one only operation and lengths are known.
    `asked_flags` and `negotiated_flags`: the NegotiateFlags of NetrServerAuthenticate2 and 3 (3.1.4.2), in the request
    and in the response."""

    operation: str
    is_logon: bool
    sealed: bool
    request_octets: int | None
    response_octets: int | None
    computer: str | None
    account: str | None
    channel_type: int | None
    channel_type_name: str | None
    logon_level: int | None
    logon_level_name: str | None
    domain: str | None
    user: str | None
    workstation: str | None
    package: str | None
    status: int | None
    status_hex: str | None
    status_name: str | None
    asked_flags: int | None = None
    negotiated_flags: int | None = None


@record
class Sighting:
    """The same call, exchange, authentication or event in another capture of the incident: its frames and times there,
    by that capture's clock."""

    capture: int
    request_frames: tuple[int, ...]
    request_ns: int | None
    reply_frames: tuple[int, ...]
    reply_ns: int | None


@record
class Call:
    """One thing the client asked for and what became of it. Frames and times are those of `capture`, by its clock; what
    other captures of the incident hold of the same call is in `also_seen`."""

    id: str
    capture: int
    connection: str
    kind: str
    transport: str
    client: Host
    server: Host
    pipe: str | None
    call_id: int | None
    activity: str | None
    sequence: int | None
    association_group: int | None
    header_signing: bool | None
    presentation_context_id: int | None
    object_uuid: str | None
    interfaces: tuple[Interface, ...]
    opnum: int | None
    operation: str | None
    max_xmit: int | None
    max_recv: int | None
    request_frames: tuple[int, ...]
    request_ns: int | None
    request_time: str | None = field(metadata=moment("request_ns"))
    reply_frames: tuple[int, ...]
    reply_ns: int | None
    reply_time: str | None = field(metadata=moment("reply_ns"))
    reply: str | None
    answer_expected: bool
    outcome: str
    status: int | None
    status_hex: str | None
    status_name: str | None
    reject_reason: int | None
    reject_reason_name: str | None
    fault: FaultFacts | None
    extended_error: tuple[ExtendedError, ...] | None
    auth: Auth | None
    ticket: Ticket | None
    partial: bool
    notes: tuple[str, ...]
    virtual_connection: str | None = None
    dcom: Dcom | None = None
    secure_channel: SecureChannel | None = None
    also_seen: tuple[Sighting, ...] = ()

    @property
    def request_frame(self) -> int | None:
        """The frame that completed the request."""
        return self.request_frames[-1] if self.request_frames else None

    @property
    def reply_frame(self) -> int | None:
        """The frame that completed the answer."""
        return self.reply_frames[-1] if self.reply_frames else None

    @property
    def end_unknown(self) -> bool:
        """Whether how it ended was not captured. An auth3 is never answered: what became of it shows on the requests
        behind it."""
        return self.outcome == "not captured" and self.kind != "auth3"

    @property
    def failed(self) -> bool:
        """Whether somebody should look: the call was refused, faulted or left without an answer that it expected."""
        return is_failure(self.outcome, self.answer_expected)


FAILED_OUTCOMES = frozenset(("rejected", "faulted", "unanswered"))


def is_failure(outcome: str, answer_expected: bool) -> bool:
    """The one definition of a failed call; silence is none where no answer was expected."""
    return outcome in FAILED_OUTCOMES and (answer_expected or outcome != "unanswered")
