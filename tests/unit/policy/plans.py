"""Plans and checks in a few words, for tests of the engine."""

from datetime import date
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import msgspec

from iacgate.model.plan import Plan
from iacgate.policy.catalogue import Catalogue, compile_files
from iacgate.policy.catalogue import _open as open_compiled
from iacgate.policy.evaluate import Evaluation, evaluate
from iacgate.policy.policy_file import read_policy
from iacgate.policy.policy_set import Policy, resolve_policy
from iacgate.policy.yaml_nodes import Source
from iacgate.sources.plan_json import read_plan

HEAD = """id: {id}
title: A check
family: encryption
severity: {severity}
resource: {resource}
condition: {condition}
message: "{{address}} is wrong"
rationale: Because.
remediation: Do better.
aliases: [X_{id}]
controls: {{own-1: ["{id}"]}}
examples: {{pass: [a], fail: [b], unknown: [c]}}
"""


@cache
def catalogue(*checks: tuple[str, str, str, str]) -> Catalogue:
    """Checks of (id, resource type, condition as YAML in one line, severity)."""
    files = [
        (f"{name}.yaml", HEAD.format(id=name, resource=kind, condition=condition, severity=severity).encode())
        for name, kind, condition, severity in checks
    ]
    part = open_compiled(compile_files(Path(mkdtemp()), files))
    assert part is not None
    return Catalogue([part])


def policy(
    library: Catalogue, *rules: str, extra: str = "", exceptions: str = "", workspace: str | None = None, sets: str = ""
) -> Policy:
    """The policy of one set with these rules, or of several in YAML."""
    text = "schema: iacgate/policy/v1\nname: p\nversion: '1'\npolicy_sets:\n"
    if rules:
        text += f"  - name: s\n{extra}    rules:\n" + "".join(f"      - {rule}\n" for rule in rules)
    text += sets
    if exceptions:
        text += f"exceptions:\n{exceptions}"
    source = Source("policy.yaml")
    bundle = read_policy(text.encode(), source)
    assert bundle is not None, text
    assert [str(problem) for problem in source.problems] == [], text
    return resolve_policy(bundle, library, workspace, trusted=False)


def change(
    address: str, actions: str, after: Any = None, unknown: Any = None, before: Any = None, **more: Any
) -> dict[str, Any]:
    """One resource change; ``actions`` in words. An unchanged or updated one needs ``before``."""
    from iacgate.model.address import parse_address

    parsed = parse_address(address)
    words = {"replace": ["delete", "create"]}.get(actions, [actions])
    if actions == "no-op":
        before = after if before is None else before
    return {"address": address, "mode": parsed.mode, "type": parsed.type, "name": parsed.name, **more,
            "change": {"actions": words, "before": before, "after": after, "after_unknown": unknown or {},
                       "before_sensitive": more.pop("sensitive", False), "after_sensitive": {}}}  # fmt: skip


def plan_of(*changes: dict[str, Any], configuration: Any = None, **more: Any) -> Plan:
    """A plan; the configuration is that of the root module: address -> expressions, or a whole module."""
    from iacgate.model.address import parse_address

    document: dict[str, Any] = {
        "format_version": "1.2",
        "planned_values": {"root_module": {}},
        "resource_changes": changes,
        **more,
    }
    if configuration is not None:
        blocks = []
        for address, expressions in configuration.items():
            parsed = parse_address(address)
            meta = {
                key: expressions.pop(key) for key in ("for_each_expression", "count_expression") if key in expressions
            }
            blocks.append(
                {"mode": parsed.mode, "type": parsed.type, "name": parsed.name, "expressions": expressions, **meta}
            )
        document["configuration"] = {"root_module": {"resources": blocks}}
    return read_plan(msgspec.json.encode(document), "plan.json")


def refers(*references: str) -> dict[str, Any]:
    return {"references": list(references)}


def run(
    library: Catalogue, plan: Plan, how: Policy | None = None, workspace: str | None = None, **more: Any
) -> Evaluation:
    """Judge a plan, by default with all checks at hard-mandatory."""
    how = how or policy(library, "{checks: {id: '*'}, level: hard-mandatory}")
    return evaluate(plan, library, how, workspace, include_passed=True, **more)


def verdicts(library: Catalogue, plan: Plan) -> dict[str, str]:
    """Verdict by address (one check)."""
    return {result.subject.address: str(result.verdict) for result in run(library, plan).results}


TODAY = date.today().isoformat()
