"""What rules show of a call whose answer brings a code of failure: the request, and the code in the answer."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.failures import Failure
from rpctrace.diagnosis.observed import CALLS_SHOWN, answer_frame, asked_frame, call_text
from rpctrace.report import Call, EvidenceItem


def result_text(call: Call) -> str:
    """HRESULT of DCOM or NTSTATUS of Netlogon, with its name."""
    if call.dcom is not None and call.dcom.hresult:
        return f"{call.dcom.hresult_hex} {call.dcom.hresult_name or ''}".rstrip()
    if call.secure_channel is not None and call.secure_channel.status:
        return f"{call.secure_channel.status_hex} {call.secure_channel.status_name or ''}".rstrip()
    return call.reply or "no answer"


def result_items(failure: Failure) -> tuple[EvidenceItem, ...]:
    return tuple(item for call in failure.calls[:CALLS_SHOWN] for item in _items(call))


def _items(call: Call) -> Iterator[EvidenceItem]:
    if call.request_frames:
        yield EvidenceItem(True, call_text(call), call.capture, asked_frame(call), None, 1.0)
    answer = answer_frame(call)
    yield EvidenceItem(True, f"the answer says {result_text(call)}", call.capture, answer, None, 1.0)
