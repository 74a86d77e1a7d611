"""Remake the Terraform plans in ``fixtures/plans`` from ``fixtures/configs``.

Every plan is made by the real Terraform with the real AWS provider against a
simulated, empty AWS account (moto) on the loopback interface. Nothing leaves the
machine and no credentials are read.

What it needs::

    terraform                       1.11 on the PATH
    the AWS provider 5.100.0        from the network, or from a filesystem mirror
                                    named by TF_PROVIDER_MIRROR
    pip install 'moto[server]'      moto_server and boto3, in this interpreter's environment

Usage::

    python scripts/make_fixtures.py                 # all fixtures
    python scripts/make_fixtures.py drift moved     # some
    python scripts/make_fixtures.py --list
    python scripts/make_fixtures.py --check-labels  # no Terraform needed

The plans are not byte-for-byte repeatable: they hold a timestamp and, where a state
exists, identifiers that the simulated account draws at random.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
CONFIGS = FIXTURES / "configs"
PLANS = FIXTURES / "plans"
LABELS = FIXTURES / "labels"

HOST = "127.0.0.1"
REGION = "eu-central-1"
PORT = 5599
START_SECONDS = 60.0

# Any words will do: the simulated account lets everybody in.
MADE_UP_KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}

# Values of variables that have no default. All are invented.
PLATFORM_VALUES = {"db_password": "invented-Heron-Lamp-41"}
CANARY_VALUES = {"db_password": "CANARY-variable-9f2c"}


class FixtureError(Exception):
    """A fixture could not be made; the message says which step failed and how."""


# --- the simulated account ------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """A moto server on the loopback interface: one simulated AWS account."""

    endpoint: str

    def reset(self) -> None:
        """Empty the account."""
        host, _, port = self.endpoint.removeprefix("http://").partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        try:
            connection.request("POST", "/moto-api/reset")
            connection.getresponse().read()
        finally:
            connection.close()

    def client(self, service: str) -> Any:
        """Return a boto3 client of the account, for changes out of band."""
        boto3 = importlib.import_module("boto3")
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            **MADE_UP_KEYS,
        )


@contextlib.contextmanager
def running_account(port: int) -> Iterator[Account]:
    """Start a moto server, yield its account, and stop it by its process id."""
    beside = Path(sys.executable).parent / "moto_server"
    command = str(beside) if beside.exists() else shutil.which("moto_server")
    if command is None:
        raise FixtureError("moto_server not found: pip install 'moto[server]'")
    account = Account(f"http://{HOST}:{port}")
    server = subprocess.Popen(
        [command, "-H", HOST, "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(account, server)
        yield account
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(account: Account, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise FixtureError(f"moto_server ended at once; is {account.endpoint} in use?")
        try:
            account.reset()
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
        else:
            return
    raise FixtureError(f"moto_server did not answer within {START_SECONDS:.0f} s")


# --- Terraform ------------------------------------------------------------------------


@dataclass
class Workspace:
    """A scratch copy of configurations with a state of its own.

    Nothing is written into ``fixtures/configs``: no ``.terraform``, lock file or state.
    """

    directory: Path
    account: Account
    cli_config: Path | None
    variables: Mapping[str, str] = field(default_factory=dict)

    def use(self, *configs: str) -> None:
        """Replace the configuration by ``configs``, later ones laid over earlier ones."""
        for path in self.directory.rglob("*.tf"):
            path.unlink()
        for config in configs:
            source = CONFIGS / config
            if not source.is_dir():
                raise FixtureError(f"no configuration {source}")
            shutil.copytree(source, self.directory, dirs_exist_ok=True)
        self.terraform("init", "-input=false")

    def apply(self, *arguments: str) -> None:
        """Apply the configuration to the account."""
        self.terraform("apply", "-auto-approve", "-input=false", *arguments)

    def plan(self, name: str, *arguments: str, fails: bool = False) -> None:
        """Write ``fixtures/plans/NAME.json``; ``fails`` is for a plan that must not succeed."""
        binary = self.directory / f"{name}.tfplan"
        done = self.terraform("plan", "-input=false", f"-out={binary.name}", *arguments, check=not fails)
        if fails and done.returncode == 0:
            raise FixtureError(f"{name}: the plan succeeded, but it should have failed")
        shown = self.terraform("show", "-json", binary.name)
        PLANS.mkdir(parents=True, exist_ok=True)
        (PLANS / f"{name}.json").write_text(shown.stdout, encoding="utf-8")
        changes = json.loads(shown.stdout).get("resource_changes", [])
        print(f"  {name}.json: {len(shown.stdout)} bytes, {len(changes)} resource changes")

    def terraform(self, command: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one Terraform command in the scratch directory."""
        done = subprocess.run(
            ["terraform", command, "-no-color", *arguments],
            cwd=self.directory,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            asked = " ".join(["terraform", command, *arguments])
            raise FixtureError(f"{asked} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "TF_")) or name == "TF_PLUGIN_CACHE_DIR"
        }
        if self.cli_config is not None:
            kept["TF_CLI_CONFIG_FILE"] = str(self.cli_config)
        return kept | {
            "AWS_ENDPOINT_URL": self.account.endpoint,
            **{name.upper(): value for name, value in MADE_UP_KEYS.items()},
            "AWS_EC2_METADATA_DISABLED": "true",
            "CHECKPOINT_DISABLE": "1",
            "NO_COLOR": "1",
            "TF_IN_AUTOMATION": "1",
            **{f"TF_VAR_{name}": value for name, value in self.variables.items()},
        }


@dataclass(frozen=True)
class Lab:
    """Where fixtures are made: an account and a scratch directory."""

    account: Account
    scratch: Path
    cli_config: Path | None

    def workspace(self, *configs: str, **variables: str) -> Workspace:
        """Return a workspace with ``configs``, an empty state and an empty account."""
        self.account.reset()
        directory = Path(tempfile.mkdtemp(prefix=f"{configs[0]}-", dir=self.scratch))
        work = Workspace(directory, self.account, self.cli_config, variables)
        work.use(*configs)
        return work


def mirror_config(scratch: Path) -> Path | None:
    """Write a Terraform CLI configuration for TF_PROVIDER_MIRROR, if that is set."""
    mirror = os.environ.get("TF_PROVIDER_MIRROR")
    if not mirror:
        return None
    path = scratch / "terraform.rc"
    path.write_text(
        "provider_installation {\n"
        f"  filesystem_mirror {{\n    path = {json.dumps(mirror)}\n  }}\n"
        '  direct {\n    exclude = ["*/*"]\n  }\n'
        "}\n",
        encoding="utf-8",
    )
    return path


# --- the fixtures ---------------------------------------------------------------------

Recipe = Callable[[Lab], None]


def make_net_banking(lab: Lab) -> None:
    """A sound platform, and the same with twenty planted violations: first applies."""
    for name in ("net-banking", "net-banking-broken"):
        lab.workspace(name, **PLATFORM_VALUES).plan(f"{name}-create")


def make_legacy(lab: Lab) -> None:
    """An old workspace with state: no change, a harmless, a harmful and a mending one."""
    work = lab.workspace("legacy")
    _settle(work)
    work.plan("legacy-nochange")
    for change in ("harmless", "harmful", "fix"):
        work.use("legacy", f"legacy-{change}")
        work.plan(f"legacy-{change}")


def make_update(lab: Lab) -> None:
    """In-place updates of applied resources."""
    work = lab.workspace("update-before")
    _settle(work)
    work.use("update")
    work.plan("update")


def make_replace(lab: Lab) -> None:
    """Replacements in both orders, by change, on request and by trigger."""
    work = lab.workspace("replace-before")
    _settle(work)
    work.use("replace")
    work.plan("replace", "-replace=aws_sqs_queue.stuck")


def make_destroy(lab: Lab) -> None:
    """Everything goes: ``plan -destroy``."""
    work = lab.workspace("destroy")
    _settle(work)
    work.plan("destroy", "-destroy")


def make_drift(lab: Lab) -> None:
    """An account changed out of band: an ordinary plan and a refresh-only one."""
    work = lab.workspace("drift")
    _settle(work)
    ec2 = lab.account.client("ec2")
    for name in ("dri-web", "dri-bare"):
        groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
        ec2.authorize_security_group_ingress(
            GroupId=groups[0]["GroupId"],
            IpPermissions=[
                {
                    "IpProtocol": "tcp",
                    "FromPort": 22,
                    "ToPort": 22,
                    "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                }
            ],
        )
    lab.account.client("s3").delete_public_access_block(Bucket="dri-data-1987")
    lab.account.client("s3").put_bucket_tagging(
        Bucket="dri-data-1987",
        Tagging={"TagSet": [{"Key": "owner", "Value": "team-data"}, {"Key": "by", "Value": "hand"}]},
    )
    sqs = lab.account.client("sqs")
    sqs.set_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName="dri-jobs")["QueueUrl"],
        Attributes={"SqsManagedSseEnabled": "false", "VisibilityTimeout": "77"},
    )
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="dri-gone")["QueueUrl"])
    lab.account.client("ecr").put_image_scanning_configuration(
        repositoryName="dri/app", imageScanningConfiguration={"scanOnPush": False}
    )
    work.plan("drift")
    work.plan("drift-refresh-only", "-refresh-only")


def make_import(lab: Lab) -> None:
    """Import blocks, single and with for_each, for resources that exist."""
    work = lab.workspace("import")
    s3 = lab.account.client("s3")
    s3.create_bucket(
        Bucket="imp-statements-1987",
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    s3.put_public_access_block(
        Bucket="imp-statements-1987",
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": False,
        },
    )
    ecr = lab.account.client("ecr")
    for name in ("netbank/web", "netbank/api"):
        ecr.create_repository(
            repositoryName=name,
            imageScanningConfiguration={"scanOnPush": name == "netbank/web"},
        )
    work.plan("import")


def make_moved(lab: Lab) -> None:
    """The same violations before and after a rename and a move into a module."""
    work = lab.workspace("moved-before")
    _settle(work)
    work.plan("moved-before")
    work.use("moved")
    work.plan("moved")


def make_sensitive(lab: Lab) -> None:
    """Canary secrets in variables, nested values, provider settings and outputs."""
    work = lab.workspace("sensitive", **CANARY_VALUES)
    work.plan("sensitive")


def make_errored(lab: Lab) -> None:
    """A plan that stops at a failing precondition."""
    lab.workspace("errored").plan("errored", fails=True)


def make_targeted(lab: Lab) -> None:
    """A plan of a part of the configuration (``-target``)."""
    work = lab.workspace("targeted")
    work.plan("targeted", "-target=aws_sqs_queue.jobs", "-target=aws_sns_topic.events")


def make_forget(lab: Lab) -> None:
    """Resources that leave the state without being destroyed."""
    work = lab.workspace("forget-before")
    _settle(work)
    work.use("forget")
    work.plan("forget")


def _first_plan(name: str, purpose: str) -> Recipe:
    """Return a recipe that plans the configuration ``name`` against an empty account."""

    def make(lab: Lab) -> None:
        lab.workspace(name).plan(name)

    make.__doc__ = purpose
    return make


def _settle(work: Workspace) -> None:
    """Apply, then take over what the account reads back, so that it is not shown as drift."""
    work.apply()
    work.apply("-refresh-only")


RECIPES: dict[str, Recipe] = {
    "net-banking": make_net_banking,
    "legacy": make_legacy,
    "update": make_update,
    "replace": make_replace,
    "destroy": make_destroy,
    "drift": make_drift,
    "import": make_import,
    "moved": make_moved,
    "sensitive": make_sensitive,
    "errored": make_errored,
    "targeted": make_targeted,
    "forget": make_forget,
    "references": _first_plan("references", "Every way in which one resource refers to another."),
    "policies": _first_plan("policies", "Bucket policies that are unknown before the apply."),
    "addresses": _first_plan("addresses", "Instance keys that make addresses hard to read."),
    "checks": _first_plan("checks", "Check blocks, validations, pre- and postconditions."),
    "empty": _first_plan("empty", "A configuration of outputs only."),
    "providers-only-unknown": _first_plan("providers-only-unknown", "Resources that no check of any cloud covers."),
    "dynamic-blocks": _first_plan("dynamic-blocks", "Generated blocks, known and unknown."),
}


# --- the labels -----------------------------------------------------------------------


def check_labels() -> list[str]:
    """Return what is wrong with the labels: a plan, address or source line that is not there."""
    wrong: list[str] = []
    for path in sorted(LABELS.glob("*.json")):
        label = json.loads(path.read_text(encoding="utf-8"))
        plan_path = PLANS / label["plan"]
        if not plan_path.exists():
            wrong.append(f"{path.name}: no plan {label['plan']}")
            continue
        plan = json.loads(plan_path.read_text(encoding="utf-8"))
        known = {change["address"] for part in ("resource_changes", "resource_drift") for change in plan.get(part, [])}
        for entry in _entries(label):
            if entry["address"] not in known:
                wrong.append(f"{path.name}: {entry['address']} is not in {label['plan']}")
            if "file" in entry:
                wrong.extend(f"{path.name}: {problem}" for problem in _wrong_line(label, entry))
    return wrong


def _entries(label: Any) -> Iterator[dict[str, Any]]:
    """Yield every (check, address) entry, however deep."""
    match label:
        case {"check": _, "address": _}:
            yield label
        case dict():
            for value in label.values():
                yield from _entries(value)
        case list():
            for value in label:
                yield from _entries(value)
        case _:
            return


def _wrong_line(label: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterable[str]:
    """Yield a sentence if no resource block of the entry's address begins at its line."""
    kind, name = _block_of(entry["address"])
    directory = FIXTURES / entry.get("source_dir", label.get("source_dir", ""))
    source = directory / entry["file"]
    lines = source.read_text(encoding="utf-8").splitlines() if source.is_file() else []
    place = entry["line"] - 1
    if place >= len(lines) or lines[place] != f'resource "{kind}" "{name}" {{':
        yield f"{entry['file']}:{entry['line']} is not the block of {entry['address']}"


def _block_of(address: str) -> tuple[str, str]:
    """Return type and name of a resource address, without modules and instance keys."""
    bare = re.sub(r'\[(?:"(?:[^"\\]|\\.)*"|\d+)\]', "", address)
    kind, name = bare.split(".")[-2:]
    return kind, name


# --- the command ----------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 when everything asked for was made and is right."""
    parser = argparse.ArgumentParser(description="Remake fixtures/plans from fixtures/configs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="fixtures to make (default: all)")
    parser.add_argument("--list", action="store_true", help="list the fixtures and stop")
    parser.add_argument("--check-labels", action="store_true", help="check labels and stop")
    parser.add_argument("--port", type=int, default=PORT, help="loopback port of the account")
    options = parser.parse_args(arguments)
    if options.list:
        for name, recipe in RECIPES.items():
            print(f"{name:24}{(recipe.__doc__ or '').strip()}")
        return 0
    if not options.check_labels:
        unknown = [name for name in options.names if name not in RECIPES]
        if unknown:
            parser.error(f"no such fixture: {', '.join(unknown)}")
        try:
            _make(options.names or list(RECIPES), options.port)
        except FixtureError as error:
            print(f"make_fixtures: {error}", file=sys.stderr)
            return 1
    wrong = check_labels()
    for sentence in wrong:
        print(f"make_fixtures: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


def _make(names: Iterable[str], port: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="iacgate-fixtures-") as scratch,
        running_account(port) as account,
    ):
        lab = Lab(account, Path(scratch), mirror_config(Path(scratch)))
        for name in names:
            print(name)
            RECIPES[name](lab)


if __name__ == "__main__":
    sys.exit(main())
