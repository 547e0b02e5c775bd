"""The one option of the tests, and how properties are searched: the same examples in every run, so that a change is
judged by what it changes; `--hypothesis-profile=explore` looks for others."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden from what the samples give")
