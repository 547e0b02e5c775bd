"""IPIDs that answers handed out tell what later calls are made on."""

from __future__ import annotations

import pytest
from report_values import answered_call, article_report
from shared_captures import SHARED, needs_shared

from rpctrace.analysis import analyze
from rpctrace.correlation.objects import join
from rpctrace.report import Dcom, InterfacePointer

POINTER = InterfacePointer("iid", "IWbemServices", 0, "0x00000000", "S_OK", "ipid-1", "0x00000000000000ab", None)


def test_a_call_on_a_pointer_that_was_handed_out() -> None:
    """Interface and exporter; IRemUnknown by the activation's own word; an unknown pointer stays unknown."""
    activation = Dcom(None, None, 0, None, None, pointers=(POINTER,), oxid="0x01", rem_unknown="ipid-2")
    calls = [
        answered_call(id=f"call-{n}", dcom=dcom)
        for n, dcom in enumerate((activation, *(Dcom("c", f"ipid-{n}", 0, None, None) for n in (1, 2, 3))))
    ]
    joined = join(article_report(calls=tuple(calls)))
    told = [(call.dcom.iid, call.dcom.interface_name, call.dcom.oxid) for call in joined.calls if call.dcom]
    assert told[1:] == [
        ("iid", "IWbemServices", "0x00000000000000ab"), (None, "IRemUnknown", "0x01"), (None, None, None),
    ]  # fmt: skip
    assert join(joined) == joined


def test_a_report_without_pointers_is_left_alone() -> None:
    """Not even copied."""
    report = article_report()
    assert join(report) is report


@needs_shared
@pytest.mark.parametrize(
    ("name", "calls", "told"),
    [("LM_dcom_mmc20.application_dcerpc.pcapng", 36, 10), ("dcom-classfactory-ntlm-fallback.pcap", 213, 179)],
)
def test_pointers_in_any_answer_tell_what_the_calls_are_made_on(name: str, calls: int, told: int) -> None:
    """And nothing else than what was bound to where the call was made."""
    report = analyze(SHARED / "public" / name)
    on_objects = [(call, call.dcom) for call in report.calls if call.dcom is not None and call.dcom.ipid is not None]
    known = [(call, dcom.iid) for call, dcom in on_objects if dcom.iid is not None]
    assert (len(on_objects), len(known)) == (calls, told)
    assert all(iid in [each.uuid for each in call.interfaces] for call, iid in known if call.interfaces)
