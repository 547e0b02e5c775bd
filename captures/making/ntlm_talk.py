"""NTLM of the expert's user as a Windows client speaks it: three messages, bare or inside SPNEGO."""

from __future__ import annotations

from builders import filler, ntlm, spnego

from making import cast


def messages(computer: str, dns_name: str) -> tuple[bytes, bytes, bytes]:
    """Negotiate, challenge of a computer of domainB.com, authenticate ([MS-NLMP] 1.3.1.1)."""
    target: list[tuple[int, str | bytes]] = [
        (ntlm.AV_NB_DOMAIN, "DOMAINB"), (ntlm.AV_NB_COMPUTER, computer), (ntlm.AV_DNS_DOMAIN, "domainB.com"),
        (ntlm.AV_DNS_COMPUTER, dns_name), (ntlm.AV_TIMESTAMP, filetime(cast.START_NS)),
    ]  # fmt: skip
    # [MS-NLMP] 2.2.2.8 NTLMv2_RESPONSE around 2.2.2.7 NTLMv2_CLIENT_CHALLENGE
    challenged = b"\x01\x01" + bytes(6) + filetime(cast.START_NS) + filler("ntlm client challenge", 8) + bytes(4)
    response = filler("ntlm proof", 16) + challenged + ntlm.target_information(target) + bytes(4)
    third = ntlm.authenticate("CHILD", "expert", "EXPERT-PC", nt_response=response)
    return ntlm.negotiate(), ntlm.challenge("DOMAINB", target), third


def filetime(time_ns: int) -> bytes:
    """[MS-DTYP] 2.3.3 FILETIME."""
    return (time_ns // 100 + 116_444_736_000_000_000).to_bytes(8, "little")


def wrapped(computer: str, dns_name: str) -> tuple[bytes, bytes, bytes, bytes]:
    """The same in SPNEGO, and the server's last word."""
    first, second, third = messages(computer, dns_name)
    return (
        spnego.neg_token_init((spnego.NTLMSSP,), first),
        spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, spnego.NTLMSSP, second),
        spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, None, third),
        spnego.neg_token_resp(spnego.ACCEPT_COMPLETED),
    )
