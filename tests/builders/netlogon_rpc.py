"""Names -> stubs of Netlogon ([MS-NRPC] 3.5.4): the handshake of a secure channel, and logons of every level."""

from __future__ import annotations

from builders.filler import filler
from builders.ndr import Ndr

CREDENTIAL = filler("netlogon credential", 8)
Identity = tuple[str | None, str | None, str | None]  # domain, user, workstation
ACCOUNT: Identity = ("EXAMPLE", "novice", "NOVICE-PC")


def challenge(ndr: Ndr, server: str | None, computer: str, credential: bytes = CREDENTIAL) -> bytes:
    return ndr.optional_text(server).text(computer).raw(credential).done()


def authenticate(
    ndr: Ndr, account: str, channel: int, computer: str, flags: int | None, credential: bytes = CREDENTIAL
) -> bytes:
    ndr.optional_text("\\\\DC1").text(account).enumeration(channel).text(computer).raw(credential)
    return (ndr if flags is None else ndr.u32(flags)).done()


def authenticated(
    ndr: Ndr, flags: int | None, rid: int | None, status: int, credential: bytes = CREDENTIAL
) -> bytes:
    ndr.raw(credential)
    for number in (flags, rid):
        if number is not None:
            ndr.u32(number)
    return ndr.u32(status).done()


def _wide_boundary(ndr: Ndr) -> int:
    return 8 if ndr.ndr64 else 4


def counted(ndr: Ndr, text: str | None) -> Ndr:
    length = 0 if text is None else 2 * len(text)
    return ndr.align(_wide_boundary(ndr)).u16(length).u16(length).pointer(text is not None)


def _buffers(ndr: Ndr, *texts: str | None) -> Ndr:
    for text in texts:
        if text is not None:
            ndr.text(text, terminated=False)
    return ndr


def _identity(ndr: Ndr, identity: Identity) -> Ndr:
    domain, user, workstation = identity
    counted(ndr, domain).u32(0x820).u32(0).u32(0)
    return counted(counted(ndr, user), workstation)


def interactive(ndr: Ndr, identity: Identity) -> Ndr:
    return _buffers(_identity(ndr, identity).raw(bytes(32)), *identity)


def network(ndr: Ndr, identity: Identity) -> Ndr:
    _identity(ndr, identity).raw(CREDENTIAL)
    for length in (5, 24):
        ndr.align(_wide_boundary(ndr)).u16(length).u16(length).pointer()
    _buffers(ndr, *identity)
    for length in (5, 24):
        ndr.wide(length).wide(0).wide(length).raw(filler("response", length))
    return ndr


def generic(ndr: Ndr, identity: Identity, package: str) -> Ndr:
    data = filler("generic", 13)
    counted(_identity(ndr, identity), package).u32(len(data)).pointer()
    return _buffers(ndr, *identity, package).wide(len(data)).raw(data)


def ticket(ndr: Ndr, identity: Identity) -> Ndr:
    octets = filler("ticket", 21)
    _identity(ndr.align(8), identity).u64(1).u32(len(octets)).pointer().u32(0).pointer(False)
    return _buffers(ndr, *identity).wide(len(octets)).raw(octets)


def level(ndr: Ndr, number: int, identity: Identity, package: str = "Kerberos") -> Ndr:
    """LogonLevel and the union that it selects."""
    ndr.enumeration(number)
    if ndr.ndr64:  # [MS-RPCE] 2.2.5.3.4.4: the union has the alignment of its widest arm
        ndr.align(8)
    ndr.enumeration(number).align(_wide_boundary(ndr)).pointer()
    if number == 4:
        return generic(ndr, identity, package)
    if number == 8:
        return ticket(ndr, identity)
    return network(ndr, identity) if number in (2, 6) else interactive(ndr, identity)


def _authenticators(ndr: Ndr) -> Ndr:
    for _ in range(2):
        ndr.pointer().align(4).raw(CREDENTIAL).u32(0)
    return ndr


def sam_logon(ndr: Ndr, number: int, identity: Identity, *, validation: int = 6, flags: int | None = None) -> bytes:
    """NetrLogonSamLogon, or with `flags` NetrLogonSamLogonWithFlags."""
    _authenticators(ndr.optional_text("\\\\DC1").optional_text("MEMBER"))
    level(ndr, number, identity).enumeration(validation)
    return (ndr if flags is None else ndr.u32(flags)).done()


def sam_logoff(ndr: Ndr, number: int, identity: Identity) -> bytes:
    return level(_authenticators(ndr.optional_text("\\\\DC1").optional_text("MEMBER")), number, identity).done()


def sam_logon_ex(ndr: Ndr, number: int, identity: Identity, *, validation: int = 6, package: str = "Kerberos") -> bytes:
    level(ndr.optional_text("\\\\DC1").optional_text("MEMBER"), number, identity, package)
    return ndr.enumeration(validation).u32(0).done()


def generic_pass_through(ndr: Ndr, server: str, computer: str, domain: str, package: str, data: bytes) -> bytes:
    """NetrLogonSamLogonEx as [MS-NRPC] 3.2.4.1 has it: level 4, validation 5, of the identity the domain alone."""
    ndr.optional_text(server).optional_text(computer).enumeration(4).enumeration(4).align(4).pointer()
    counted(ndr, domain).u32(0).u32(0).u32(0)
    counted(counted(counted(ndr, None), None), package).u32(len(data)).pointer()
    _buffers(ndr, domain, package).wide(len(data)).raw(data)
    return ndr.align(2).enumeration(5).u32(0).done()


def logged_on(ndr: Ndr, status: int, validation: int = 6) -> bytes:
    """An answer without validation information."""
    return ndr.enumeration(validation).pointer(False).u8(1).u32(0).u32(status).done()
