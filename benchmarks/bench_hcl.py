"""What `iacgate check DIR` costs on 1,000 files of HCL: cold, after a change to one file, warm; beside checkov.

Whole processes of an installed wheel, in turns in one run, medians of ratios, as in ``bench_check.py``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from bench_check import Tools, _install_checkov, _install_iacgate, cost_row, middle, ratio, row, run, say, verdict
from hcl import write_tree


def main() -> None:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(description="Benchmarks of `iacgate check DIR`.")
    parser.add_argument("--files", type=int, default=1_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--no-checkov", action="store_true")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="for environments  [default: the XDG cache]")
    options = parser.parse_args()
    cache = options.cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "iacgate-bench"
    cache.mkdir(parents=True, exist_ok=True)
    tools = Tools(*_install_iacgate(cache), None if options.no_checkov else _install_checkov(cache))
    with tempfile.TemporaryDirectory(prefix="iacgate-bench-") as scratch:
        _measure(tools, Path(scratch), options.files, options.rounds)


def _measure(tools: Tools, scratch: Path, files: int, rounds: int) -> None:
    tree, kept = scratch / "tree", scratch / "kept"
    write_tree(tree, files)
    kept.mkdir()
    size = sum(file.stat().st_size for file in tree.rglob("*.tf"))
    row(f"{files:,} files, {size / 1e6:.1f} MB", "wall s", "CPU s", "MB")
    cold = (tools.iacgate, "check", tree, "--format", "json", "--output", os.devnull)
    warm = ("/usr/bin/env", f"XDG_CACHE_HOME={kept}", *cold)
    run(scratch, *warm)
    one = next(tree.rglob("part_*.tf"))
    costs: dict[str, list] = {"cold": [], "one file changed": [], "warm": []}
    for number in range(rounds):
        costs["cold"].append(run(scratch, *cold))  # an empty home each time, and so an empty cache
        with one.open("a", encoding="utf-8") as file:
            file.write(f"# change {number}\n")
        costs["one file changed"].append(run(scratch, *warm))
        costs["warm"].append(run(scratch, *warm))
    for name, found in costs.items():
        cost_row(f"iacgate check DIR, {name}", middle(found))
    verdict("warm faster than cold, wall", ratio(costs["cold"], costs["warm"], "wall"), 5, "x", at_least=True)
    if tools.checkov is not None:
        say("checkov, once; this takes a minute")
        theirs = run(
            scratch, tools.checkov, "-d", tree, "--framework", "terraform", "--compact", "--quiet", "-o", "json",
            "--skip-download",
        )  # fmt: skip
        cost_row("checkov -d", theirs)
        verdict("faster than checkov, cold, wall", theirs.wall / middle(costs["cold"]).wall, 8, "x", at_least=True)


if __name__ == "__main__":
    main()
