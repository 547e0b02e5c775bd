"""LDAP messages that bind ([RFC 4511] 4.2, [MS-ADTS] 5.1.1.1): octets -> who authenticates how, and the answer.

BER as Active Directory writes it: lengths of four octets. A cut message gives what could be read; `ParseError` only
where not even the kind of message could be told.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.encoding import der
from rpctrace.encoding.der import Element
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets
from rpctrace.errors import Malformed, ParseError
from rpctrace.record import record

_LAYER = "ldap"
BIND_REQUEST, BIND_RESPONSE = der.application_tag(0), der.application_tag(1)
_SASL_CREDENTIALS = 0x87  # [7] OCTET STRING, implicit


# RFC 4511 4.2; 9 to 11: [MS-ADTS] 5.1.1.1.3
class AuthenticationChoice(OpenEnum):
    SIMPLE = 0
    SASL = 3
    SICILY_PACKAGE_DISCOVERY = 9
    SICILY_NEGOTIATE = 10
    SICILY_RESPONSE = 11


# RFC 4511 4.1.9: those that matter to a bind
class ResultCode(OpenEnum):
    SUCCESS = 0
    SASL_BIND_IN_PROGRESS = 14


@record
class BindRequest(Partial):
    """`credentials` of SASL and Sicily, a view of the octets at hand; never the password of a simple bind."""

    message_id: int
    choice: AuthenticationChoice | None
    mechanism: str | None
    credentials: memoryview | None


@record
class BindResponse(Partial):
    """`matched_dn` are octets, since Sicily puts its CHALLENGE there."""

    message_id: int
    result_code: ResultCode | None
    matched_dn: memoryview | None
    diagnostic_message: str | None
    credentials: memoryview | None


def parse_bind(octets: Octets) -> BindRequest | BindResponse:
    """One LDAPMessage with a bind in it, or the front of one -> value."""
    outer = der.expect(octets, der.SEQUENCE, _LAYER)
    problems = FirstProblem()
    problems.attempt(der.whole, outer)
    message_id = der.inner(outer, der.INTEGER)
    at = message_id.end - outer.value_offset
    operation = der.read_element(outer.value, _LAYER, at, outer.value_offset)
    if operation.tag == BIND_REQUEST:
        return _request(der.integer(message_id), operation._replace(layer="ldap.BindRequest"), problems)
    if operation.tag == BIND_RESPONSE:
        return _response(der.integer(message_id), operation._replace(layer="ldap.BindResponse"), problems)
    raise Malformed(_LAYER, operation.offset, f"tag 0x{operation.tag:02x} is no bind")


def _request(message_id: int, operation: Element, problems: FirstProblem) -> BindRequest:
    fields = _children(operation, problems)
    next(fields, None)  # version
    next(fields, None)  # name
    chosen = next(fields, None)
    if chosen is None:
        return BindRequest(message_id, None, None, None, problem=problems.error)
    choice = AuthenticationChoice(chosen.tag & 0x1F)
    mechanism: str | None = None
    credentials: memoryview | None = None
    if choice is AuthenticationChoice.SASL:
        inside = _children(chosen, problems)
        named = next(inside, None)
        mechanism = None if named is None else problems.attempt(der.text, named)
        given = next(inside, None)
        credentials = None if given is None else given.value
    elif choice.is_known and choice is not AuthenticationChoice.SIMPLE:
        credentials = chosen.value
    return BindRequest(message_id, choice, mechanism, credentials, problem=problems.error)


def _response(message_id: int, operation: Element, problems: FirstProblem) -> BindResponse:
    fields = _children(operation, problems)
    code = next(fields, None)
    result = None if code is None else problems.attempt(der.integer, code)
    matched = next(fields, None)
    said = next(fields, None)
    message = None if said is None else problems.attempt(der.text, said)
    credentials = next((each.value for each in fields if each.tag == _SASL_CREDENTIALS), None)
    return BindResponse(
        message_id,
        None if result is None else ResultCode(result),
        None if matched is None else matched.value,
        message,
        credentials,
        problem=problems.error,
    )


def _children(parent: Element, problems: FirstProblem) -> Iterator[Element]:
    """The elements inside, up to the first one that does not read."""
    try:
        yield from der.children(parent)
    except ParseError as error:
        problems.note(error)
