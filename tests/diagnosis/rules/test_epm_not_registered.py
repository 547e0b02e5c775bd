"""An interface that the endpoint mapper does not know, now or for good."""

from __future__ import annotations

from causes import fired, judged, seen, stays_silent
from incident_records import endpoint
from report_values import SERVER

from rpctrace.diagnosis.rules import epm_not_registered
from rpctrace.report import Endpoint

NOT_REGISTERED = epm_not_registered.NOT_REGISTERED


def missing(identity: str, second: float, uuid: str = "86d35949-83c9-4044-b424-db363231fd0c") -> Endpoint:
    status = {"status": NOT_REGISTERED, "status_hex": "0x16c9a0d6", "status_name": "ept_s_not_registered"}
    return endpoint(identity, second, interface_uuid=uuid, interface_name=None, port=None, **status)


def there(identity: str, second: float) -> Endpoint:
    return endpoint(identity, second, interface_uuid="86d35949-83c9-4044-b424-db363231fd0c")


def test_the_endpoint_mapper_says_so() -> None:
    finding = fired("epm-not-registered")
    assert (finding.severity, finding.confidence) == ("medium", 0.95)
    assert "ITaskSchedulerService is not registered" in finding.title


def test_registered_a_moment_later_is_a_note() -> None:
    (finding,) = stays_silent("epm-not-registered").findings
    assert "later it was" in finding.summary
    assert seen(finding, epm_not_registered.CAME_LATER.weight)


def test_registered_before_the_service_ended() -> None:
    (finding,) = judged(there("e-1", 1), missing("e-2", 2), rule="epm-not-registered")
    assert finding.severity == "medium"
    assert seen(finding, epm_not_registered.WAS_THERE.weight)


def test_one_that_asks_for_everything_looks_around() -> None:
    many = [missing(f"e-{number}", number, f"00000000-0000-0000-0000-{number:012}") for number in range(1, 8)]
    assert {finding.severity for finding in judged(*many, rule="epm-not-registered")} == {"low"}


def test_the_end_of_a_list_is_no_failure() -> None:
    """ept_lookup ends with the same status; another status is another matter."""
    last = missing("e-1", 1)
    assert judged(last.__class__(**{**_values(last), "source": "ept_lookup"}), rule="epm-not-registered") == []
    assert judged(last.__class__(**{**_values(last), "status": 5}), rule="epm-not-registered") == []
    assert SERVER.address


def _values(record: Endpoint) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}
