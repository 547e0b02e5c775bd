"""Activation properties: each by itself, unknown ones, damaged ones; impacket's blobs as second opinion."""

from __future__ import annotations

from struct import pack

import pytest
from builders import dcom

from rpctrace.encoding.partial import FirstProblem
from rpctrace.errors import Malformed, ParseError
from rpctrace.protocols.interfaces.properties import (
    MAXIMUM_PROPERTIES,
    ActivatedInterface,
    Fields,
    read_properties,
)

OTHER_IID = "f309ad18-d86a-11d0-a075-00c04fb68820"


def fields_of(*properties: dcom.Property) -> Fields:
    problems = FirstProblem()
    found = read_properties(dcom.blob(properties, dcom.PROPERTIES_IN), problems)
    assert problems.error is None
    return found


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        (
            dcom.instantiation_info(iids=(dcom.ICLASSFACTORY, OTHER_IID)),
            {
                "clsid": dcom.CLSID,
                "class_context": 16,
                "client_version": (5, 7),
                "iids": (dcom.ICLASSFACTORY, OTHER_IID),
            },
        ),
        (dcom.special_properties(2), {"session_id": 2, "remote_session": True, "default_authn_level": 5}),
        (dcom.security_info("novice.example.com"), {"server_name": "novice.example.com"}),
        (dcom.security_info(None), {}),
        (dcom.location_info("NOVICE"), {"machine_name": "NOVICE"}),
        (dcom.location_info(None), {}),
        (
            dcom.scm_request_info((7, 0x44)),
            {"impersonation_level": 2, "requested_protocols": ("ncacn_ip_tcp", "tower 0x44")},
        ),
        (dcom.activation_context(), {}),
    ],
)
def test_each_property(part: dcom.Property, fields: Fields) -> None:
    """[MS-DCOM] 2.2.22.2, alone and between two others."""
    assert fields_of(part) == fields
    between = fields_of(dcom.activation_context(), part, dcom.Property(OTHER_IID, b"of somebody else"))
    assert between == fields


def test_reply() -> None:
    found = fields_of(dcom.scm_reply_info())
    assert (found["oxid"], found["ipid_rem_unknown"], found["authn_hint"]) == (dcom.OXID, dcom.REM_UNKNOWN_IPID, 5)
    assert found["server_version"] == (5, 7)
    assert [tuple(each) for each in found["bindings"]] == list(dcom.STRINGS)
    assert [tuple(each) for each in found["security_bindings"]] == list(dcom.SECURITIES)


def test_results() -> None:
    """A refused interface has a null pointer."""
    results = [(dcom.ICLASSFACTORY, 0, dcom.standard()), (OTHER_IID, dcom.E_NOINTERFACE, None)]
    assert fields_of(dcom.props_out(results))["results"] == (
        ActivatedInterface(dcom.ICLASSFACTORY, 0, dcom.IPID, dcom.OXID, dcom.OID),
        ActivatedInterface(OTHER_IID, dcom.E_NOINTERFACE, None, None, None),
    )


def test_a_damaged_property_leaves_the_others() -> None:
    """The problem says which one it is."""
    problems = FirstProblem()
    broken = dcom.instantiation_info()._replace(octets=b"\0" * 20)
    found = read_properties(dcom.blob((broken, dcom.security_info("DC1")), dcom.PROPERTIES_IN), problems)
    assert found == {"server_name": "DC1"}
    assert problems.error is not None
    assert problems.error.layer == "dcom.activation.instantiation_info"


def test_what_is_no_activation() -> None:
    for octets in (
        dcom.standard(),
        dcom.custom(dcom.IUNKNOWN, dcom.CLSID, bytes(200)),
        dcom.blob([dcom.activation_context()] * (MAXIMUM_PROPERTIES + 1), dcom.PROPERTIES_IN),
    ):
        with pytest.raises(Malformed):
            read_properties(octets, FirstProblem())


def test_lists_of_different_lengths() -> None:
    """cIfs, the classes and the sizes must agree."""
    octets = bytearray(dcom.blob([dcom.activation_context()], dcom.PROPERTIES_IN))
    at = 48 + 8 + 16 + 16  # OBJREF_CUSTOM's head, the blob's, the serialisation's, four numbers
    assert octets[at : at + 4] == pack("<I", 1)
    octets[at] = 2
    with pytest.raises(Malformed):
        read_properties(octets, FirstProblem())


def test_every_cut_is_told() -> None:
    """By an error, or by a problem."""
    octets = dcom.blob((dcom.instantiation_info(), dcom.security_info("DC1")), dcom.PROPERTIES_IN)
    for length in range(len(octets) - 8):  # the last property's padding may be missing
        problems = FirstProblem()
        try:
            read_properties(octets[:length], problems)
        except ParseError:
            continue
        assert problems.error is not None, length
