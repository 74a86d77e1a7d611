"""Plans of other people: each is judged with every resource accounted for, or refused in one clear sentence.

They are data beside the repository, not part of it: the folder ``shared`` or what ``IACGATE_SHARED`` names.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.hostile import ROOT, judge

SHARED = Path(os.environ.get("IACGATE_SHARED", ROOT.parent / "shared"))
PLANS = sorted((SHARED / "plans").glob("*/*.json"))

pytestmark = pytest.mark.skipif(not PLANS, reason=f"there are no plans in {SHARED / 'plans'}; set IACGATE_SHARED")


def test_every_real_plan_is_accounted_for_or_refused_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    wrong = []
    for path in PLANS:
        ran = judge(path)
        if ran.seconds > 2 or "internal error" in ran.err or not ran.out:
            wrong.append(f"{path}: {ran.code} after {ran.seconds:.1f} s: {ran.err.strip()}")
            continue
        report = ran.report
        counts[report["decision"]["outcome"]] += 1
        if report["input"]["kind"] == "unreadable":
            counts["refused"] += 1
            sentence, *hint = ran.err.strip().splitlines()
            refusals[sentence.removeprefix(f"iacgate: error: {path}")[:90]] += 1
            if ran.code != 4 or not sentence.startswith(f"iacgate: error: {path}") or len(hint) > 1:
                wrong.append(f"{path}: refused with {ran.code}: {ran.err}")
            continue
        coverage = report["coverage"]
        if coverage["evaluated"] + coverage["not_applicable"] != coverage["resources"]:
            wrong.append(f"{path}: {coverage}")
        if sum(coverage["not_applicable_reasons"].values()) != coverage["not_applicable"]:
            wrong.append(f"{path}: a resource is not applicable without a reason: {coverage}")
        if ran.code not in (0, 1, 3, 4) or ran.err:
            wrong.append(f"{path}: {ran.code}: {ran.err}")
        counts["judged"] += 1
        counts["resources"] += coverage["resources"]
        counts["evaluated"] += coverage["evaluated"]
    with capsys.disabled():
        print(f"\n{len(PLANS)} real plans: {dict(counts)}\nrefused: {dict(refusals)}")
    assert not wrong, "\n".join(wrong)
    assert counts["judged"] > 0.8 * len(PLANS), "most of them are whole plans"
