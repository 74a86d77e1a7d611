"""Make the list that checkov is installed from: exact versions for every platform, each file with its digest.

Needs uv and an index; run it to move to another checkov, then run the acceptance tests with it::

    python scripts/lock_checkov.py 3.3.30
    iacgate scanner install checkov && make test ARGS="-k checkov"

The list goes to ``src/iacgate/scanners/checkov.lock``. It names no index: pip takes the one it is configured for, and
the digests say whether what it serves is the same. A package without wheels would be built by code that no digest
covers, so it is refused.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "src" / "iacgate" / "scanners" / "checkov.lock"
HEAD = "# Written by scripts/lock_checkov.py; do not change it by hand.\n"


def main(arguments: list[str] | None = None) -> int:
    """Resolve, examine, write; returns the process's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("version", help="of checkov, such as 3.3.30")
    parser.add_argument("--python", default="3.11", help="the oldest Python that iacgate supports (%(default)s)")
    options = parser.parse_args(arguments)
    words = ["uv", "--no-config", "pip", "compile", "-", "--quiet", "--universal", "--generate-hashes", "--no-annotate"]
    words += ["--no-header", "--no-emit-index-url", "--only-binary", ":all:", "--python-version", options.python]
    ran = subprocess.run(words, input=f"checkov=={options.version}\n", capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        print(f"lock_checkov: {ran.stderr.strip()}", file=sys.stderr)
        return 2
    problem = problem_of(ran.stdout, options.version)
    if problem:
        print(f"lock_checkov: {problem}", file=sys.stderr)
        return 2
    LOCK.write_text(HEAD + ran.stdout, "utf-8")
    print(f"{LOCK}: {len(requirements(ran.stdout))} packages", file=sys.stderr)
    return 0


def requirements(text: str) -> list[str]:
    """The requirements of a list, one string each, comments left out."""
    lines = "".join(line + "\n" for line in text.splitlines() if not line.startswith("#"))
    return [one for one in lines.replace("\\\n", " ").splitlines() if one.strip()]


def problem_of(text: str, version: str) -> str:
    """What is wrong with a list; empty when nothing is."""
    found = requirements(text)
    if not any(one.startswith(f"checkov=={version} ") for one in found):
        return "the list does not name checkov in that version"
    if "://" in text or "--index" in text:
        return "the list names an index"
    for one in found:
        if not re.match(r"[a-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+ ", one) or "--hash=sha256:" not in one:
            return f"not an exact version with digests: {one.split()[0]}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
