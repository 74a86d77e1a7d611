"""Run the gate in process and look at what it reports."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from iacgate.cli.main import main

FIXTURES = Path(__file__).parents[2] / "fixtures"


def run(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON report of ``iacgate check``."""
    words = ["check", *map(str, arguments), "--format", "json"]
    result = CliRunner().invoke(main, words, standalone_mode=False)
    assert result.exception is None, result.output
    return result.return_value, json.loads(result.stdout)


def label(name: str) -> dict[str, Any]:
    """A fixture's label file."""
    return json.loads((FIXTURES / "labels" / f"{name}.json").read_text("utf-8"))


def plan(name: str) -> Path:
    """A fixture's plan."""
    return FIXTURES / "plans" / f"{name}.json"
