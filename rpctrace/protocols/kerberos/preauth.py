"""Pre-authentication data: a SEQUENCE OF PA-DATA -> its types in order, and what the known ones say in clear.

The same type means different things to a KDC and from one, so requests, replies and errors have tables of their own.
A list that is cut has no types (a short list must not pass for the whole one); what stood before the cut is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntFlag
from typing import Any

from rpctrace.encoding import der
from rpctrace.encoding.der import Element, Fields
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem
from rpctrace.encoding.text import decode_text
from rpctrace.errors import Malformed, ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.kerberos.elements import (
    ApReq,
    PrincipalName,
    encrypted_of,
    read_ap_req,
    read_encrypted,
    read_message,
    read_principal_name,
)
from rpctrace.record import record

_BOOLEAN = 0x01


# RFC 4120 7.5.2, RFC 6113 7.1, RFC 6806 11, [MS-KILE] 2.2.10, [MS-SFU] 2.2
class PaType(OpenEnum):
    TGS_REQ = 1
    ENC_TIMESTAMP = 2
    PW_SALT = 3
    ETYPE_INFO = 11
    PK_AS_REQ_OLD = 14
    PK_AS_REP_OLD = 15
    PK_AS_REQ = 16
    PK_AS_REP = 17
    ETYPE_INFO2 = 19
    SVR_REFERRAL_INFO = 20
    PAC_REQUEST = 128
    FOR_USER = 129
    FOR_X509_USER = 130
    FX_COOKIE = 133
    FX_FAST = 136
    FX_ERROR = 137
    ENCRYPTED_CHALLENGE = 138
    REQ_ENC_PA_REP = 149
    AS_FRESHNESS = 150
    SUPPORTED_ETYPES = 165
    PAC_OPTIONS = 167


# [MS-KILE] 2.2.10, [MS-SFU] 2.2.5
class PacOptions(IntFlag):
    CLAIMS = 0x80000000
    BRANCH_AWARE = 0x40000000
    FORWARD_TO_FULL_DC = 0x20000000
    RESOURCE_BASED_CONSTRAINED_DELEGATION = 0x10000000


_PAC_OPTIONS = 0xF0000000  # unnamed bits are dropped: IntFlag remembers each new combination


# RFC 4120 5.2.7.4, 5.2.7.5
class EtypeInfo(NamedTuple):
    """An encryption type that the KDC offers, and the salt of the password's key for it."""

    etype: int | None
    salt: str | None


# RFC 6113 5.4.1, 5.4.2
class Fast(NamedTuple):
    """The outside of FAST: the armor, where the message brings one, and how the inside is encrypted.

    `armor`: the AP-REQ of armor type 1, which presents the ticket of the computer.
    """

    armor_type: int | None
    armor: ApReq | None
    etype: int | None


# [MS-SFU] 2.2.1, 2.2.2
class S4uUser(NamedTuple):
    """The user for whom a service asks for a ticket to itself."""

    name: PrincipalName | None
    realm: str | None


@record
class PreAuthentication:
    """`types`: every PA-DATA in wire order, () where the list is cut. The others are None or () where not there.

    `tgs` is the AP-REQ of PA-TGS-REQ: the ticket-granting ticket that a TGS-REQ presents. `timestamp_etype`: how
    PA-ENC-TIMESTAMP is encrypted. `etypes_offered` comes from ETYPE-INFO2, or else from ETYPE-INFO.
    """

    types: tuple[int, ...] = ()
    tgs: ApReq | None = None
    timestamp_etype: int | None = None
    include_pac: bool | None = None
    pac_options: PacOptions | None = None
    for_user: S4uUser | None = None
    for_x509_user: S4uUser | None = None
    fast: Fast | None = None
    etypes_offered: tuple[EtypeInfo, ...] = ()
    salt: str | None = None


NO_PREAUTHENTICATION = PreAuthentication()
Reader = Callable[[Element, FirstProblem], object]


def read_padata(
    sequence: Element, readers: Mapping[int, tuple[str, Reader]], problems: FirstProblem
) -> PreAuthentication:
    """A SEQUENCE OF PA-DATA (RFC 4120 5.2.7) through the table of its direction; of equal types the first counts."""
    types: list[int] = []
    found: dict[str, Any] = {}
    readable = sequence.complete
    try:
        for item in der.children(sequence):
            if len(types) == der.MAXIMUM_ITEMS:
                raise Malformed(item.layer, item.offset, f"more than {der.MAXIMUM_ITEMS} items")
            pa_type, value = pa_data(item, problems)
            if pa_type is None:
                readable = False
                continue
            types.append(pa_type)
            name, read = readers.get(pa_type, ("", None))
            # A KDC lists what it would take as types without octets.
            if read is not None and value is not None and value.length and name not in found:
                found[name] = problems.attempt(read, value, problems)
    except ParseError as error:
        problems.note(error)
        readable = False
    older = found.pop("etype_info", None)
    if older and not found.get("etypes_offered"):
        found["etypes_offered"] = older
    said = {name: value for name, value in found.items() if value is not None}
    return PreAuthentication(tuple(types) if readable else (), **said)


# RFC 4120 5.2.7
def pa_data(item: Element, problems: FirstProblem) -> tuple[int | None, Element | None]:
    """One PA-DATA -> its type and the OCTET STRING of its value, which may be cut."""
    if item.tag != der.SEQUENCE:
        raise Malformed(item.layer, item.offset, f"tag 0x{item.tag:02x} where 0x{der.SEQUENCE:02x} belongs")
    fields = Fields(item, problems)
    return fields.integer(1), fields.element(2, der.OCTET_STRING, optional=True)


def _fields(value: Element, problems: FirstProblem) -> Fields:
    """The SEQUENCE inside the octets of a PA-DATA."""
    return Fields.inside(value, problems)


def _tgs(value: Element, problems: FirstProblem) -> ApReq | None:
    request = read_message(value.value, _AP_REQ)
    if request.problem is not None:
        problems.note(request.problem)
    return request


def _timestamp_etype(value: Element, problems: FirstProblem) -> int | None:
    return encrypted_of(_fields(value, problems)).etype


def _include_pac(value: Element, problems: FirstProblem) -> bool | None:
    return _fields(value, problems).value(0, lambda flag: any(der.whole(flag)), _BOOLEAN)


def _pac_options(value: Element, problems: FirstProblem) -> PacOptions | None:
    options = _fields(value, problems).value(0, der.bit_string_32, der.BIT_STRING)
    return None if options is None else PacOptions(options & _PAC_OPTIONS)


# [MS-SFU] 2.2.1
def _for_user(value: Element, problems: FirstProblem) -> S4uUser:
    fields = _fields(value, problems)
    return S4uUser(read_principal_name(fields, 0), fields.text(1))


# [MS-SFU] 2.2.2: S4UUserID is the first field; a certificate may stand for the name
def _for_x509_user(value: Element, problems: FirstProblem) -> S4uUser | None:
    fields = _fields(value, problems).nested(0)
    return None if fields is None else S4uUser(read_principal_name(fields, 1, optional=True), fields.text(2))


# RFC 6113 5.4.2: armored-data is the only choice
def _fast_request(value: Element, problems: FirstProblem) -> Fast:
    fields = Fields.inside(der.inner(value, der.context_tag(0)), problems)
    armor = fields.nested(0, optional=True)
    armor_type = None if armor is None else armor.integer(0)
    presented = None
    if armor is not None and armor_type == _ARMOR_AP_REQUEST:
        presented = armor.value(1, lambda octets: _tgs(octets, problems), der.OCTET_STRING)
    return Fast(armor_type, presented, read_encrypted(fields, 2).etype)


# RFC 6113 5.4.3
def _fast_reply(value: Element, problems: FirstProblem) -> Fast:
    fields = Fields.inside(der.inner(value, der.context_tag(0)), problems)
    return Fast(None, None, read_encrypted(fields, 0).etype)


# RFC 4120 5.2.7.4, 5.2.7.5: the salt is text in ETYPE-INFO2 and octets in ETYPE-INFO
def _etype_info(value: Element, problems: FirstProblem) -> tuple[EtypeInfo, ...]:
    def entry(item: Element) -> EtypeInfo:
        fields = Fields(item, problems)
        return EtypeInfo(fields.integer(0), fields.value(1, der.text, optional=True))

    return der.items(der.inner(value, der.SEQUENCE), entry)


def _salt(value: Element, _problems: FirstProblem) -> str:
    return decode_text(der.whole(value))


_ARMOR_AP_REQUEST = 1  # FX_FAST_ARMOR_AP_REQUEST, RFC 6113 5.4.1.1
_AP_REQ = {14: ("AP-REQ", read_ap_req)}
IN_REQUEST: Mapping[int, tuple[str, Reader]] = {
    PaType.TGS_REQ: ("tgs", _tgs),
    PaType.ENC_TIMESTAMP: ("timestamp_etype", _timestamp_etype),
    PaType.PAC_REQUEST: ("include_pac", _include_pac),
    PaType.FOR_USER: ("for_user", _for_user),
    PaType.FOR_X509_USER: ("for_x509_user", _for_x509_user),
    PaType.FX_FAST: ("fast", _fast_request),
    PaType.PAC_OPTIONS: ("pac_options", _pac_options),
}
IN_REPLY: Mapping[int, tuple[str, Reader]] = {
    PaType.PW_SALT: ("salt", _salt),
    PaType.ETYPE_INFO: ("etype_info", _etype_info),
    PaType.ETYPE_INFO2: ("etypes_offered", _etype_info),
    PaType.FX_FAST: ("fast", _fast_reply),
    PaType.FOR_X509_USER: ("for_x509_user", _for_x509_user),
}
