"""A plugin of pytest: the fixture `rpctrace`, and `--rpctrace-captures DIR`, which collects captures as tests.

    def test_the_article(rpctrace):
        checked = rpctrace("expert.pcapng")              # the report, with helpers that assert
        checked.call(kind="alter_context", status="0x721", realm="child.domainA.COM")
        checked.finding(rule="pac-*", least_confidence=0.4)
        checked.no_kerberos(error="KRB_AP_ERR_SKEW")
        checked.as_expected()                            # <capture>.expect.toml beside it

The keys are those of the files of expectations. Nothing of rpctrace but this file is loaded before it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rpctrace.console.cases import Case, Result
    from rpctrace.expectations.values import Difference
    from rpctrace.report import Report


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("rpctrace", "network captures as tests")
    group.addoption(
        "--rpctrace-captures",
        action="append",
        default=[],
        metavar="DIR",
        help="collect every capture below DIR (or the capture given) as a test against its .expect.toml; repeatable",
    )


def pytest_configure(config: pytest.Config) -> None:
    """What is named and not there is no pass. Asked once: a process of xdist could not say it."""
    if hasattr(config, "workerinput"):
        return
    for given in config.getoption("--rpctrace-captures"):
        from rpctrace.console.cases import cases_of

        path = _path_of(given, config)
        if not path.exists():
            raise pytest.UsageError(f"--rpctrace-captures {given}: there is no such file or folder")
        if not cases_of([os.fspath(path)]):
            raise pytest.UsageError(f"--rpctrace-captures {given}: there is no capture below")


def _path_of(given: str, config: pytest.Config) -> Path:
    return (config.invocation_params.dir / given).resolve()


class Checked:
    """A report and what it is checked with. Each helper raises `AssertionError` with what came instead, and where."""

    def __init__(self, report: Report, capture: str) -> None:
        self.report = report
        self._capture = capture

    def call(self, **keys: Any) -> None:
        """At least one call, or `count` of them, with these keys."""
        __tracebackhide__ = True
        self._entry("call", keys)

    def finding(self, **keys: Any) -> None:
        __tracebackhide__ = True
        self._entry("finding", keys)

    def ticket(self, **keys: Any) -> None:
        __tracebackhide__ = True
        self._entry("ticket", keys)

    def kerberos(self, **keys: Any) -> None:
        __tracebackhide__ = True
        self._entry("kerberos", keys)

    def no_call(self, **keys: Any) -> None:
        """No call with these keys (without any: no call at all)."""
        __tracebackhide__ = True
        self._entry("call", keys, forbidden=True)

    def no_finding(self, **keys: Any) -> None:
        __tracebackhide__ = True
        self._entry("finding", keys, forbidden=True)

    def no_ticket(self, **keys: Any) -> None:
        __tracebackhide__ = True
        self._entry("ticket", keys, forbidden=True)

    def no_kerberos(self, **keys: Any) -> None:
        __tracebackhide__ = True
        self._entry("kerberos", keys, forbidden=True)

    def as_expected(self, expectations: str | os.PathLike[str] | None = None) -> None:
        """Everything in the file of expectations: the one beside the capture, if no other is given."""
        __tracebackhide__ = True
        from rpctrace.console.cases import SUFFIX, expectation_at
        from rpctrace.expectations.comparing import differences

        path = f"{self._capture}{SUFFIX}" if expectations is None else os.fspath(expectations)
        expected = expectation_at(path)
        if expected is None:
            raise AssertionError(f"{path}: there are no expectations; rpctrace check --update writes them")
        _raise(self._capture, differences(self.report, expected))

    def _entry(self, table: str, keys: dict[str, Any], forbidden: bool = False) -> None:
        __tracebackhide__ = True
        from rpctrace.expectations.comparing import differences
        from rpctrace.expectations.keys import KINDS
        from rpctrace.expectations.reading import entry_of
        from rpctrace.expectations.values import Expectation

        given = {key: list(value) if isinstance(value, tuple) else value for key, value in keys.items()}
        entry = entry_of(given, KINDS[table], 0, forbidden)
        expected = Expectation(None, None, self.report.complete, False, True, (entry,), {})
        _raise(self._capture, differences(self.report, expected))


def _raise(capture: str, found: Iterable[Difference]) -> None:
    __tracebackhide__ = True
    lines = [difference.text for difference in found]
    if lines:
        raise AssertionError("\n  ".join([f"{capture} is not as expected:", *lines]))


@pytest.fixture
def rpctrace() -> Callable[..., Checked]:
    """Reads a capture (a path; keywords are those of `rpctrace.Options`) -> `Checked`."""

    def analyze(capture: str | os.PathLike[str], **options: Any) -> Checked:
        from rpctrace.analysis import Options
        from rpctrace.analysis import analyze as analyze_capture

        return Checked(analyze_capture(capture, Options(**{"calls": "all", **options})), os.fspath(capture))

    return analyze


class NotAsExpected(Exception):
    """A capture that is not as expected, or that could not be read."""


class CaptureItem(pytest.Item):
    """One capture and its expectations."""

    case: Case

    def runtest(self) -> None:
        from rpctrace.console.cases import expectation_at, result_of

        result = result_of(self.case, expectation_at(self.case.expectations))
        if result.status:
            raise NotAsExpected(_said(result))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *arguments: Any) -> Any:
        from rpctrace.errors import RpctraceError

        if isinstance(excinfo.value, NotAsExpected | RpctraceError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *arguments)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.name} and its expectations"


def _said(result: Result) -> str:
    lines = [f"{result.case.capture} is not as expected:"]
    for each in result.differences:
        where = "" if each.line is None else f" ({os.path.basename(result.case.expectations)}, line {each.line})"
        lines.append(f"  {each.text}{where}")
    return "\n".join([*lines, *([f"  {result.unread}"] if result.unread is not None else [])])


def _name_from(capture: str, folder: Path) -> str:
    from rpctrace.encoding.text import safe_text

    try:
        name = os.path.relpath(capture, folder)
    except ValueError:  # another drive of Windows
        name = capture
    return safe_text(name.replace(os.sep, "/"))


class _Captures(pytest.Collector):
    """What one --rpctrace-captures holds."""

    def collect(self) -> Sequence[CaptureItem]:
        from rpctrace.console.cases import cases_of

        items = []
        for case in cases_of([os.fspath(self.path)]):
            name = _name_from(case.capture, self.config.rootpath)
            item: CaptureItem = CaptureItem.from_parent(self, name=name, nodeid=name, path=Path(case.capture))
            item.case = case
            items.append(item)
        return items


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Captures come after the tests of the command line, each once, and before -k, -m and --deselect choose."""
    found: dict[Path, pytest.Item] = {}
    for given in config.getoption("--rpctrace-captures"):
        collector: _Captures = _Captures.from_parent(session, name=given, path=_path_of(given, config))
        report = config.hook.pytest_make_collect_report(collector=collector)
        config.hook.pytest_collectreport(report=report)
        for item in report.result:
            found.setdefault(item.path, item)
    items.extend(found.values())
