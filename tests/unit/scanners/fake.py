"""Scanners that are none: an environment whose Python is a script that does what a test says."""

import json
import sys
from pathlib import Path

from iacgate.scanners.environment import read_lock

VERSION = read_lock("checkov").version
HONEST = f"""
import json, os, sys

given = sys.argv[sys.argv.index("--file") + 1]
plan = json.load(open(given))
modules = plan["planned_values"]["root_module"]
resources = [*modules["resources"], *(one for m in modules["child_modules"] for one in m["resources"])]
managed = [one for one in resources if one["mode"] == "managed"]
sentinel = managed[[one["name"].startswith("iacgate_sentinel") for one in managed].index(True)]["address"]

def record(rule, address, title="a title", result="FAILED"):
    return {{"check_id": rule, "check_name": title, "check_result": {{"result": result}}, "resource": address,
            "resource_address": address, "severity": None, "code_block": [[1, "a value"]]}}

failed = [record("CKV_AWS_17", sentinel), record("CKV2_AWS_60", sentinel)]
failed += [record("CKV_AWS_999", one["address"]) for one in managed if one["address"] != sentinel]
summary = {{"passed": 1, "failed": len(failed), "skipped": 0, "parsing_errors": 0,
           "resource_count": len(managed), "checkov_version": "{VERSION}"}}
report = {{"check_type": "terraform_plan", "results": {{"failed_checks": failed}}, "summary": summary}}

def say(report=report, code=1):
    summary["failed"] = summary.get("failed", 0) if summary.get("lie") else len(failed)
    json.dump(report, sys.stdout)
    sys.stdout.flush()
    os._exit(code)
"""


def scanner(directory: Path, body: str = "say()") -> Path:
    """The directory of scanners, in which checkov is the honest script with ``body`` behind it."""
    place = directory / "scanners" / "checkov"
    (place / "bin").mkdir(parents=True)
    place.chmod(0o700)
    lock = read_lock("checkov")
    record = {"format": 1, "scanner": "checkov", "rules": 1000, "version": lock.version, "lock_sha256": lock.digest}
    (place / "iacgate.json").write_text(json.dumps(record))
    python = place / "bin" / "python"
    python.write_text(f"#!{sys.executable} -IS\n{HONEST}\n{body}\n")
    python.chmod(0o755)
    return place.parent
