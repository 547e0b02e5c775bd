"""Proves: the page is one file that asks for nothing, its policy names its one style and one script, and no text of a
capture is anything but text in it."""

from __future__ import annotations

import hashlib
import io
import re
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup
from report_values import (
    FINDING,
    HOSTILE_TEXTS,
    START_NS,
    answered_call,
    article_report,
    empty_report,
    full_report,
    hostile_report,
)
from story_values import incident, logged_report

from rpctrace.render.html import TEMPLATES, asset, environment, policy, render, shown
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Report

LARGEST_PAGE_OCTETS = 3_000_000
VOID = {"meta", "link", "br", "input"}
# Everything that the page is made of; what loads, runs or sends something is not among it.
TAGS = {
    "html", "head", "meta", "title", "link", "style", "body", "header", "main", "section", "aside", "nav", "footer",
    "h1", "h2", "h3", "p", "b", "i", "strong", "span", "div", "ul", "ol", "li", "dl", "dt", "dd", "a", "code", "br",
    "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "button", "input", "output", "script",
    "svg", "g", "rect", "path", "line", "circle", "text",
}  # fmt: skip


def page(report: Report, **options: bool) -> str:
    out = io.StringIO(newline="")
    render(report, out, RenderOptions(**options))
    return out.getvalue()


class Reader(HTMLParser):
    """What a browser would see: tags, attributes and text; checks that what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


REPORTS = {
    "empty": empty_report(),
    "article": article_report(),
    "full": full_report(),
    "logged": logged_report(),
    "incident": incident(),
    "notes": article_report(findings=(replace(FINDING, severity="note"),)),
    "many": article_report(findings=(FINDING,) * 30),
}


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_is_made_of_known_parts_and_loads_nothing(name: str) -> None:
    read = Reader(page(REPORTS[name]))
    assert set(read.tags) <= TAGS
    assert (read.tags.count("script"), read.tags.count("style"), read.tags.count("h1")) == (1, 1, 1)
    assert not [each for each in read.attributes if each[1].startswith("on") or each[1] in ("style", "src", "action")]
    addresses = [(tag, value) for tag, attribute, value in read.attributes if attribute == "href"]
    assert all(
        value.startswith("data:image/svg+xml,") if tag == "link" else re.match(r"#|https://", value)
        for tag, value in addresses
    )


@pytest.mark.parametrize(
    "text", [*HOSTILE_TEXTS, "</script><script>alert(1)</script>", '" onload="alert(1)', "{{ 7*7 }}"]
)
def test_a_capture_s_text_is_text(text: str) -> None:
    plain, hostile = Reader(page(full_report())), Reader(page(hostile_report(text)))
    assert set(hostile.tags) <= TAGS
    assert hostile.tags.count("script") == 1
    usual = {each[:2] for each in plain.attributes} | {("tr", "data-failed")}
    assert {each[:2] for each in hostile.attributes} <= usual
    assert all(data.replace("\n", "").isprintable() for data in hostile.text)


def test_a_hostile_name_is_shown_as_it_is_written() -> None:
    text = "<img src=x onerror=alert(1)>&amp;"
    read = Reader(page(hostile_report(text)))
    assert any(text in data for data in read.text)


@pytest.mark.parametrize("name", ["empty", "incident"])
def test_the_policy_names_the_style_and_the_script(name: str) -> None:
    text = page(REPORTS[name])
    (said,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    said = said.replace("&#39;", "'")
    assert said.startswith("default-src 'none'; ")
    for kind in ("style", "script"):
        (inside,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in said
    assert "unsafe" not in said
    assert "base-uri 'none'; form-action 'none'" in said


def test_our_own_style_and_script_end_where_they_should() -> None:
    """And are ASCII, so that a page in any encoding has the same digests."""
    for name in ("page.css", "page.js"):
        assert asset(name).isascii()
        assert "</" not in asset(name)
    assert "url(" not in asset("page.css")
    assert "@import" not in asset("page.css")
    assert policy(asset("page.css"), asset("page.js")).count("sha256-") == 2


def test_every_template_is_in_use_and_writes_no_value_unescaped() -> None:
    for name in TEMPLATES:
        text = asset(f"{name}.jinja")
        assert "|safe" not in text.replace(" ", "")
        assert "autoescape" not in text


def test_one_function_makes_text_safe() -> None:
    template = environment().from_string("{{ text }}|{{ number }}|{{ ours }}")
    shown_text = template.render(text="<b>\x1b\u202e&\"'", number=7, ours=Markup("<i>"))
    assert shown_text == "&lt;b&gt;\\x1b\\u202e&amp;&#34;&#39;|7|<i>"
    assert shown("\ud800") == "\\ud800"


def test_a_mistake_in_a_template_is_no_empty_place() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nothing }}").render()


def test_everything_is_there_without_the_script() -> None:
    """Nothing but its own controls is hidden."""
    read = Reader(page(incident()))
    hidden = {tag for tag, attribute, _ in read.attributes if attribute == "hidden"}
    assert hidden == {"button", "div"}
    text = " ".join(read.text)
    for words in ("What happened", "For and against", "frame.number in {296..298}", "What this report cannot see"):
        assert words in text


def test_the_first_finding_is_open_and_the_others_are_a_click_away() -> None:
    read = Reader(page(REPORTS["many"]))
    assert read.tags.count("details") == 19
    assert not [each for each in read.attributes if each[1] == "open"]
    assert " ".join(read.text).count("What happened") == 20


def test_without_utf_8_the_page_is_ascii_and_says_the_same() -> None:
    text = page(incident(), encoding_is_utf8=False)
    assert text.isascii()
    assert Reader(text).text == Reader(page(incident())).text


def test_the_page_of_a_large_capture_is_bounded_and_says_so() -> None:
    many = tuple(answered_call(id=f"call-1{n:05}", request_ns=START_NS - n) for n in range(12_000))
    text = page(article_report(calls=(*many, *article_report().calls), findings=(FINDING,) * 40))
    assert len(text.encode()) < LARGEST_PAGE_OCTETS
    assert "are not on this page" in text
    assert "more steps of these hosts are not drawn" in text


def test_the_same_report_gives_the_same_page() -> None:
    assert page(incident()) == page(incident())
