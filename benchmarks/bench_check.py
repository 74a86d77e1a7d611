"""What `iacgate check` costs, beside a bare interpreter, bare decoding of the plan, and checkov.

Whole processes of an installed wheel in an environment of its own, as users have it; measured in turns
in one run, several times, medians. Times depend on the machine and on what else it does; ratios do so
much less, so the targets (docs/reference/benchmarks.md) are ratios. Nothing fails when one is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PLANS = Path(__file__).with_name("plans.py")
SIZES = (10, 1_000, 10_000, 50_000)
ROUNDS = {10: 25, 1_000: 11, 10_000: 7, 50_000: 3}
CALIBRATION = 1_000
USUAL, MANY = 1.0, 3.5
"""Findings a resource."""
DECODE = "import sys, msgspec; msgspec.json.decode(open(sys.argv[1], 'rb').read())"
COUNT = "import json, sys; print(len(json.load(open(sys.argv[1]))['results']))"
# What checkov and pip may see of our environment.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


class Cost(NamedTuple):
    """Of one process and its children."""

    wall: float
    cpu: float
    memory: float
    """Peak, in MB (10^6 bytes)."""


class Tools(NamedTuple):
    """Programs that are measured."""

    python: Path
    iacgate: Path
    checkov: Path | None


class Plan(NamedTuple):
    """A generated plan and what it holds."""

    resources: int
    file: Path
    findings: int

    @property
    def rate(self) -> float:
        """Findings a resource."""
        return self.findings / self.resources

    @property
    def title(self) -> str:
        """For the table."""
        size = self.file.stat().st_size / 1e6
        return f"{self.resources:,} resources, {size:.1f} MB, {self.findings:,} findings ({self.rate:.2f} a resource)"


class Shape(NamedTuple):
    """What of, and how bad, plans are made for a rate of findings."""

    mix: str
    bad: float


def main() -> None:
    """Prepare, measure, print."""
    options = _options()
    cache = options.cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "iacgate-bench"
    cache.mkdir(parents=True, exist_ok=True)
    limit = 10 if options.quick else 10_000 if options.full else 1_000
    limit = limit if options.checkov is None else options.checkov
    tools = Tools(*_install_iacgate(cache), _install_checkov(cache) if limit else None)
    with tempfile.TemporaryDirectory(prefix="iacgate-bench-") as scratch:
        sizes = options.sizes or (SIZES[:2] if options.quick else SIZES)
        _measure_all(tools, Path(scratch), sizes, limit, options.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Benchmarks of `iacgate check`.")
    parser.add_argument("--quick", action="store_true", help="only 10 and 1,000 resources; checkov only up to 10")
    parser.add_argument("--full", action="store_true", help="checkov up to 10,000 resources as well; takes minutes")
    parser.add_argument("--checkov", type=int, metavar="N", help="checkov up to N resources; 0: without it")
    parser.add_argument("--sizes", type=int, nargs="+", metavar="N", help="other sizes")
    parser.add_argument("--rounds", type=float, default=1.0, metavar="F", help="F times as many rounds")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="for environments  [default: the XDG cache]")
    return parser.parse_args()


# --- environments ----------------------------------------------------------------------------------------------------


def _install_iacgate(cache: Path) -> tuple[Path, Path]:
    """The tree as a wheel, in an environment with nothing else. The dependencies are kept between runs."""
    say("building and installing the wheel")
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    key = hashlib.sha256(json.dumps([needs, sys.version]).encode()).hexdigest()[:16]
    environment = cache / f"iacgate-{key}"
    with tempfile.TemporaryDirectory() as out:
        _call(
            sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", out, str(ROOT)
        )
        (wheel,) = Path(out).glob("*.whl")
        python = _environment(environment, str(wheel))
        _call(python, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", wheel)
    return python, environment / "bin" / "iacgate"


def _install_checkov(cache: Path) -> Path | None:
    environment = cache / f"checkov-{sys.version_info.major}.{sys.version_info.minor}"
    program = environment / "bin" / "checkov"
    if not program.exists():
        say("installing checkov")
        try:
            _environment(environment, "checkov")
        except subprocess.CalledProcessError as error:
            say(f"SKIPPED: checkov cannot be installed, so nothing is compared with it: {_last_line(error.stderr)}")
            return None
    return program


def _environment(directory: Path, *packages: str) -> Path:
    """A virtual environment with packages, whole or not at all. Its python."""
    python = directory / "bin" / "python"
    if not (directory / "complete").exists():
        shutil.rmtree(directory, ignore_errors=True)
        _call(sys.executable, "-m", "venv", directory)
        try:
            _call(python, "-m", "pip", "install", "--quiet", *packages)
        except subprocess.CalledProcessError:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        (directory / "complete").touch()
    return python


def _call(*command: str | Path) -> str:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_WARN_SCRIPT_LOCATION": "1"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]


# --- plans -----------------------------------------------------------------------------------------------------------


def _calibrate(tools: Tools, scratch: Path, rate: float) -> Shape:
    """The shape that gives about this many findings a resource, with the checks there are now."""
    shape = Shape("usual", 1.0)
    for mix in ("usual", "heavy"):
        at = {bad: _plan(tools, scratch, CALIBRATION, Shape(mix, bad)).rate for bad in (0.0, 1.0)}
        shape = Shape(mix, 1.0)
        if at[1.0] >= rate:
            return Shape(mix, round(max(0.0, (rate - at[0.0]) / (at[1.0] - at[0.0])), 3))
    return shape


def _plan(tools: Tools, scratch: Path, resources: int, shape: Shape) -> Plan:
    """Made by a process of its own: what a child is charged for begins with the memory of its parent."""
    file = scratch / f"plan-{resources}-{shape.mix}-{shape.bad}.json"
    if not file.exists():
        _call(sys.executable, PLANS, str(resources), file, "--mix", shape.mix, "--bad", str(shape.bad))
    report = scratch / "report.json"
    run(scratch, tools.iacgate, "check", file, "--format", "json", "--output", report)
    return Plan(resources, file, int(_call(sys.executable, "-c", COUNT, report)))


# --- measuring -------------------------------------------------------------------------------------------------------


def run(directory: Path, *command: str | Path) -> Cost:
    """Run a program in an empty directory, home included, and say what it cost."""
    with tempfile.TemporaryDirectory(dir=directory) as empty:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"HOME": empty}
        start = time.perf_counter()
        child = subprocess.Popen(  # the standard library's own wait would throw the usage away
            list(map(str, command)), cwd=empty, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1, 3):
        raise SystemExit(f"{Path(command[0]).name} ended with {child.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def paired(directory: Path, rounds: int, *commands: Sequence[str | Path]) -> list[list[Cost]]:
    """The commands in turns (A B C A B C …), so that what else the machine does hits all of them."""
    for command in commands:
        run(directory, *command)  # once for the caches
    costs: list[list[Cost]] = [[] for _ in commands]
    for _ in range(rounds):
        for command, into in zip(commands, costs, strict=True):
            into.append(run(directory, *command))
    return costs


def middle(costs: list[Cost]) -> Cost:
    """The median of each."""
    return Cost(*(median(values) for values in zip(*costs, strict=True)))


def ratio(one: list[Cost], other: list[Cost], field: str) -> float:
    """The median of the rounds' own ratios."""
    return float(median(getattr(a, field) / getattr(b, field) for a, b in zip(one, other, strict=True)))


def _measure_all(tools: Tools, scratch: Path, sizes: Sequence[int], limit: int, factor: float) -> None:
    say("making plans")
    usual, many = (_calibrate(tools, scratch, rate) for rate in (USUAL, MANY))
    checks = len(json.loads(_call(tools.iacgate, "checks", "list", "--format", "json")))
    machine = f"Python {sys.version.split()[0]}, {os.cpu_count()} cores"
    print(f"iacgate check, {checks} checks; {machine}; medians, and medians of the rounds' ratios\n")
    each: dict[int, tuple[Cost, Cost]] = {}
    for size in sizes:
        rounds = max(1, round(ROUNDS.get(size, 5) * factor))
        each[size] = _measure(tools, scratch, _plan(tools, scratch, size, usual), rounds, limit, 3, many=False)
        if size == 10_000:
            dense = _plan(tools, scratch, size, many)
            if dense.rate < MANY - 0.25:
                print(f"(the checks there are now give at most {dense.rate:.2f} findings a resource, not {MANY})")
            _measure(tools, scratch, dense, rounds, 0, 4, many=True)
        for file in scratch.glob(f"plan-{size}-*.json"):
            if size != CALIBRATION:
                file.unlink()
    _scaling(each)


def _measure(
    tools: Tools, scratch: Path, plan: Plan, rounds: int, limit: int, most: float, *, many: bool
) -> tuple[Cost, Cost]:
    check = (tools.iacgate, "check", plan.file, "--format", "json", "--output", os.devnull)
    bare = (tools.python, "-I", "-c", "pass")
    decode = (tools.python, "-I", "-c", DECODE, plan.file)
    checking, starting, decoding = paired(scratch, rounds, check, bare, decode)
    print(plan.title)
    row("", "wall s", "CPU s", "peak MB", f"{rounds} rounds")
    ours = middle(checking)
    cost_row("iacgate check", ours)
    cost_row("bare interpreter start", middle(starting))
    plainly = middle(decoding)
    cost_row("msgspec decode into dicts", plainly)
    if plan.resources <= 10:
        verdict("bare interpreter starts, CPU", ratio(checking, starting, "cpu"), 9, "x")
        verdict("wall, the quickest round", min(cost.wall for cost in checking), 0.12, " s")
    if plan.resources == 10_000:
        verdict("CPU of decoding into dicts", ratio(checking, decoding, "cpu"), most, "x")
        verdict("peak memory", ours.memory, 150, " MB")
    if tools.checkov and plan.resources <= limit and not many:
        _compare(tools.checkov, scratch, plan, check)
    print()
    return ours, plainly


def _compare(checkov: Path, scratch: Path, plan: Plan, check: Sequence[str | Path]) -> None:
    """With checkov, in the same turns. It takes seconds to minutes, so it gets few of them."""
    theirs = (checkov, "-f", plan.file, "--framework", "terraform_plan", "--compact", "--quiet", "-o", "json",
              "--skip-download")  # fmt: skip
    if plan.resources >= 10_000:
        say("checkov, once; this takes minutes")
        ours, other = [run(scratch, *check)], [run(scratch, *theirs)]
    else:
        ours, other = paired(scratch, 3 if plan.resources <= 10 else 2, check, theirs)
    cost_row("checkov", middle(other))
    least = 20 if plan.resources <= 10 else 100 if plan.resources == 10_000 else None
    verdict("faster than checkov, wall", ratio(other, ours, "wall"), least, "x", at_least=True)


def _scaling(each: dict[int, tuple[Cost, Cost]]) -> None:
    """Large plans cost every program more a resource, decoding too: the caches do not hold them."""
    if not {10, 1_000, 50_000} <= each.keys():
        return
    print("CPU per resource at 50,000 against that at 1,000")
    whole, beyond, decoding = (_growth({size: costs[which].cpu for size, costs in each.items()}, start=start)
                               for which, start in ((0, False), (0, True), (1, True)))  # fmt: skip
    verdict("iacgate check", whole, 1.2, "x")
    verdict("less what the 10-resource plan costs", beyond, None, "x")
    verdict("the same of msgspec decode into dicts", decoding, None, "x")


def _growth(cpu: dict[int, float], *, start: bool) -> float:
    least = cpu[10] if start else 0.0
    return ((cpu[50_000] - least) / 50_000) / ((cpu[1_000] - least) / 1_000)


# --- the table -------------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    """Progress, beside the table."""
    print(f"… {text}", file=sys.stderr, flush=True)


def row(*cells: str) -> None:
    """One line of the table."""
    print(f"  {cells[0]:<46}" + "".join(f"{cell:>11}" for cell in cells[1:]), flush=True)


def cost_row(name: str, cost: Cost) -> None:
    """What one program cost."""
    row(name, f"{cost.wall:.3f}", f"{cost.cpu:.3f}", f"{cost.memory:.0f}")


def verdict(name: str, value: float, target: float | None, unit: str, *, at_least: bool = False) -> None:
    """A number beside its target."""
    if target is None:
        row(f"  {name}", f"{value:.2f}{unit}")
        return
    met = value >= target if at_least else value <= target
    words = f"target {'>=' if at_least else '<='} {target:g}{unit}: {'met' if met else 'MISSED'}"
    row(f"  {name}", f"{value:.2f}{unit}", f"   {words}")


if __name__ == "__main__":
    main()
