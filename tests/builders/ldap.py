"""Messages -> octets of LDAP (RFC 4511): what a bind needs, and a search beside it."""

from __future__ import annotations

from builders import der

GSS_SPNEGO, GSSAPI = "GSS-SPNEGO", "GSSAPI"
SUCCESS, SASL_BIND_IN_PROGRESS, INVALID_CREDENTIALS = 0, 14, 49  # RFC 4511 4.1.9
START_TLS = "1.3.6.1.4.1.1466.20037"  # RFC 4511 4.14.1
# [MS-ADTS] 5.1.1.1.3
SICILY_DISCOVERY, SICILY_NEGOTIATE, SICILY_RESPONSE = 9, 10, 11


def long_form(element: bytes) -> bytes:
    """The same element with a length of four octets, as Active Directory writes it."""
    value = element[2 + (element[1] & 0x7F if element[1] & 0x80 else 0) :]
    return element[:1] + b"\x84" + len(value).to_bytes(4, "big") + value


def message(message_id: int, operation: bytes) -> bytes:
    """RFC 4511 4.1.1 LDAPMessage."""
    return der.sequence(der.integer(message_id), operation)


def sasl_bind(message_id: int, mechanism: str, credentials: bytes | None = None, name: str = "") -> bytes:
    """RFC 4511 4.2 BindRequest by SASL."""
    inside = der.octet_string(mechanism.encode())
    if credentials is not None:
        inside += der.octet_string(credentials)
    return _bind(message_id, name, der.tagged(0xA3, inside))


def simple_bind(message_id: int, name: str, password: str) -> bytes:
    return _bind(message_id, name, der.tagged(0x80, password.encode()))


def sicily_bind(message_id: int, choice: int, octets: bytes = b"") -> bytes:
    """[MS-ADTS] 5.1.1.1.3."""
    return _bind(message_id, "NTLM" if choice == SICILY_NEGOTIATE else "", der.tagged(0x80 | choice, octets))


def _bind(message_id: int, name: str, authentication: bytes) -> bytes:
    return message(
        message_id, der.application(0, der.integer(3) + der.octet_string(name.encode()) + authentication)
    )


def bind_response(
    message_id: int, code: int, credentials: bytes | None = None, *, matched: bytes = b"", said: str = ""
) -> bytes:
    """RFC 4511 4.2.2."""
    body = der.enumerated(code) + der.octet_string(matched) + der.octet_string(said.encode())
    if credentials is not None:
        body += der.tagged(0x87, credentials)
    return message(message_id, der.application(1, body))


def search(message_id: int, base: str, filter_octets: bytes = b"\x87\x0bobjectClass") -> bytes:
    """RFC 4511 4.5.1 SearchRequest."""
    body = (
        der.octet_string(base.encode()) + der.enumerated(2) + der.enumerated(0) + der.integer(0) + der.integer(0)
        + b"\x01\x01\x00" + filter_octets + der.sequence()
    )  # fmt: skip
    return message(message_id, der.application(3, body))


def search_entry(message_id: int, name: str, size_octets: int) -> bytes:
    """RFC 4511 4.5.2 SearchResultEntry with one value of so many octets."""
    value = der.tagged(0x31, der.octet_string(bytes(size_octets)))
    attribute = der.sequence(der.octet_string(b"thumbnailPhoto"), value)
    return message(message_id, der.application(4, der.octet_string(name.encode()) + der.sequence(attribute)))


def start_tls(message_id: int) -> bytes:
    return message(message_id, der.application(23, der.tagged(0x80, START_TLS.encode())))


def extended_response(message_id: int, code: int = SUCCESS) -> bytes:
    return message(message_id, der.application(24, der.enumerated(code) + der.octet_string(b"") * 2))


def unbind(message_id: int) -> bytes:
    return message(message_id, b"\x42\x00")
