"""Mechanism tokens -> SPNEGO tokens (RFC 4178 4.2, [MS-SPNG] 2.2.1)."""

from __future__ import annotations

from collections.abc import Sequence

from builders import der
from builders.kerberos import KRB5, KRB5_USER_TO_USER, MS_KRB5

SPNEGO = "1.3.6.1.5.5.2"
NTLMSSP = "1.3.6.1.4.1.311.2.2.10"
NEGOEX = "1.3.6.1.4.1.311.2.2.30"
WINDOWS_MECHANISMS = (MS_KRB5, KRB5, KRB5_USER_TO_USER, NTLMSSP)

ACCEPT_COMPLETED, ACCEPT_INCOMPLETE, REJECT, REQUEST_MIC = range(4)  # RFC 4178 4.2.2 negState


def neg_token_init(
    mechanisms: Sequence[str] = WINDOWS_MECHANISMS,
    mech_token: bytes | None = None,
    *,
    hint: str | None = None,
    mech_list_mic: bytes | None = None,
) -> bytes:
    """RFC 4178 4.2.1 NegTokenInit in its GSS frame; with `hint` it is [MS-SPNG] 2.2.1 NegTokenInit2 (server first)."""
    listed = der.sequence(*map(der.object_identifier, mechanisms))
    hints = None if hint is None else der.sequence(der.context(0, der.general_string(hint)))
    mic = None if mech_list_mic is None else der.octet_string(mech_list_mic)
    body = der.sequence(
        der.context(0, listed),
        der.context(2, None if mech_token is None else der.octet_string(mech_token)),
        der.context(3, mic if hints is None else hints),
        der.context(4, None if hints is None else mic),
    )
    return der.application(0, der.object_identifier(SPNEGO) + der.context(0, body))


def neg_token_resp(
    state: int | None = None,
    mechanism: str | None = None,
    response_token: bytes | None = None,
    *,
    mech_list_mic: bytes | None = None,
) -> bytes:
    """RFC 4178 4.2.2 NegTokenResp (also called NegTokenTarg)."""
    body = der.sequence(
        der.context(0, None if state is None else der.enumerated(state)),
        der.context(1, None if mechanism is None else der.object_identifier(mechanism)),
        der.context(2, None if response_token is None else der.octet_string(response_token)),
        der.context(3, None if mech_list_mic is None else der.octet_string(mech_list_mic)),
    )
    return der.context(1, body)
