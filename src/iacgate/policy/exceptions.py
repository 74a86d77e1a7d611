"""Exceptions of a policy bundle: each releases one finding, as long as its compensating checks pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from iacgate.model.finding import Effect, Result, Verdict

if TYPE_CHECKING:
    from iacgate.policy.catalogue import Catalogue
    from iacgate.policy.policy_set import Exception_, Policy

__all__ = ["apply_exceptions"]


def apply_exceptions(
    results: Sequence[Result], policy: Policy, catalogue: Catalogue, verdicts: Mapping[tuple[int, str], Verdict]
) -> tuple[list[Result], list[str]]:
    """The results with released ones marked, and the ids of exceptions that name no finding.

    ``verdicts`` are those of the compensating checks by (check, address). One that is not a pass, also
    one that was not judged, keeps the exception from applying; the result says why.
    """
    by_pair = {(exception.check, exception.address): exception for exception in policy.exceptions}
    idle = {exception.id for exception in policy.exceptions}
    out = []
    for result in results:
        exception = by_pair.get((result.check.id, result.subject.address))
        if exception is None or result.verdict in (Verdict.PASS, Verdict.ERROR):
            out.append(result)
            continue
        idle.discard(exception.id)
        if unmet := _unmet(exception, policy, catalogue, verdicts):
            out.append(result._replace(exception=f"`{exception.id}` does not apply: {'; '.join(unmet)}"))
        else:
            why = f"{exception.id}: {exception.reason} (owner {exception.owner})"
            out.append(result._replace(effect=Effect.EXCEPTED, exception=why))
    return out, sorted(idle)


def _unmet(
    exception: Exception_, policy: Policy, catalogue: Catalogue, verdicts: Mapping[tuple[int, str], Verdict]
) -> list[str]:
    unmet = [
        f"{catalogue.heads[check].id} on {address} is {verdicts.get((check, address), 'not judged')}"
        for check, address in exception.requires
        if verdicts.get((check, address)) is not Verdict.PASS
    ]
    if exception.review_by < policy.today:
        unmet.insert(0, f"it was to be reviewed by {exception.review_by}")
    return unmet
