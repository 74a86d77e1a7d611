"""Hold every example of the check library against the real Terraform and the real AWS provider.

Each example becomes a module of one root configuration. Variables without a default are fed from
what only an apply settles, so they are unknown in the plan, as the examples mean them. The plan is
cut into one plan per example, the example's check judges it, and what differs from the example's
label, or from the plan that ``iacgate.testing.examples`` makes of the same text, is printed.

The plan is made against a simulated, empty AWS account as in ``make_fixtures.py``, which says what
must be installed. Usage::

    python scripts/verify_examples.py                          # the whole library
    python scripts/verify_examples.py aws-vpc-flow-logs        # some checks
    python scripts/verify_examples.py --try variants.yaml      # texts that are in no check yet
    python scripts/verify_examples.py --keep DIR               # keep the plans, one file per example
    python scripts/verify_examples.py --record                 # keep them in fixtures/example-plans.jsonl.gz

An example that no plan can hold, because the provider refuses it, says so: ``# refused: WORDS`` on a
line of its own, with words of the refusal. ``--try`` takes a file that maps checks to labels to lists of
texts, as ``examples:`` of a check does. Such a text may hold modules: a line ``# file: inner/main.tf``
starts another file. The exit status is 1 when anything disagrees or is refused by the provider.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from iacgate.errors import IacgateError
from iacgate.policy.catalogue import load_directory, packaged_root
from iacgate.policy.provider_schema import load
from iacgate.testing.examples import ExampleError, ExamplePlan, example_plan
from iacgate.testing.judging import fits, judge_check

if TYPE_CHECKING:
    from scripts.make_fixtures import HOST, MADE_UP_KEYS, REGION, FixtureError, mirror_config, running_account
else:  # run as a script: the one beside this
    from make_fixtures import HOST, MADE_UP_KEYS, REGION, FixtureError, mirror_config, running_account

PORT = 5598
RECORDED = Path(__file__).resolve().parent.parent / "fixtures" / "example-plans.jsonl.gz"
BATCH = 500

ROOT_CONFIGURATION = """\
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  region = "%(region)s"
}

# Decoded, so that the type is as unknown as the value and every variable can be fed from it.
resource "terraform_data" "unknown" {
  input = jsondecode(timestamp())
}
"""

CHILD_CONFIGURATION = """\
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}
"""


@dataclass(frozen=True)
class Example:
    """One example: its check, its label, its place among those of the label, and its text."""

    check: str
    label: str
    position: int
    text: str
    from_library: bool = True

    @property
    def name(self) -> str:
        """A name that serves as a Terraform module's."""
        return f"{self.check}-{self.label}-{self.position}"

    @property
    def refusal(self) -> str:
        """Words of the refusal that the example expects of the provider; empty when it expects none."""
        return next((line[11:].strip() for line in self.text.splitlines() if line.startswith("# refused: ")), "")

    @property
    def parameters(self) -> dict[str, Any]:
        """What the policy bundle gives."""
        given = (line.removeprefix("# parameters: ") for line in self.text.splitlines() if "# parameters: " in line)
        return json.loads(next(given, "{}"))  # type: ignore[no-any-return]

    @property
    def owns_account(self) -> bool:
        """Whether account-level checks are asked."""
        return "# account: owned" in self.text.splitlines()


# --- where examples come from ---------------------------------------------------------


def library_examples(names: Iterable[str]) -> Iterator[Example]:
    """Yield the examples of the checks named (of all on AWS, when none is): its provider is the one at hand."""
    wanted = set(names)
    for path in sorted((packaged_root() / "aws").rglob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "examples" in document and (not wanted or path.stem in wanted):
            examples = _listed(path.stem, document["examples"], from_library=True)
            # An empty account has nothing that a plan could destroy, and only one version of the provider is at hand.
            yield from (
                one for one in examples if "# actions: " not in one.text and "required_providers" not in one.text
            )


def tried_examples(path: Path) -> Iterator[Example]:
    """Yield the examples of a file that maps checks to labels to lists of texts."""
    for check, labels in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        yield from _listed(check, labels, from_library=False)


def _listed(check: str, labels: Mapping[str, list[str]], *, from_library: bool) -> Iterator[Example]:
    for label, texts in labels.items():
        for position, text in enumerate(texts):
            yield Example(check, label, position, text, from_library)


# --- one plan of many examples --------------------------------------------------------


class Batch:
    """A root configuration with a module for every example."""

    def __init__(self, directory: Path, environment: Mapping[str, str], examples: Iterable[Example]) -> None:
        self._directory = directory
        self._environment = environment
        self._examples = {example.name: example for example in examples}
        self.refused: dict[str, str] = {}

    def plan(self) -> dict[str, Any]:
        """Make the plan; what Terraform or the provider refuses is left out and stands in ``refused``."""
        while True:
            self._write()
            done = self._terraform("init", "-input=false")
            if done.returncode:
                raise FixtureError(f"terraform init failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
            done = self._terraform("validate", "-json")
            if self._refuse(json.loads(done.stdout)["diagnostics"]):
                continue
            done = self._terraform("plan", "-json", "-input=false", "-out=all.tfplan")
            if done.returncode == 0:
                break
            events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
            if not self._refuse([event["diagnostic"] for event in events if "diagnostic" in event]):
                raise FixtureError(f"terraform plan failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        shown: dict[str, Any] = json.loads(self._terraform("show", "-json", "all.tfplan").stdout)
        return shown

    def _write(self) -> None:
        calls = []
        for name, example in self._examples.items():
            if name in self.refused:
                continue
            module = self._directory / "examples" / name
            for path, text in _files(example.text):
                (module / path).parent.mkdir(parents=True, exist_ok=True)
                (module / path).write_text(text, encoding="utf-8")
            (module / "versions.tf").write_text(CHILD_CONFIGURATION, encoding="utf-8")
            inputs = "".join(f"  {one} = terraform_data.unknown.output\n" for one in _open_variables(example.text))
            calls.append(f'module "{name}" {{\n  source = "./examples/{name}"\n{inputs}}}\n')
        root = ROOT_CONFIGURATION % {"region": REGION}
        (self._directory / "main.tf").write_text("\n".join([root, *calls]), encoding="utf-8")

    def _refuse(self, diagnostics: Iterable[Mapping[str, Any]]) -> bool:
        """Note the examples that errors name; return whether there are new ones."""
        found = False
        for one in diagnostics:
            if one["severity"] != "error":
                continue
            place = str(one.get("range", {}).get("filename", "")) + " " + str(one.get("address", ""))
            match = re.search(r"examples/([\w-]+)/|module\.([\w-]+)\.", place)
            name = (match[1] or match[2]) if match else None
            if name not in self._examples:
                sentence = f"{one['summary']}: {one.get('detail', '')} ({place.strip()})"
                raise FixtureError(f"Terraform refuses the whole plan: {sentence}")
            found = found or name not in self.refused
            sentence = " ".join(f"{one['summary']}: {one.get('detail', '')}".split())
            self.refused.setdefault(str(name), sentence)
        return found

    def _terraform(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", command, "-no-color", *arguments],
            cwd=self._directory,
            env=dict(self._environment),
            capture_output=True,
            text=True,
            check=False,
        )


def _files(text: str) -> Iterator[tuple[str, str]]:
    path = "main.tf"
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("# file: "):
            yield path, "\n".join(lines) + "\n"
            path, lines = line.removeprefix("# file: ").strip(), []
        else:
            lines.append(line)
    yield path, "\n".join(lines) + "\n"


def _open_variables(text: str) -> list[str]:
    """The variables of the example's main file that have no default."""
    main = next(_files(text))[1]
    blocks = re.findall(r'^variable "([\w-]+)" \{(.*?)\}$', main, re.MULTILINE | re.DOTALL)
    return [name for name, body in blocks if not re.search(r"\bdefault\s*=", body)]


def cut_out(plan: Mapping[str, Any], module: str) -> dict[str, Any]:
    """Return the plan of one module of the root, as if the root had no other."""
    below = f"module.{module}."

    def kept(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [change for change in changes if change["address"].startswith(below)]

    def tree(root: Mapping[str, Any]) -> dict[str, Any]:
        children = [child for child in root.get("child_modules", []) if child["address"] == below[:-1]]
        return {"child_modules": children} if children else {}

    configuration = plan["configuration"]
    root = configuration["root_module"]
    out = {key: value for key, value in plan.items() if key not in ("resource_drift", "relevant_attributes", "checks")}
    out["resource_changes"] = kept(plan.get("resource_changes", []))
    out["planned_values"] = {"root_module": tree(plan["planned_values"]["root_module"])}
    if "prior_state" in plan:
        values = plan["prior_state"].get("values", {})
        out["prior_state"] = plan["prior_state"] | {
            "values": {"root_module": tree(values.get("root_module", {}))} if values else {}
        }
    out["configuration"] = configuration | {
        "root_module": root | {"module_calls": {module: root["module_calls"][module]}}
    }
    return out


# --- the table ------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What an example's check says of the real plan and of the synthetic one."""

    example: Example
    real: list[str]
    synthetic: list[str] | None

    @property
    def right(self) -> bool:
        """Whether both plans are judged as the label says."""
        return fits(self.example.label, self.real) and (
            self.synthetic is None or fits(self.example.label, self.synthetic)
        )


def judge(example: Example, plan: Mapping[str, Any]) -> Outcome:
    """Judge an example's part of the plan, and its synthetic plan if it has one."""
    real = ExamplePlan(json.dumps(plan).encode(), example.owns_account, parameters=example.parameters)
    synthetic: list[str] | None = None
    if example.from_library:
        try:
            synthetic = _verdicts(example, example_plan(example.text, load()))
        except ExampleError as error:
            synthetic = [f"error: {error}"]
    return Outcome(example, _verdicts(example, real), synthetic)


def _verdicts(example: Example, plan: ExamplePlan) -> list[str]:
    try:
        return sorted(str(verdict) for verdict in judge_check(example.check, plan, packaged_root()))
    except Exception as error:  # one example that cannot be judged must not hide the others
        return [f"error: {type(error).__name__}: {error}"]


def run(examples: list[Example], port: int, keep: Path | None) -> int:
    """Plan and judge all examples; return how many are refused or disagree."""
    outcomes: list[Outcome] = []
    refused: dict[str, str] = {}
    with running_account(port) as account, tempfile.TemporaryDirectory(prefix="verify-examples-") as scratch:
        cli_config = mirror_config(Path(scratch))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "TF_VAR_"))}
        if cli_config is not None:
            environment["TF_CLI_CONFIG_FILE"] = str(cli_config)
        environment |= {
            "AWS_ENDPOINT_URL": account.endpoint,
            **{name.upper(): value for name, value in MADE_UP_KEYS.items()},
            "AWS_EC2_METADATA_DISABLED": "true",
            "CHECKPOINT_DISABLE": "1",
            "NO_PROXY": HOST,
            "TF_IN_AUTOMATION": "1",
        }
        for start in range(0, len(examples), BATCH):
            directory = Path(scratch) / f"batch-{start}"
            directory.mkdir()
            batch = Batch(directory, environment, examples[start : start + BATCH])
            plan = batch.plan()
            refused |= batch.refused
            for example in examples[start : start + BATCH]:
                if example.name in batch.refused:
                    continue
                part = cut_out(plan, example.name)
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{example.name}.json").write_text(json.dumps(part, indent=1), encoding="utf-8")
                outcomes.append(judge(example, part))
    wrong = [outcome for outcome in outcomes if not outcome.right]
    expected = {example.name: example.refusal for example in examples if example.refusal}
    surprises = {
        name: refused.get(name, "expected a refusal, but the provider takes it")
        for name in refused.keys() | expected.keys()
        if not expected.get(name) or expected[name] not in refused.get(name, "")
    }
    for name, sentence in sorted(surprises.items()):
        print(f"REFUSED   {name}: {sentence}")
    for outcome in wrong:
        synthetic = "-" if outcome.synthetic is None else ", ".join(outcome.synthetic) or "nothing"
        print(f"DISAGREES {outcome.example.name}: real: {', '.join(outcome.real) or 'nothing'}; synthetic: {synthetic}")
    right = len(examples) - len(wrong) - len(surprises)
    print(f"{len(examples)} examples: {right} right, {len(wrong)} disagree, {len(surprises)} refused")
    return len(wrong) + len(surprises)


def record(examples: Iterable[Example], folder: Path) -> None:
    """Write what ``tests/acceptance/test_hcl_equals_plan.py`` reads: an example and its plan a line."""
    lines = []
    for example in examples:
        file = folder / f"{example.name}.json"
        if file.is_file():
            plan = json.loads(file.read_bytes())
            plan["planned_values"] = {"root_module": {}}
            lines.append(json.dumps({"check": example.check, "text": example.text, "plan": plan}, sort_keys=True))
    RECORDED.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))
    print(f"{len(lines)} plans recorded in {RECORDED.name}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 when the provider takes every example and every verdict is as labelled."""
    parser = argparse.ArgumentParser(description="Hold the checks' examples against real Terraform plans.")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="checks whose examples to verify (default: all)")
    parser.add_argument("--try", dest="tried", type=Path, metavar="FILE", help="examples in a file instead")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the plan of each example there")
    parser.add_argument("--record", action="store_true", help="record the plans of the whole library for the tests")
    parser.add_argument("--port", type=int, default=PORT, help="loopback port of the simulated account")
    options = parser.parse_args(arguments)
    found = tried_examples(options.tried) if options.tried else library_examples(options.checks)
    examples = list(found)
    if not examples:
        parser.error("no examples found")
    try:
        load_directory(packaged_root(), with_packaged=False)  # a check that cannot be read is no disagreement
        if options.record and not options.checks and not options.tried:
            examples = [one for one in examples if one.check.startswith("aws-")]  # the provider that is at hand
            with tempfile.TemporaryDirectory() as folder:
                failed = run(examples, options.port, Path(folder))
                record(examples, Path(folder))
            return 1 if failed else 0
        return 1 if run(examples, options.port, options.keep) else 0
    except (FixtureError, IacgateError) as error:
        print(f"verify_examples: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
