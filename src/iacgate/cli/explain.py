"""``iacgate explain``: why a finding or the outcome is what it is."""

from typing import Any

import click

from iacgate.cli.check import policy_options, settings_of
from iacgate.cli.interface import say_leak, write_out
from iacgate.errors import UsageError
from iacgate.gate.explain import explain_decision, explain_result, find_results
from iacgate.gate.judge import judge
from iacgate.reports.text import clean
from iacgate.secrets import scrub

__all__ = ["explain"]


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[FINDING] PLAN")
@policy_options
def explain(words: tuple[str, ...], **options: Any) -> None:
    """Say why FINDING is what it is, or (without it, or with `decision`) why the outcome is.

    FINDING is a fingerprint from a report (four characters of it and more will do), a resource's
    address, a check's id or one of its aliases.
    PLAN and the options are those of `iacgate check`.
    """
    if len(words) > 2:
        raise UsageError("explain takes one finding and one plan", hint="iacgate explain [FINDING] PLAN")
    *finding, plan = words
    settings, source, _ = settings_of(**options, include_passed=True)
    judged = judge(plan, source, settings)
    if not finding or finding[0] in ("decision", "outcome"):
        lines = list(explain_decision(judged))
    else:
        lines = []
        for result in find_results(judged, finding[0]):
            lines += [*([""] if lines else []), *explain_result(judged, source, result)]
    text = "\n".join(clean(line, 2000) for line in lines) + "\n"
    data, hits = scrub(text.encode(), judged.secrets())
    write_out(data)
    if hits:
        say_leak()
