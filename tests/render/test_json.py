"""Proves: the JSON is the Report field for field, deterministic, valid UTF-8, exact in numbers, as its schema says."""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import replace
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
from report_json import document
from report_values import HOSTILE_TEXTS, article_report, empty_report, full_report, hostile_report, refused_call

import rpctrace.report
from rpctrace.render.json import render, schema_text
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import PduLine, Report

SCHEMA = json.loads(schema_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
RECORD_TYPES: list[Any] = [
    value
    for value in vars(rpctrace.report).values()
    if dataclasses.is_dataclass(value) and value not in (Report, PduLine)
]
PLAIN = RenderOptions()
MANY_CALLS = replace(full_report(), calls=tuple(refused_call(id=f"call-{number}") for number in range(300)))
REPORTS = [MANY_CALLS, empty_report(), article_report(), full_report(), *map(hostile_report, HOSTILE_TEXTS)]


def written(report: Report, options: RenderOptions = PLAIN) -> str:
    out = io.StringIO(newline="")
    render(report, out, options)
    return out.getvalue()


def member_names(record_type: Any) -> list[str]:
    names = [field.metadata.get("name", field.name) for field in dataclasses.fields(record_type)]
    return [name for name in names if (record_type, name) != (Report, "pdus")]


@pytest.mark.parametrize("report", REPORTS)
def test_every_document_is_valid_against_the_schema(report: Report) -> None:
    VALIDATOR.validate(json.loads(written(report)))


@pytest.mark.parametrize("report", REPORTS)
def test_written_record_by_record_it_is_the_same_text_as_written_whole(report: Report) -> None:
    assert written(report) == json.dumps(document(report), indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("report", REPORTS)
def test_text_is_utf_8_without_raw_controls_and_ascii_on_demand(report: Report) -> None:
    text = written(report)
    assert text.encode("utf-8").decode("utf-8") == text
    ascii_text = written(report, RenderOptions(encoding_is_utf8=False))
    assert ascii_text.isascii()
    assert json.loads(ascii_text) == json.loads(text)


def test_the_golden_call_of_the_article() -> None:
    call = json.loads(written(article_report()))["calls"][1]
    assert list(call)[:9] == ["id", "capture", "connection", "kind", "transport", "client", "server", "pipe", "call_id"]
    assert (call["status"], call["status_hex"], call["status_name"]) == (1825, "0x00000721", "RPC_S_SEC_PKG_ERROR")
    assert call["ticket"] == {
        "realm": "child.domainA.COM",
        "sname": ["novice"],
        "name_type": 1,
        "name_type_name": "NT-PRINCIPAL",
        "etype": 18,
        "etype_name": "aes256-cts-hmac-sha1-96",
        "authenticator_etype": 18,
        "kvno": None,
        "ap_options": ["use-session-key", "mutual-required"],
        "user_to_user": True,
        "presented_in": "alter_context",
        "frame": 22,
        "fingerprint": None,
        "exchange": None,
        "exchange_by": None,
    }


def test_keys_are_those_of_the_dataclasses_in_their_order() -> None:
    whole = json.loads(written(full_report()))
    assert list(whole) == ["schema", *member_names(Report)]
    assert whole["schema"] == "rpctrace.report/1"
    assert "pdus" not in whole
    assert isinstance(whole["streams"], list)
    assert "pdus" in whole["streams"][0]
    assert list(whole["findings"][0]["evidence"][0]) == ["for", "text", "capture", "frame", "log_line", "weight"]


def test_a_number_that_json_lacks_is_refused() -> None:
    finding = replace(full_report().findings[0], confidence=float("nan"))
    with pytest.raises(ValueError):
        written(replace(full_report(), findings=(finding,)))


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_the_schema_has_every_member_described_and_required(record_type: Any) -> None:
    definition = SCHEMA["$defs"][record_type.__name__]
    assert list(definition["properties"]) == member_names(record_type)
    assert definition["required"] == member_names(record_type)
    assert definition["additionalProperties"] is False
    assert definition["description"]
    assert all(member["description"].endswith(".") for member in definition["properties"].values())


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_no_text_has_a_member_where_its_octets_would_stand(record_type: Any) -> None:
    texts = {name for name, hint in get_type_hints(record_type).items() if hint is str or str in get_args(hint)}
    assert not {f"{name}_hex" for name in texts} & set(member_names(record_type))


def test_the_schema_itself_is_valid_and_covers_the_root() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert list(SCHEMA["properties"]) == ["schema", *member_names(Report)]
    assert set(SCHEMA["$defs"]) == {record_type.__name__ for record_type in RECORD_TYPES} | {"Octets", "Hexadecimal"}


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole.update(extra=1),
        lambda whole: whole.pop("limits"),
        lambda whole: whole["calls"][0].update(outcome="fine"),
        lambda whole: whole["calls"][0].update(status="1825"),
        lambda whole: whole["calls"][0].update(request_frames=[0]),
        lambda whole: whole["calls"][0]["ticket"].update(colour_hex="00"),
        lambda whole: whole["calls"][0]["ticket"].update(realm_hex="0"),
    ],
)
def test_the_schema_refuses_what_is_not_promised(change: Any) -> None:
    whole = json.loads(written(full_report()))
    change(whole)
    assert not VALIDATOR.is_valid(whole)
