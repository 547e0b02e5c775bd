"""OBJREF in its four forms; pointers found in stubs of unknown layout."""

from __future__ import annotations

from struct import pack
from unittest.mock import patch

import pytest
from builders import dcom
from builders.ndr import Ndr
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.encoding.ndr import NdrReader
from rpctrace.encoding.reader import Reader
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.interfaces import objref
from rpctrace.protocols.interfaces.objref import (
    MAXIMUM_OBJREFS,
    Form,
    find_objects,
    parse_objref,
    read_interface_pointer,
)
from rpctrace.protocols.interfaces.stub import ObjectFacts


def found_in(octets: bytes) -> list[ObjectFacts]:
    found: list[ObjectFacts] = []
    find_objects(octets, found)
    return found


FACTS = ObjectFacts(dcom.IPID, dcom.ICLASSFACTORY, dcom.OXID, dcom.OID)


@pytest.mark.parametrize(
    ("octets", "form"),
    [(dcom.standard(), Form.STANDARD), (dcom.handler(), Form.HANDLER), (dcom.extended(), Form.EXTENDED)],
)
def test_pointers_of_a_known_form(octets: bytes, form: Form) -> None:
    found = parse_objref(octets)
    assert (found.form, found.iid, found.facts) == (form, dcom.ICLASSFACTORY, FACTS)
    assert found.standard is not None
    assert found.standard.public_references == 5
    assert found.resolver.strings[0].host == "DC1"
    assert found.clsid == (dcom.CLSID if form is Form.HANDLER else None)


def test_custom() -> None:
    found = parse_objref(dcom.custom(dcom.IUNKNOWN, dcom.CLSID, b"of its own"))
    assert (found.form, found.clsid, bytes(found.data), found.facts) == (Form.CUSTOM, dcom.CLSID, b"of its own", None)


@pytest.mark.parametrize(
    "octets", [b"WOEM" + bytes(60), b"MEOW\x03" + bytes(60), dcom.extended(signature=1), b"MEOW" + bytes(60)]
)
def test_what_is_none(octets: bytes) -> None:
    with pytest.raises(Malformed):
        parse_objref(octets)


def test_every_cut_says_so() -> None:
    for octets in (dcom.standard(), dcom.handler(), dcom.extended()):
        for length in range(len(octets)):
            with pytest.raises(Truncated):
                parse_objref(octets[:length])


def test_interface_pointer() -> None:
    octets = dcom.interface_pointer(Ndr(), dcom.standard()).done()
    assert bytes(read_interface_pointer(NdrReader(Reader(octets, "t")))) == dcom.standard()


def test_pointers_are_found_by_their_signature() -> None:
    """Also behind a text that holds it and behind a pointer that is cut; a custom one names no object."""
    other = "00006c0c-0668-04ec-59ed-1e9c6bcd2d81"
    stub = b"a MEOW of a cat" + dcom.standard() + b"xyz" + dcom.custom(dcom.IUNKNOWN, dcom.CLSID, bytes(9))
    stub += dcom.standard(dcom.IUNKNOWN, other) + dcom.standard()[:70]
    assert found_in(stub) == [FACTS, ObjectFacts(other, dcom.IUNKNOWN, dcom.OXID, dcom.OID)]


def test_more_pointers_than_are_kept() -> None:
    """Those before the bound are."""
    assert len(found_in(dcom.standard() * MAXIMUM_OBJREFS)) == MAXIMUM_OBJREFS
    found: list[ObjectFacts] = []
    with pytest.raises(Malformed):
        find_objects(dcom.standard() * (MAXIMUM_OBJREFS + 1), found)
    assert len(found) == MAXIMUM_OBJREFS


def test_many_signatures_are_looked_at_once() -> None:
    """Pointers that claim the rest of the stub do not make the search quadratic: each octet is read by one of them."""
    claim = dcom.objref(1, dcom.IUNKNOWN, dcom.std_objref() + pack("<HH", 0x7FFF, 0))
    assert len(found_in(claim * 4000)) == 4000 * len(claim) // (len(claim) + 2 * 0x7FFF)
    with patch.object(objref, "parse_bindings", wraps=objref.parse_bindings) as parse:
        assert found_in(b"MEOW\1\0\0\0" * 100_000) == []  # bindings of their own, more than may be
    # Each attempt takes 2 * 0x454D octets, for its count is these letters; only near the end are they cut, and cheap.
    assert parse.call_count < 100_000 * 8 // (2 * 0x454D) + 2 * 0x454D // 8


@given(st.binary(max_size=150))
def test_any_octets(octets: bytes) -> None:
    try:
        parse_objref(b"MEOW" + octets)
    except ParseError as error:
        assert error.layer.startswith("dcom.")
    assert found_in(octets) == []
