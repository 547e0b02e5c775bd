"""Report -> one HTML page that needs nothing beside itself: no request, no script to be read, made for paper too.

Every text goes through `shown` and then through the autoescape of the templates; nothing of a report is markup, style
or script. The page allows only the one style and the one script that stand in it, by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import os
from functools import cache
from typing import TYPE_CHECKING, TextIO

from rpctrace.encoding.text import safe_text
from rpctrace.render.drawing import rounded, text_width
from rpctrace.render.html_page import page_of
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.report import Report

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = ("page", "finding", "ladder", "timeline", "referrals", "table", "parts")
_FOLDER = "html"


@cache
def asset(name: str) -> str:
    """The text of a file of this rendering's folder, with line ends of one octet, as a browser hashes it."""
    # As in knowledge/tables.py: the package's loader also reads from a zip.
    assert __spec__ is not None
    loader = __spec__.loader
    path = os.path.join(os.path.dirname(__file__), _FOLDER, name)
    octets: bytes = loader.get_data(path)  # type: ignore[union-attr]  # a file or zip loader has it
    return octets.decode("utf-8").replace("\r\n", "\n")


def source_digest(text: str) -> str:
    """`'sha256-...'`, as a Content-Security-Policy names an inline style or script."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def policy(style: str, script: str) -> str:
    """Nothing is loaded from anywhere; `data:` is for the icon, which stands in the page as well."""
    return (
        f"default-src 'none'; style-src {source_digest(style)}; script-src {source_digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def shown(value: object) -> object:
    """What a template writes of a value: text made safe. The autoescape that comes after it makes it no markup."""
    return safe_text(value) if type(value) is str else value


@cache
def environment() -> Environment:
    """The templates; an unknown name in one is an error."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    made = Environment(
        loader=DictLoader({name: asset(f"{name}.jinja") for name in TEMPLATES}),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["px"] = rounded
    made.globals["text_width"] = text_width
    return made


def render(report: Report, out: TextIO, options: RenderOptions) -> None:
    from markupsafe import Markup

    style, script = asset("page.css"), asset("page.js")
    text = environment().get_template("page").render(
        page=page_of(report, options.command),
        style=Markup(style),  # our own file
        script=Markup(script),
        policy=policy(style, script),
    )
    if not options.encoding_is_utf8:
        text = text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    out.write(text)


RENDERING = Rendering("html", (".html", ".htm"), "a page to read, send and print", render)
