"""`analyze`: several inputs, files, filters and --fail-on, and the exit status that each deserves."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path

import pytest
from console_samples import CHECKOUT, article, article_octets, rpctrace
from packing import PACKERS

from rpctrace import cli


def run(*words: str | Path) -> int:
    return cli.main([str(word) for word in words])


def test_one_bad_file_among_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """T21: it is named, the others are reported with their own indices, and the status is 3 (which outranks 1)."""
    page = tmp_path / "page.pcap"
    page.write_text("<html>")
    good, other = article(tmp_path), article(tmp_path, "novice.pcap", 5)
    assert run(tmp_path / "absent.pcap", good, page, other, "--json", "--fail-on", "note") == 3
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert [capture["path"] for capture in report["captures"]] == [str(good), str(other)]
    seen = {each["capture"] for call in report["calls"] for each in (call, *call["also_seen"])}
    assert seen == {0, 1}
    assert "absent.pcap" in said.err
    assert "page.pcap" in said.err


def test_nothing_readable_is_3_and_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No empty report that looks like a clean pass; an existing report stays."""
    out = tmp_path / "report.json"
    out.write_text('{"schema": "rpctrace.report/1"}')
    assert run(tmp_path / "absent.pcap", "--json", "-o", out) == 3
    assert capsys.readouterr().out == ""
    assert out.read_text() == '{"schema": "rpctrace.report/1"}'


def test_a_folder_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The two ways to look at what is in it; a file that is absent gets no such advice."""
    assert run(tmp_path) == 3
    said = capsys.readouterr().err
    assert "is a directory: name the captures in it" in said
    assert "rpctrace check" in said
    assert run(tmp_path / "absent") == 3
    assert "rpctrace check" not in capsys.readouterr().err


def test_a_cut_file_is_reported_and_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was readable is in the report; where reading stopped is said."""
    path = tmp_path / "cut.pcap"
    path.write_bytes(article_octets()[:-5])
    assert run(path, "--fail-on", "low") == 3
    said = capsys.readouterr()
    assert "RPC_S_SEC_PKG_ERROR" in said.out
    assert "reading stopped at octet" in said.err


@pytest.mark.parametrize("packing", PACKERS)
def test_a_compressed_file_is_read_as_what_is_in_it(
    packing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its first octets, through a pipe too, whatever the jobs; cut, what was readable is told."""
    octets = PACKERS[packing](article_octets()[:999]) + PACKERS[packing](article_octets()[999:])
    path, cut = tmp_path / "packed.dmp", tmp_path / "cut.dmp"
    path.write_bytes(octets)
    told = []
    for words in ((path, "--json"), (path, "--json", "--jobs", "2")):
        assert run(*words) == 0
        told.append(json.loads(capsys.readouterr().out))
    with path.open("rb") as file:
        told.append(json.loads(rpctrace("-", "--json", stdin=file).stdout))
    assert [each["captures"][0].pop("path") for each in told] == [str(path), str(path), "-"]
    assert told[0] == told[1] == told[2]
    assert told[0]["captures"][0]["compression"] == packing
    assert [call["status"] for call in told[0]["calls"]] == [None, 0x721]
    cut.write_bytes(octets + octets[: len(octets) // 2])
    assert run(cut, "--json") == 3
    said = capsys.readouterr()
    assert json.loads(said.out)["calls"][1]["status"] == 0x721
    assert f"the {packing} stream is cut" in said.out


def test_without_the_package_the_others_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "packed.pcap.zst"
    path.write_bytes(PACKERS["zstd"](article_octets()))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert run(path, article(tmp_path)) == 3
    said = capsys.readouterr()
    assert "RPC_S_SEC_PKG_ERROR" in said.out
    needs = "zstd-compressed: reading it needs zstandard, which is not installed: pip install 'rpctrace[compress]'"
    assert f"{path}: {needs}" in said.err


def test_a_capture_without_a_frame_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only a header."""
    path = tmp_path / "empty.pcap"
    path.write_bytes(article_octets()[:24])
    assert run(path) == 3
    assert "no frame" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("severity", "status", "expected"),
    [("note", 0x721, 1), ("low", 0x721, 1), ("high", 0x721, 0), ("note", None, 0)],
)
def test_fail_on(severity: str, status: int | None, expected: int, tmp_path: Path) -> None:
    """1 on a finding as severe or more; the catch-all finding is low."""
    assert run(article(tmp_path, status=status), "--fail-on", severity, "-q") == expected


def test_files_by_suffix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-o alone leaves standard output empty; a format asked for as well goes there; again is fine."""
    expert = article(tmp_path)
    outputs = [tmp_path / f"report{suffix}" for suffix in (".json", ".jsonl", ".csv", ".md", ".txt")]
    words = [word for path in outputs for word in ("-o", path)]
    for _ in range(2):
        assert run(expert, *words) == 0
        assert capsys.readouterr().out == ""
    assert json.loads(outputs[0].read_text())["calls"][1]["status"] == 0x721
    with outputs[2].open(newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["", "1825"]
    assert run(expert, "-o", outputs[0], "--json", "-q") == 0
    assert capsys.readouterr().out == outputs[0].read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["expert.pcap", *(path.name for path in outputs)])


def test_filters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report holds what is left, the remark says how much that is, and --fail-on judges only that."""
    expert = article(tmp_path)
    assert run(expert, "--json", "--status", "RPC_S_SEC_PACKAGE_ERROR", "--fail-on", "low") == 1
    said = capsys.readouterr()
    assert [call["status"] for call in json.loads(said.out)["calls"]] == [0x721]
    assert "1 of 2 calls" in said.err
    assert run(expert, "--json", "--status", "5", "--fail-on", "low") == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
    page = tmp_path / "page.html"
    assert run(expert, "--status", "5", "-f", "text", "-o", page) == 0
    assert "The filters leave none of 2 calls." in capsys.readouterr().out
    assert f"analyze {expert} --status 5 -o report.html</code>" in page.read_text()


def test_standard_input(tmp_path: Path) -> None:
    """`-` reads a capture from a pipe."""
    with article(tmp_path).open("rb") as file:
        result = rpctrace("-", "--json", stdin=file)
    assert result.returncode == 0
    assert [call["status"] for call in json.loads(result.stdout)["calls"]] == [None, 0x721]


def test_the_network_monitor_view(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The PDUs are recorded when, and only when, a rendering shows them."""
    assert run(article(tmp_path), "-f", "netmon") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[2].endswith("Kerberos: AP Request Ticket[Realm: child.domainA.COM, Sname: novice]")


def test_strict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A problem that loses no octet of a frame is 0, and 3 with --strict."""
    octets = bytearray(article_octets())
    octets[octets.rindex(b"\x05\x00\x03") + 8] = 17  # the fault says that it is longer than it is: 17 octets
    path = tmp_path / "odd.pcap"
    path.write_bytes(octets)
    run(path, "--json")
    report = json.loads(capsys.readouterr().out)
    assert run(path, "-q", "--strict") == (3 if report["problems"] or report["limits"] else 0)
    assert run(article(tmp_path), "-q", "--strict") == 0


def test_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are read and told; one that is not there is 3; an output does not replace one."""
    capture, log = "captures/remote-assistance/expert.pcapng", "captures/remote-assistance/netlogon.log"
    capture, log = str(CHECKOUT / capture), str(CHECKOUT / log)
    assert run(capture, "--netlogon", log) == 0
    assert "STATUS_NO_SUCH_USER 0xc0000064 (the same package, realm, server, time)" in capsys.readouterr().out
    assert run(capture, "--netlogon", log, "--netlogon-year", "2012", "--netlogon-utc-offset", "+01:00", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["logs"][0]["found"], document["logs"][0]["matched"]) == ("given", 1)
    (failed,) = [call["id"] for call in document["calls"] if call["outcome"] == "faulted"]
    assert [entry["line"] for entry in document["log_entries"] if entry["calls"] == [failed]] == [7, 8]
    assert run(capture, "--netlogon", log, "--netlogon", tmp_path / "absent.log") == 3
    said = capsys.readouterr()
    assert "absent.log: no such file" in said.err
    assert "Logs" in said.out
    assert run(capture, "--netlogon", log, "-o", log, "--force") == 2
    assert run("-", "--netlogon", "-") == 2


def test_a_damaged_log_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "netlogon.log.gz"
    path.write_bytes(gzip.compress((CHECKOUT / "captures/remote-assistance/netlogon.log").read_bytes() * 50)[:-9])
    assert run(article(tmp_path), "--netlogon", path) == 3
    assert "read in part" in capsys.readouterr().err


def test_a_host_is_found_under_its_other_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --redact too, and with its port: what is typed is what was captured."""
    expert = article(tmp_path)
    assert run(expert, "--json", "-q") == 0
    server = json.loads(capsys.readouterr().out)["calls"][0]["server"]
    for host, expected in ((f"{server['address']}:{server['port']}", True), (f"{server['address']}:1", False)):
        assert run(expert, "--json", "-q", "--redact-key", "k", "--host", host) == 0
        report = json.loads(capsys.readouterr().out)
        assert bool(report["calls"]) is expected
        assert report["unfiltered"]["calls"] > 0
        assert all(call["server"]["address"] != server["address"] for call in report["calls"])
