"""Checkov is believed when it shows its work, and gets nothing that it could misuse."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from iacgate.model.scan import Scan
from iacgate.scanners import checkov, jail, scan_cache
from iacgate.scanners.checkov import CheckovSettings, scanning
from iacgate.scanners.environment import read_lock
from iacgate.scanners.jail import WEAK, Limits, isolation
from iacgate.sources.plan_json import read_plan

from tests.acceptance.hostile import instance, judge_plan, open_group, plan
from tests.unit.scanners.fake import scanner

SECRET = "CANARY-hunter2-hunter2"
PLAN = plan(instance(), open_group())
UNCHANGED = instance("old", change={"actions": ["no-op"], "before": {"a": 1}, "after": {"a": 1}, "after_unknown": {}})


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("IACGATE_SCANNERS", str(tmp_path / "scanners"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))


def scan(document: Any = PLAN, *, timeout: float = 60, cache: bool = False) -> Scan:
    read = read_plan(json.dumps(document).encode(), "plan.json")
    with scanning(read, "0" * 64, CheckovSettings(timeout, cache)) as collect:
        return collect()


def test_an_honest_run_is_evidence(tmp_path: Path) -> None:
    scanner(tmp_path)
    result = scan(plan(instance(), UNCHANGED))
    assert result.problem == ""
    assert [(one.rule, one.address, one.existing) for one in result.findings] == [
        ("CKV_AWS_999", "aws_instance.bad", False),
        ("CKV_AWS_999", "aws_instance.old", True),
    ]
    receipt = result.receipt
    assert (receipt.tool, receipt.version, receipt.input_sha256) == ("checkov", read_lock("checkov").version, "0" * 64)
    assert receipt.time.endswith("Z")
    assert any(isolation()[0] in note for note in result.notes)
    assert "a value" not in repr(result)


LIES = {
    "silent": ("os._exit(0)", "found nothing, not even"),
    "content with everything": ("say(code=0)", "found nothing, not even"),
    "ends with the code of findings and no report": ("os._exit(1)", "without a report"),
    "crashes": ("raise SystemExit(2)", "exit code 2"),
    "is killed": ("import ctypes; ctypes.string_at(0)", "killed by signal 11"),
    "is cut off": ("print(json.dumps(report)[:-40]); sys.exit(1)", "not its JSON report"),
    "writes prose": ("print('all is well'); sys.exit(1)", "not its JSON report"),
    "writes a list": ("say([report])", "not its JSON report"),
    "writes another document": ("say({'passed': 0, 'failed': 0})", "not its JSON report"),
    "writes no text": ("sys.stdout.buffer.write(b'\\xff\\xfe{'); sys.exit(1)", "not its JSON report"),
    "looks at something else": ("report['check_type'] = 'kubernetes'; say()", "not about a plan"),
    "is another version": ("summary['checkov_version'] = '1.0.0'; say()", "another version"),
    "looks at fewer resources": ("summary['resource_count'] -= 1; say()", "1 of the plan's 2 resources"),
    "looks at none": ("summary['resource_count'] = 1; say()", "0 of the plan's 2 resources"),
    "looks at more resources": ("summary['resource_count'] += 1; say()", "3 of the plan's 2 resources"),
    "cannot parse": ("summary['parsing_errors'] = 1; say()", "could not read all"),
    "skips": ("summary['skipped'] = 1; say()", "skipped"),
    "lists less than it counts": ("summary.update(lie=1, failed=9); say()", "counts 9 failures and lists 4"),
    "has no rules about attributes": ("del failed[0]; say()", "rules were not all loaded"),
    "has no rules about the graph": ("del failed[1]; say()", "rules were not all loaded"),
    "names a foreign resource": ("failed.append(record('CKV_AWS_1', 'aws_x.y')); say()", "that the plan does not have"),
    "names a rule that is none": ("failed.append(record('<b>', sentinel)); say()", "never writes"),
    "lists passes": ("failed.append(record('CKV_AWS_1', sentinel, result='PASSED')); say()", "never writes"),
    "loses a rule": (
        "print('x [ERROR] Failed to run check CKV_AWS_5 on /plan.json:aws_instance.bad', file=sys.stderr); say()",
        "1 of its rules crashed on resources of the plan: CKV_AWS_5",
    ),
    "reports an error": ("print('x [ERROR]  Failed to load', file=sys.stderr); say()", "an error of its own"),
}


@pytest.mark.parametrize(("body", "problem"), LIES.values(), ids=LIES.keys())
def test_a_run_that_falls_short_is_no_evidence(tmp_path: Path, body: str, problem: str) -> None:
    scanner(tmp_path, body)
    result = scan(cache=True)
    assert problem in result.problem
    assert result.findings == ()
    assert not list(tmp_path.glob("cache/iacgate/scans/*")), "what is no evidence must not be kept"


def test_a_scanner_that_hangs_is_stopped(tmp_path: Path) -> None:
    scanner(tmp_path, "import signal; signal.pause()")
    assert "it was stopped after" in scan(timeout=0.3).problem


def test_a_scanner_that_burns_processor_time_is_stopped_by_the_limit(tmp_path: Path) -> None:
    scanner(tmp_path, "while True: pass")
    assert scan(timeout=0.5).problem


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_ends_at_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    monkeypatch.setattr(checkov, "Limits", partial(Limits, file_size=100_000))
    scanner(
        tmp_path,
        f"""
try:
    sys.{stream}.write("x" * 1_000_000)
    sys.{stream}.flush()
except OSError:
    pass
os._exit(1)""",
    )
    assert scan().problem == "it wrote more than it may"


def test_memory_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkov, "Limits", partial(Limits, memory=256 * 2**20))
    scanner(tmp_path, "bytearray(2**29); say()")
    assert "exit code 1" in scan().problem or "without a report" in scan().problem


def test_a_rule_that_crashes_on_what_was_masked_is_noted(tmp_path: Path) -> None:
    lost = "print('x [ERROR] Failed to run check CKV_AWS_5 on /plan.json:aws_instance.bad', file=sys.stderr); say()"
    scanner(tmp_path, lost)
    result = scan(plan(instance(change={"after": {"a": SECRET}, "after_sensitive": {"a": True}})))
    assert result.problem == ""
    assert any(note.startswith("1 of its rules could not be evaluated") for note in result.notes)


def _said(result: Scan) -> Any:
    """What a body put into a title, as JSON."""
    assert result.problem == ""
    return json.loads(next(one.title for one in result.findings if one.rule == "CKV_AWS_1"))


def _saying(expression: str) -> str:
    return f"failed.append(record('CKV_AWS_1', managed[0]['address'], json.dumps({expression}))); say()"


def test_it_sees_no_secret_of_ours_and_none_of_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    scanner(tmp_path, _saying(f"{SECRET!r} in open(given).read() + repr(dict(os.environ))"))
    secret = instance(change={"after": {"a": SECRET}, "after_sensitive": {"a": True}})
    assert _said(scan(plan(secret))) is False


@pytest.mark.skipif("/proc" in isolation()[0] or "own processes" not in isolation()[0], reason="no own /proc here")
def test_it_does_not_see_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanner(tmp_path, _saying("len([one for one in os.listdir('/proc') if one.isdigit()])"))
    assert _said(scan()) <= 2


def test_home_and_working_directory_are_empty_wherever_the_gate_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".checkov.yaml").write_text("external-checks-dir: [.]\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    scanner(tmp_path, _saying("os.listdir('.') + os.listdir(os.environ['HOME']) + os.listdir(os.environ['TMPDIR'])"))
    assert _said(scan()) == []


def test_its_files_are_private_and_removed(tmp_path: Path) -> None:
    place = "os.path.dirname(os.path.dirname(given))"
    scanner(tmp_path, _saying(f"[oct(os.stat(p).st_mode & 0o777) for p in ({place}, given)]"))
    assert _said(scan()) == ["0o700", "0o400"]
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.skipif(isolation()[0] == WEAK, reason="this system gives no network name spaces")
def test_it_reaches_no_network_not_even_of_this_machine(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        scanner(
            tmp_path,
            f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=5).close()
    reached = True
except OSError:
    reached = False
{_saying("reached")}""",
        )
        assert _said(scan()) is False


def test_without_name_spaces_it_runs_with_the_weaker_measure_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jail, "isolation", lambda: (WEAK, ()))
    scanner(tmp_path, _saying("[os.environ[one] for one in ('https_proxy', 'ALL_PROXY')]"))
    result = scan()
    assert _said(result) == ["http://127.0.0.1:9"] * 2
    assert any(WEAK in note for note in result.notes)


def test_a_program_for_name_spaces_that_does_not_work_here_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\nexit 1\n")
    unshare.chmod(0o755)
    monkeypatch.setattr(jail, "_PROGRAMS", str(tmp_path))
    assert jail.isolation.__wrapped__() == (WEAK, ())
    # One that gives a network name space, and nothing else:
    unshare.write_text('#!/bin/sh\n[ "$1 $2" = "--net --" ] || exit 1\nshift 2\nexec "$@"\n')
    assert jail.isolation.__wrapped__() == (jail.NO_NETWORK, (str(unshare), "--net", "--"))


@pytest.mark.parametrize("end", ["say()", "import signal; signal.pause()"], ids=["it ends", "it is stopped"])
@pytest.mark.parametrize("away", ["pass", "os.setsid()", "weak"], ids=["child", "child in a session", "child, weak"])
def test_nothing_that_it_started_outlives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, away: str
) -> None:
    if away == "weak":
        monkeypatch.setattr(jail, "isolation", lambda: (WEAK, ()))
        away = "pass"
    elif away != "pass" and "own processes" not in isolation()[0]:
        pytest.skip("no process name spaces here")
    lock = tmp_path / "lock"
    lock.touch()
    scanner(
        tmp_path,
        f"""
import fcntl, signal
handle = open({str(lock)!r})
ready, tell = os.pipe()
if os.fork() == 0:
    {away}
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.write(tell, b"x")
    signal.pause()
os.read(ready, 1)
handle.close()
{end}""",
    )
    scan(timeout=60 if end == "say()" else 1)

    def too_long(*_: object) -> None:
        raise AssertionError("a child lives")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(20)  # the kernel may take a moment; a child that lives would hold it for ever
    try:
        with lock.open() as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_an_interruption_ends_it_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    scanner(tmp_path, f"out = open({str(pipe)!r}, 'w'); out.write('up'); out.flush(); import signal; signal.pause()")
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(PLAN))
    words = [
        sys.executable,
        "-c",
        "from iacgate.cli.main import run; run()",
        "check",
        str(file),
        "--scanner",
        "checkov",
    ]
    with subprocess.Popen(
        words, env={**os.environ, "TMPDIR": str(tmp_path / "tmp")}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as gate:
        with pipe.open() as told:
            assert told.read(2) == "up"
            gate.send_signal(number)
            assert told.read() == ""  # its end of the pipe is closed: it is gone
        assert gate.wait(timeout=60) == 130
    assert list((tmp_path / "tmp").iterdir()) == []


# --- in the decision -------------------------------------------------------------------------------------------------


def test_a_scanner_that_is_missing_is_an_error_with_the_command_that_installs_it(tmp_path: Path) -> None:
    ran = judge_plan(tmp_path, plan(), "--scanner", "checkov")
    assert (ran.code, ran.outcome) == (4, "error")
    assert "iacgate scanner install checkov" in ran.report["decision"]["reasons"][0]


def test_what_allows_by_itself_is_an_error_when_the_scanner_fails(tmp_path: Path) -> None:
    scanner(tmp_path, "os._exit(0)")
    good = judge_plan(tmp_path, plan())
    ran = judge_plan(tmp_path, plan(), "--scanner", "checkov")
    assert (good.code, ran.code) == (0, 4)


def test_what_is_denied_says_both(tmp_path: Path) -> None:
    scanner(tmp_path, "os._exit(2)")
    ran = judge_plan(tmp_path, PLAN, "--scanner", "checkov")
    assert ran.code == 4
    assert any("exit code 2" in reason for reason in ran.report["decision"]["reasons"])
    assert any("block" in reason for reason in ran.report["decision"]["reasons"])


def test_a_plan_that_cannot_be_read_starts_no_scanner(tmp_path: Path) -> None:
    scanner(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w'); say()")
    assert judge_plan(tmp_path, b"{", "--scanner", "checkov").code == 4
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--scanner", "checkov", "--kind", "state"),
        ("--scanner", "checkov", "--kind", "hcl"),
        ("--scanner-timeout", "5"),
        ("--no-scanner-cache",),
        ("--scanner", "other"),
        ("--scanner", "checkov", "--scanner-timeout", "0"),
    ],
    ids=" ".join,
)
def test_words_that_make_no_sense_together_are_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    state = {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": {}}}
    assert judge_plan(tmp_path, state if "state" in words else plan(), *words).code == 2


# --- the cache -------------------------------------------------------------------------------------------------------

COUNTING = "open({count!r}, 'a').write('x'); say()"


class TestCache:
    @pytest.fixture
    def count(self, tmp_path: Path) -> Path:
        file = tmp_path / "count"
        file.touch()
        scanner(tmp_path, COUNTING.format(count=str(file)))
        return file

    def test_the_same_plan_is_scanned_once(self, count: Path) -> None:
        first, second = scan(cache=True), scan(cache=True)
        assert count.read_text() == "x"
        assert second.findings == first.findings
        assert second.receipt == first.receipt
        assert any("from the cache" in note for note in second.notes)

    def test_a_scan_of_the_day_before_is_made_again(self, count: Path, tmp_path: Path) -> None:
        scan(cache=True)
        (file,) = tmp_path.glob("cache/iacgate/scans/*.msgpack")
        for before in (-24 * 3600 - 1, 3600):  # or of a day that is yet to come
            os.utime(file, (time.time() + before, time.time() + before))
            scan(cache=True)
        assert count.read_text() == "xxx"

    def test_without_the_cache_it_is_scanned_again(self, count: Path) -> None:
        scan(cache=True)
        scan(cache=False)
        assert count.read_text() == "xx"

    def test_another_plan_or_another_list_is_scanned_again(self, count: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        scan(cache=True)
        scan(plan(instance("other")), cache=True)
        inspected = checkov.inspect("checkov")._replace(lock_digest="another")
        monkeypatch.setattr(checkov, "inspect", lambda name: inspected)
        scan(cache=True)
        assert count.read_text() == "xxx"

    @pytest.mark.parametrize("mode", [0o604, 0o620])
    def test_a_file_that_others_may_touch_is_not_used(self, count: Path, tmp_path: Path, mode: int) -> None:
        scan(cache=True)
        (file,) = tmp_path.glob("cache/iacgate/scans/*.msgpack")
        file.chmod(mode)
        scan(cache=True)
        assert count.read_text() == "xx"

    def test_a_directory_that_others_may_touch_is_not_used(self, count: Path, tmp_path: Path) -> None:
        (tmp_path / "cache" / "iacgate" / "scans").mkdir(parents=True, mode=0o755)
        scan(cache=True)
        scan(cache=True)
        assert count.read_text() == "xx"
        assert not list(tmp_path.glob("cache/iacgate/scans/*"))

    def test_a_link_or_what_stands_under_another_name_is_not_used(self, count: Path, tmp_path: Path) -> None:
        scan(cache=True)
        (file,) = tmp_path.glob("cache/iacgate/scans/*.msgpack")
        moved = file.rename(tmp_path / "elsewhere")
        file.symlink_to(moved)
        scan(cache=True)
        assert count.read_text() == "xx"
        key = scan_cache.scan_key("another")
        (file.parent / f"{key}.msgpack").write_bytes(moved.read_bytes())
        (file.parent / f"{key}.msgpack").chmod(0o600)
        assert scan_cache.cached_scan(key) is None

    def test_rubbish_is_not_used(self, count: Path, tmp_path: Path) -> None:
        scan(cache=True)
        (file,) = tmp_path.glob("cache/iacgate/scans/*.msgpack")
        file.write_bytes(b"rubbish")
        assert scan(cache=True).problem == ""
        assert count.read_text() == "xx"
