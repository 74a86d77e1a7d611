"""Install iacgate with and without checkov in the same environment, by pip and by uv, and see what works.

    python scripts/try_environments.py                 all of them: some minutes, needs a package index
    python scripts/try_environments.py --only uv       those whose name begins like that

checkov brings ``bc-python-hcl2``, which overwrites files of ``python-hcl2``, or is overwritten (``docs/adr/0013``).
For each environment this prints what pip or uv think of it, and what iacgate makes of it: a plan is judged, places are
looked up in HCL, `iacgate doctor` says what is wrong, and after its own hint was followed nothing is. It ends with 1
where one of these is not so.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PLAN = ROOT / "fixtures" / "plans" / "net-banking-broken-create.json"
SOURCE = ROOT / "fixtures" / "configs" / "net-banking-broken"
TIMEOUT = 900


class Recipe(NamedTuple):
    """An environment: by which installer, and what in which order."""

    name: str
    installer: str
    steps: tuple[tuple[str, ...], ...]
    """Each is one call; ``iacgate`` stands for this checkout's wheel."""


RECIPES = (
    Recipe("pip: iacgate alone", "pip", (("iacgate",),)),
    Recipe("pip: both at once", "pip", (("iacgate", "checkov"),)),
    Recipe("pip: checkov last", "pip", (("iacgate",), ("checkov",))),
    Recipe("pip: iacgate last", "pip", (("checkov",), ("iacgate",))),
    Recipe("uv: iacgate alone", "uv", (("iacgate",),)),
    Recipe("uv: both at once", "uv", (("iacgate", "checkov"),)),
    Recipe("uv: checkov last", "uv", (("iacgate",), ("checkov",))),
    Recipe("uv: iacgate last", "uv", (("checkov",), ("iacgate",))),
)


class Trial:
    """One environment, and what was seen in it."""

    def __init__(self, recipe: Recipe, directory: Path, wheel: Path, uv: str) -> None:
        self.recipe = recipe
        self.directory = directory
        self.wheel = wheel
        self.uv = uv
        self.wrong: list[str] = []
        self.environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(directory / "cache"),
            "IACGATE_SCANNERS": "/nonexistent",
        }

    def run(self) -> None:
        """Make it, look at it, mend it as the doctor says, look again."""
        print(f"\n=== {self.recipe.name}", flush=True)
        self._make()
        self._versions()
        clash = len({word for step in self.recipe.steps for word in step}) > 1
        self._expect("judges a plan", ["check", str(PLAN), "--quiet"], 1)
        places = self._places()
        self.say(f"findings with file and line: {places}")
        self._expect("judges HCL", ["check", str(SOURCE), "--quiet"], 1 if places else 4)
        if clash:
            works = self._checkov_works()
            self.say(f"the checkov in this environment {'works' if works else 'does not start'}")
            self._must(works == (places == 0), "exactly one of the two works")
        lines, code = self._doctor()
        broken = any(line["status"] == "fail" for line in lines)
        self._must((places == 0) == broken, "the doctor fails exactly where HCL cannot be read")
        self._must(code == (4 if broken else 0), f"the doctor ends with {code}")
        self._must(clash == any(line["status"] != "ok" for line in lines), "the doctor names the clash, and no other")
        hints = [line["hint"] for line in lines if line["status"] != "ok"]
        if hints:
            pip_part = hints[0].rpartition(" && iacgate scanner install")[0]
            self.say(f"mending: {hints[0].replace(str(self.directory), '...')}")
            self._must(self._shell(pip_part) == 0, "the hint's commands work")
            lines, code = self._doctor()
            self._must(code == 0 and self._places() > 0, "after that everything works")

    def say(self, text: str) -> None:
        """One line about this environment."""
        print(f"  {text}", flush=True)

    @property
    def _python(self) -> str:
        return str(self.directory / "bin" / "python")

    def _make(self) -> None:
        if self.recipe.installer == "uv":
            _call([self.uv, "venv", "--quiet", "--python", sys.executable, str(self.directory)])
            install = [self.uv, "pip", "install", "--quiet", "--python", self._python]
        else:
            _call([sys.executable, "-m", "venv", str(self.directory)])
            install = [self._python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for step in self.recipe.steps:
            words = [str(self.wheel) if word == "iacgate" else word for word in step]
            self.say(f"$ {self.recipe.installer} install {' '.join(step)}")
            _call([*install, *words])

    def _versions(self) -> None:
        code = (
            "import importlib.metadata as m\n"
            "for n in ('python-hcl2', 'bc-python-hcl2', 'checkov', 'boto3', 'click'):\n"
            "    try: print(n, m.version(n), end='; ')\n"
            "    except m.PackageNotFoundError: pass"
        )
        self.say(_output([self._python, "-I", "-c", code]).strip("; \n"))
        if self.recipe.installer == "uv":
            command = [self.uv, "pip", "check", "--python", self._python]
        else:
            command = [self._python, "-m", "pip", "check"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        said = (ran.stdout + ran.stderr).strip().splitlines() or ["nothing"]
        self.say(f"{self.recipe.installer} check: exit {ran.returncode}: {said[-1]}")

    def _iacgate(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        program = str(self.directory / "bin" / "iacgate")
        with tempfile.TemporaryDirectory() as empty:
            return subprocess.run(
                [program, *words],
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
                cwd=empty,
                env=self.environment,
            )

    def _expect(self, what: str, words: Sequence[str], code: int) -> None:
        ran = self._iacgate(words)
        self.say(f"{what}: exit {ran.returncode}{': ' + ran.stderr.strip() if ran.stderr.strip() else ''}")
        self._must(ran.returncode == code, f"{what}: exit {ran.returncode}, not {code}")

    def _places(self) -> int:
        ran = self._iacgate(["check", str(PLAN), "--source-dir", str(SOURCE), "--format", "json"])
        self._must(ran.returncode == 1, f"judging with --source-dir ends with {ran.returncode}")
        self._must("Traceback" not in ran.stderr, "a traceback")
        report = json.loads(ran.stdout)
        for note in report["notes"]:
            self.say(f"note: {note}")
        return sum(one["location"] is not None for one in report["results"])

    def _checkov_works(self) -> bool:
        command = [self._python, "-I", "-m", "checkov.main", "--version"]
        return subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False).returncode == 0

    def _doctor(self) -> tuple[list[dict[str, str]], int]:
        ran = self._iacgate(["doctor", "--format", "json"])
        lines = [one for one in json.loads(ran.stdout)["lines"] if one["subject"] not in ("terraform", "tofu")]
        for line in lines:
            if line["status"] != "ok" or line["subject"] == "python-hcl2":
                self.say(f"doctor: {line['status']} {line['subject']}: {line['text']}")
        return lines, ran.returncode

    def _shell(self, commands: str) -> int:
        path = f"{Path(self.uv).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        environment = {**self.environment, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        ran = subprocess.run(  # noqa: S602 - the hint as a person would paste it
            commands, shell=True, capture_output=True, timeout=TIMEOUT, check=False, env=environment
        )
        return ran.returncode

    def _must(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)
            self.say(f"NOT AS IT SHOULD BE: {what}")


def _call(command: Sequence[str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if ran.returncode != 0:
        raise SystemExit(f"{' '.join(command[:4])} …: {ran.stderr[-2000:]}")


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True).stdout


def main() -> int:
    """Try them in turn; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", metavar="NAME", help="those whose name begins like that")
    options = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="iacgate-environments-") as scratch:
        _call([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scratch, str(ROOT)])
        (wheel,) = Path(scratch).glob("iacgate-*.whl")
        tools = Path(scratch) / "tools"
        uv = shutil.which("uv")
        if uv is None:
            _call([sys.executable, "-m", "venv", str(tools)])
            _call([str(tools / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv"])
            uv = str(tools / "bin" / "uv")
        for number, recipe in enumerate(RECIPES):
            if recipe.name.startswith(options.only):
                trial = Trial(recipe, Path(scratch) / str(number), wheel, uv)
                trial.run()
                wrong += len(trial.wrong)
                shutil.rmtree(trial.directory)
    print(f"\n{'everything is as it should be' if not wrong else f'{wrong} things are not as they should be'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
