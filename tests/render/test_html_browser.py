"""Proves, in headless Chromium: the page loads nothing beside itself, says nothing on the console, shows hostile names
as text, filters and copies, fits a telephone, can be read in both schemes and does without JavaScript."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_values import START_NS, answered_call, article_report, full_report, hostile_report
from story_values import incident, logged_incident, logged_report

from rpctrace.render.html import render
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[test]')")

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = pytest.mark.skipif(not os.access(CHROMIUM, os.X_OK), reason="Chromium is not installed")

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
MARKUP = "<img src=x onerror=alert(1)><script>alert(1)</script>"

# Of every text that is seen: the contrast of its colour against what lies below it, and the text where that is low.
# A text of a picture lies on the shapes that were drawn before it around its middle.
CONTRAST = """(least) => {
  const parsed = (text) => {
    const numbers = text.match(/-?[\\d.]+(?:e-?\\d+)?/g).map(Number);
    const unit = text.startsWith("color(srgb") ? 255 : 1;
    return [numbers[0] * unit, numbers[1] * unit, numbers[2] * unit, numbers[3] ?? 1];
  };
  const over = (top, below, alpha) => [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
  const luminance = (color) => {
    const [r, g, b] = color.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const color = parsed(getComputedStyle(each).backgroundColor);
      if (color[3] > 0) layers.push(color);
    }
    let found = [255, 255, 255];
    for (const layer of layers.reverse()) found = over(layer, found, layer[3]);
    const svg = element.closest("svg");
    if (!svg) return found;
    const box = element.getBoundingClientRect();
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    for (const shape of svg.querySelectorAll("rect")) {
      const area = shape.getBoundingClientRect();
      const before = shape.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (!before || x < area.left || x > area.right || y < area.top || y > area.bottom) continue;
      const style = getComputedStyle(shape);
      if (style.fill === "none") continue;
      const fill = parsed(style.fill);
      found = over(fill, found, fill[3] * Number(style.fillOpacity));
    }
    return found;
  };
  const low = [];
  let count = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || ["SCRIPT", "STYLE", "title"].includes(element.localName)) continue;
    if (element.closest(".toast") || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const inSvg = element.namespaceURI.endsWith("svg");
    const below = ground(element);
    const color = parsed(inSvg ? style.fill : style.color);
    const [light, dark] = [luminance(over(color, below, color[3])), luminance(below)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    count += 1;
    if (contrast < least) low.push([contrast.toFixed(2), element.localName, element.className.baseVal ?? element.className, node.data.trim().slice(0, 40)]);
  }
  return { count, low };
}"""  # noqa: E501  # a program in another language


def large_report() -> Report:
    many = tuple(answered_call(id=f"call-1{n:05}", request_ns=START_NS - n) for n in range(10_000))
    return article_report(calls=(*many, *article_report().calls))


def clean_report() -> Report:
    return article_report(calls=article_report().calls[:1], findings=())


REPORTS = {
    "incident": incident,
    "logged": logged_report,
    "logged incident": logged_incident,
    "full": full_report,
    "clean": clean_report,
    "large": large_report,
    "markup": lambda: hostile_report(MARKUP),
    "long": lambda: hostile_report("a" * 400),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every report as a file, by its address."""
    folder = tmp_path_factory.mktemp("pages")
    addresses = {}
    for name, make in REPORTS.items():
        out = io.StringIO(newline="")
        render(make(), out, RenderOptions())
        path = Path(folder) / f"{name}.html"
        path.write_text(out.getvalue(), encoding="utf-8", newline="")
        addresses[name] = path.as_uri()
    return addresses


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as player:
        started = player.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Visit:
    """One page in one window, with everything that it asked for and said."""

    def __init__(self, browser: Any, address: str, width: int = 1280, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.goto(address)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.mark.parametrize("name", ["incident", "logged incident", "full", "clean", "large", "markup", "long"])
def test_one_request_a_silent_console_and_no_sideways_scroll(name: str, browser: Any, files: dict[str, str]) -> None:
    with Visit(browser, files[name]) as visit:
        visit.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        for width in (1280, 420):
            visit.page.set_viewport_size({"width": width, "height": 900})
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert visit.requests == [files[name]]
        assert visit.said == []


def test_hostile_names_are_shown_as_text(browser: Any, files: dict[str, str]) -> None:
    with Visit(browser, files["markup"]) as visit:
        assert visit.page.locator("h1").inner_text() == MARKUP
        assert visit.page.locator("img").count() == 0
        assert visit.page.locator("script").count() == 1
        assert MARKUP in visit.page.locator(".records").inner_text()
        assert visit.said == []


def test_the_policy_holds(browser: Any, files: dict[str, str]) -> None:
    """A script, a style and a picture that somebody would bring in do nothing."""
    with Visit(browser, files["incident"]) as visit:
        visit.page.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "window.intruder = 1";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<p id=p style='color: rgb(1, 2, 3)' onclick='window.intruder = 2'>x</p>");
            document.body.insertAdjacentHTML("beforeend", "<img src='https://example.invalid/x.png'>");
            document.getElementById("p").click();
        }""")  # noqa: E501
        assert visit.page.evaluate("window.intruder === undefined")
        assert visit.page.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(1, 2, 3)"
        assert len(visit.said) >= 3


@pytest.mark.parametrize(
    ("name", "width"), [("incident", 1280), ("logged incident", 420), ("full", 1280), ("logged", 1280)]
)
def test_every_text_stands_out_from_its_ground(name: str, width: int, browser: Any, files: dict[str, str]) -> None:
    grounds = set()
    with Visit(browser, files[name], width) as visit:
        for scheme in ("light", "dark"):
            visit.page.emulate_media(color_scheme=scheme)
            measured = visit.page.evaluate(CONTRAST, LEAST_CONTRAST)
            assert measured["low"] == []
            assert measured["count"] > 40
            grounds.add(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_a_text_that_does_not_stand_out_is_found(browser: Any, files: dict[str, str]) -> None:
    """That the measure above can fail: grey on white."""
    with Visit(browser, files["clean"]) as visit:
        assert visit.page.evaluate(CONTRAST, LEAST_CONTRAST)["low"] == []
        visit.page.evaluate("document.documentElement.style.setProperty('--soft', '#bbbbbb')")
        assert visit.page.evaluate(CONTRAST, LEAST_CONTRAST)["low"]


def test_the_table_is_filtered(browser: Any, files: dict[str, str]) -> None:
    with Visit(browser, files["incident"]) as visit:
        page = visit.page
        rows = page.locator(".records tbody tr:visible")
        assert (rows.count(), page.locator("#count").inner_text()) == (29, "29 of 29")
        page.keyboard.press("/")
        page.keyboard.type("iclassfactory SEC_PKG")
        assert (rows.count(), page.locator("#count").inner_text()) == (1, "1 of 29")
        page.fill("#filter", "no such thing")
        assert rows.count() == 0
        page.fill("#filter", "")
        page.get_by_role("button", name="Failed").click()
        assert rows.count() == 2
        page.get_by_role("button", name="Kerberos", exact=True).click()
        assert rows.count() == 6
        page.fill("#filter", "RPCSS")
        assert rows.count() == 3
        assert page.get_by_role("button", name="Kerberos", exact=True).get_attribute("aria-pressed") == "true"


def test_filters_are_copied(browser: Any, files: dict[str, str]) -> None:
    with Visit(browser, files["incident"], permissions=["clipboard-read", "clipboard-write"]) as visit:
        page = visit.page
        for where, text in (
            (page.locator(".hero .button[data-copy]"), "frame.number in {296..298}"),
            (page.locator("svg.ladder .chip[data-copy]").last, "frame.number in {298}"),
            (page.locator(".evidence .chip[data-copy]").first, "frame.number in {297}"),
        ):
            where.click()
            said = "(text) => document.getElementById('toast').textContent === 'Copied: ' + text"
            page.wait_for_function(said, arg=text)
            assert page.evaluate("navigator.clipboard.readText()") == text
        page.locator(".records .chip[data-copy]").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.getElementById('toast').textContent.includes('{6, 7}')")
        assert visit.said == []


def test_copying_does_without_the_clipboard_s_interface(browser: Any, files: dict[str, str]) -> None:
    context = browser.new_context(permissions=["clipboard-read"])
    page = context.new_page()
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'clipboard', {get: () => undefined})")
    page.goto(files["incident"])
    page.locator(".hero .button[data-copy]").click()
    page.wait_for_function("() => document.getElementById('toast').textContent.startsWith('Copied: frame')")
    assert page.locator("textarea").count() == 0
    context.close()


def test_all_of_it_is_there_without_javascript(browser: Any, files: dict[str, str]) -> None:
    with Visit(browser, files["incident"], java_script_enabled=False) as visit:
        page = visit.page
        assert page.locator(".records tbody tr:visible").count() == 29
        assert page.locator("svg.ladder").is_visible()
        assert page.locator(".hero code").inner_text() == "frame.number in {296..298}"
        assert page.locator("button:visible, input:visible").count() == 0


def test_a_finding_is_opened_by_its_link_and_for_paper(browser: Any, tmp_path: Path) -> None:
    finding = article_report().findings[0]
    report = article_report(findings=(finding, replace(finding, title="another")))
    path = tmp_path / "two.html"
    with open(path, "w", encoding="utf-8", newline="") as out:
        render(report, out, RenderOptions())
    with Visit(browser, path.as_uri()) as visit:
        page = visit.page
        assert page.locator("details[open]").count() == 0
        page.get_by_role("link", name="another").click()
        page.wait_for_function("() => document.querySelectorAll('details[open]').length === 1")
        page.locator("details summary").click()
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details[open]").count() == 1
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert page.locator("details[open]").count() == 0


def test_a_telephone_reads_the_ladder_as_a_list_and_paper_has_the_picture(browser: Any, files: dict[str, str]) -> None:
    with Visit(browser, files["incident"], 420, color_scheme="dark") as visit:
        page = visit.page
        assert not page.locator("svg.ladder").is_visible()
        assert page.locator("ol.steps li").first.is_visible()
        page.emulate_media(media="print")
        assert page.locator("svg.ladder").is_visible()
        assert not page.locator("ol.steps").is_visible()
        assert not page.locator("#filter").is_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
