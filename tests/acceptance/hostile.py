"""Small plans that hold a violation, and the gate run on them: in this process for speed, or as a program."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

from iacgate.cli import main

FIXTURES = Path(__file__).parents[2] / "fixtures"
ROOT = Path(__file__).parents[2]
CODES = {0, 1, 2, 3, 4}
PUBLIC_IP = "aws-ec2-instance-private-ip"
LEFT_OUT = object()


class Ran(NamedTuple):
    """What a run of the gate came to."""

    code: int
    out: str
    err: str
    seconds: float = 0.0
    megabytes: int = 0

    @property
    def report(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def outcome(self) -> str:
        return self.report["decision"]["outcome"]

    def verdicts(self, address: str = "aws_instance.bad") -> dict[str, str]:
        """Verdicts on one resource by check."""
        return {one["check"]: one["verdict"] for one in self.report["results"] if one["resource"]["address"] == address}


def judge(*arguments: str | Path) -> Ran:
    """``iacgate check --format json`` in this process, through the outermost handler."""
    return call("check", "--format", "json", *arguments)


def call(*arguments: str | Path) -> Ran:
    """Any command in this process; the code is what the process would end with."""
    with _captured(["iacgate", *map(str, arguments)]) as (out, err):
        start = time.process_time()  # of the processor, so that load does not count
        code = main._run()
        seconds = time.process_time() - start
    return Ran(code, out.getvalue().decode(), err.getvalue().decode(), seconds)


def judge_plan(folder: Path, content: Any, *arguments: str | Path) -> Ran:
    """Judge a plan given as bytes, text or what JSON would be made of."""
    return judge(written(folder, content), *arguments)


def written(folder: Path, content: Any, name: str = "plan.json") -> Path:
    path = folder / name
    if isinstance(content, str):
        content = content.encode()
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def process(*arguments: str | Path, seconds: float = 60.0, cwd: Path | None = None, stdin: Any = None) -> Ran:
    """The command as a program of its own; its ``seconds`` are of the processor, so that load does not count."""
    words = [sys.executable, "-P", "-c", "from iacgate.cli.main import run; run()", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
    # A small shell in between: a child counts the pages of the process that made it as its own.
    words = [sys.executable, "-S", "-c", _MEASURED, *words]
    done = subprocess.run(words, capture_output=True, timeout=seconds, cwd=cwd, env=environment, stdin=stdin)
    err, _, used = done.stderr.decode().rpartition("\n#")
    cpu, kilobytes = used.split()
    return Ran(done.returncode, done.stdout.decode(), err, float(cpu), int(kilobytes) // 1024)


_MEASURED = """
import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
sys.stderr.write(f"\\n#{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


def instance(
    name: str = "bad", *, public: Any = True, change: dict[str, Any] | None = None, **entry: Any
) -> dict[str, Any]:
    """A resource change that creates an instance with a public address, and all else as it should be."""
    values = {
        "actions": ["create"],
        "before": None,
        "after": {
            "associate_public_ip_address": public,
            "root_block_device": [{"encrypted": True}],
            "metadata_options": [{"http_tokens": "required"}],
        },
        "after_unknown": {"id": True, "root_block_device": [{"volume_id": True}]},
        "before_sensitive": False,
        "after_sensitive": {},
        **(change or {}),
    }
    made = {
        "address": f"aws_instance.{name}",
        "mode": "managed",
        "type": "aws_instance",
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {key: value for key, value in values.items() if value is not LEFT_OUT},
        **entry,
    }
    return {key: value for key, value in made.items() if value is not LEFT_OUT}


def open_group(name: str = "open") -> dict[str, Any]:
    """A resource change that creates a security group open to the world at port 22."""
    return {
        "address": f"aws_security_group.{name}",
        "mode": "managed",
        "type": "aws_security_group",
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {
            "actions": ["create"],
            "before": None,
            "after": {
                "ingress": [
                    {
                        "cidr_blocks": ["0.0.0.0/0"],
                        "from_port": 22,
                        "to_port": 22,
                        "protocol": "tcp",
                        "ipv6_cidr_blocks": [],
                        "prefix_list_ids": [],
                        "security_groups": [],
                        "self": False,
                        "description": "",
                    }
                ]
            },
            "after_unknown": {"id": True, "ingress": [{"cidr_blocks": [False]}]},
            "before_sensitive": False,
            "after_sensitive": {},
        },
    }


PROVIDER = {"name": "aws", "full_name": "registry.terraform.io/hashicorp/aws", "version_constraint": "~> 5.100"}


def plan(*changes: Any, **parts: Any) -> dict[str, Any]:
    """A small whole plan. A part given as ``LEFT_OUT`` is not in it."""
    whole = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {}},
        "resource_changes": list(changes),
        "configuration": {"provider_config": {"aws": PROVIDER}, "root_module": {}},
        **parts,
    }
    return {key: value for key, value in whole.items() if value is not LEFT_OUT}


@contextmanager
def _captured(words: list[str]) -> Iterator[tuple[BytesIO, BytesIO]]:
    out, err = BytesIO(), BytesIO()
    streams = TextIOWrapper(out, "utf-8", write_through=True), TextIOWrapper(err, "utf-8", write_through=True)
    before = sys.argv, sys.stdout, sys.stderr
    sys.argv, sys.stdout, sys.stderr = words, *streams
    try:
        yield out, err
        for stream in streams:
            stream.flush()
    finally:
        sys.argv, sys.stdout, sys.stderr = before
        for stream in streams:
            stream.detach()
