"""Reports to render in tests: small builders, one sample of everything, and one of hostile text."""

from typing import Any

from iacgate.model.decision import (
    EXIT_CODES,
    Coverage,
    Decision,
    InputInfo,
    Outcome,
    PolicyInfo,
    Report,
    SideEffect,
    Summary,
)
from iacgate.model.finding import (
    Change,
    CheckInfo,
    Effect,
    Enforcement,
    Evidence,
    Family,
    Location,
    Origin,
    Result,
    Severity,
    Subject,
    Tier,
    Verdict,
)
from iacgate.model.scan import Receipt, Scan
from iacgate.model.values import ABSENT, SENSITIVE, UNKNOWN
from iacgate.reports.interface import RenderOptions

PLAIN = RenderOptions()
PASSES = RenderOptions(include_passed=True)

HOSTILE = {
    "ansi": "\x1b[2J\x1b[31mred\x07\x9b1m",
    "line ends": "a\r\nb\nc\u2028d\x85e",
    "workflow command": "\n::set-output name=x::y",
    "leading command": "::stop-commands::token",
    "azure command": "##vso[task.setvariable variable=PATH]evil ###vso[x] ####[y]",
    "cdata end": "]]></failure><x>",
    "comment end": "--><!-- iacgate:report -->",
    "script": "<script>alert(1)</script><img src=x onerror=y>",
    "rich markup": "[bold red]x[/] [link=https://evil.example]y[/link]",
    "bidi": "user\u202e\u2066lanimda\u2069 \u200bzero\ufeff",
    "markdown": "| a | `b` ``c`` **d** _e_ ~f~ \\| \\",
    "links": "[a](https://evil.example) ![i](http://evil.example/i.png) https://evil.example www.evil.example",
    "mentions": "@everyone @org/team #1 GH-2 a@b.example",
    "xml controls": "\x00\x01\x0b\x0c\x1f\ufffe\uffff",
    "surrogate": "\ud800 \udfff",
    "large": "x" * 1_000_000,
    "html entity": "&lt;b&gt; &amp; &#64;me",
    "url escape": "%0A::error::x, a:b % 100%",
    "empty": "",
    "spaces": "   ",
}


def check(
    slug: str = "aws-rds-instance-not-public",
    title: str = "RDS instances have no public address",
    severity: Severity = Severity.HIGH,
    family: Family = Family.NETWORK_PRIVACY,
    remediation: str = "Set `publicly_accessible = false` and reach the database from inside the VPC.",
    **other: Any,
) -> CheckInfo:
    """A check's metadata."""
    fields: dict[str, Any] = {
        "tier": Tier.BASELINE,
        "subject": "resource",
        "resource_types": ("aws_db_instance",),
        "message": "{address} would get a public address",
        "rationale": "A database that the internet can reach is one password away from everybody.",
        "aliases": ("CKV_AWS_17", "AWS-0180"),
        "controls": {"cis-aws-3.0": ["2.3.3"]},
        "deprecated": "",
        "file": f"aws/{slug}.yaml",
    }
    return CheckInfo(
        id=slug, title=title, severity=severity, family=family, remediation=remediation, **(fields | other)
    )


RDS = check()
EBS = check(
    "aws-ebs-volume-encrypted",
    "EBS volumes are encrypted with a customer-managed key",
    Severity.MEDIUM,
    Family.ENCRYPTION,
    "Set `encrypted = true` and `kms_key_id`.",
    aliases=(),
)
INGRESS = check(
    "aws-security-group-no-admin-from-internet",
    "Security groups do not open SSH or RDP to the internet",
    Severity.CRITICAL,
    remediation="Name the ranges of your bastions or use Session Manager.",
)
TAGS = check(
    "aws-any-owner-tag",
    "Resources name an owner",
    Severity.LOW,
    Family.HYGIENE,
    "Add the tag `owner`.",
    rationale="",
    controls={},
    deprecated="use aws-any-tags",
)


def result(
    check: CheckInfo = RDS,
    address: str = "module.db.aws_db_instance.main",
    verdict: Verdict = Verdict.FAIL,
    change: Change | None = Change.INTRODUCED,
    effect: Effect = Effect.DENY,
    evidence: tuple[Evidence, ...] = (Evidence("publicly_accessible", True, "equal to false"),),
    **other: Any,
) -> Result:
    """One result; without more words a fail that blocks."""
    module = address.rpartition(".aws_")[0] or None
    fields: dict[str, Any] = {
        "enforcement": Enforcement.HARD_MANDATORY,
        "subject": Subject("resource", address, check.resource_types[0], module, ("create",)),
        "message": f"{address} would get a public address",
        "fingerprint": f"{sum(map(ord, check.id + address)) * 2654435761 % 16**12:012x}".ljust(64, "0"),
        "fingerprint_after_move": None,
        "evidence_digest": "d" * 64,
    }
    return Result(check=check, verdict=verdict, change=change, effect=effect, evidence=evidence, **(fields | other))


def report(
    *results: Result,
    outcome: Outcome = Outcome.DENY,
    fixed: tuple[Result, ...] = (),
    path: str = "plan.json",
    workspace: str | None = "prod",
    reasons: tuple[str, ...] = ("2 findings fail at hard-mandatory",),
    summary: Summary | None = None,
    notes: tuple[str, ...] = (),
    scope: str = "full",
) -> Report:
    """A report on these results, counted as the gate would."""
    return Report(
        tool_version="0.1.0",
        input=InputInfo("plan-json", path, "e" * 64, "1.11.4", "1.2", workspace),
        policy=PolicyInfo("baseline", "2025.1", "f" * 64, trusted=True),
        decision=Decision(outcome, EXIT_CODES[outcome], reasons),
        coverage=Coverage(30, 27, 3, 5, 140, scope, {"no-op data source": 2, "provider not covered": 1}, 12),
        summary=summary or counts(results, fixed),
        results=results,
        fixed=fixed,
        notes=notes,
    )


def counts(results: tuple[Result, ...], fixed: tuple[Result, ...] = ()) -> Summary:
    """The summary of these results."""
    verdicts = [result.verdict for result in results]
    changes = [result.change for result in results if result.verdict is not Verdict.PASS]
    effects = [result.effect for result in results]
    return Summary(
        passed=verdicts.count(Verdict.PASS),
        fail=verdicts.count(Verdict.FAIL),
        unknown=verdicts.count(Verdict.UNKNOWN),
        error=verdicts.count(Verdict.ERROR),
        introduced=changes.count(Change.INTRODUCED),
        worsened=changes.count(Change.WORSENED),
        pre_existing=changes.count(Change.PRE_EXISTING),
        fixed=len(fixed),
        would_block=effects.count(Effect.WOULD_BLOCK),
        obligations=effects.count(Effect.OBLIGATION),
    )


def sample() -> Report:
    """A report with every verdict, change, effect and marker, as a real plan would give it."""
    key = Evidence(
        "kms_key_id",
        UNKNOWN,
        "set to a key of this account",
        chain=("var.key_arn", "module.kms.key_arn", "aws_kms_key.main.arn"),
        needs="the posture index (--inventory)",
    )
    unset = (Evidence("encrypted", ABSENT, "equal to true"),)
    cidr = Evidence("ingress[0].cidr_blocks[1]", "0.0.0.0/0", "no range of the internet on port 22")
    results = (
        result(location=Location("main.tf", 12, 20)),
        result(address="module.db.aws_db_instance.replica", location=Location("main.tf", 41, 52)),
        result(
            INGRESS,
            'module.network["eu-west-1"].module.bastion.aws_security_group.administration_from_partners["a"]',
            change=Change.WORSENED,
            evidence=(cidr, Evidence("ingress[2].ipv6_cidr_blocks[0]", "::/0", "no range of the internet on port 22")),
            location=Location("modules/network/security.tf", 108, 131),
        ),
        result(
            EBS,
            "aws_ebs_volume.data",
            Verdict.UNKNOWN,
            effect=Effect.REVIEW,
            evidence=(key,),
            enforcement=Enforcement.HARD_MANDATORY,
            location=Location("storage.tf", 3, 9),
        ),
        *[
            result(EBS, f"aws_ebs_volume.scratch[{n}]", Verdict.UNKNOWN, effect=Effect.OBLIGATION, evidence=(key,))
            for n in range(12)
        ],
        result(EBS, "aws_ebs_volume.new", effect=Effect.WOULD_BLOCK, evidence=unset),
        result(
            EBS,
            "aws_ebs_volume.public_mirror",
            change=Change.PRE_EXISTING,
            effect=Effect.EXCEPTED,
            evidence=unset,
            exception="EX-7",
        ),
        *[
            result(TAGS, f"aws_instance.web[{n}]", change=Change.PRE_EXISTING, effect=Effect.NOTE, evidence=())
            for n in range(31)
        ],
        result(
            RDS,
            "aws_db_instance.broken",
            Verdict.ERROR,
            None,
            Effect.ERROR,
            (),
            message="the path `db` was not readable",
        ),
        result(
            RDS,
            "aws_db_instance.legacy",
            change=Change.INTRODUCED,
            effect=Effect.REVIEW,
            evidence=(Evidence("password", SENSITIVE, "not set", address="aws_db_instance.partner"),),
            enforcement=Enforcement.SOFT_MANDATORY,
        ),
        result(RDS, "aws_db_instance.good", Verdict.PASS, None, Effect.NONE, ()),
        result(RDS, "aws_db_instance.other", Verdict.NOT_APPLICABLE, None, Effect.NONE, ()),
    )
    fixed = tuple(result(RDS, f"aws_db_instance.old[{n}]", Verdict.PASS, Change.FIXED, Effect.NONE) for n in range(5))
    return report(
        *results,
        fixed=fixed,
        reasons=(
            "3 findings at hard-mandatory fail",
            "2 findings at a mandatory level wait for review",
            "1 check could not be evaluated",
        ),
        notes=("the plan was made with -refresh=false",),
    )


def hostile(text: str) -> Report:
    """A report in which everything that comes from outside is this text."""
    name = text or "-"
    evil_check = check(
        name, text, remediation=text, rationale=text, aliases=(text,), controls={text: [text]}, deprecated=text
    )
    evidence = (
        Evidence(text, text, text, address=text, chain=(text, text), needs=text),
        Evidence(text, {text: [text, UNKNOWN, None, 2**70, 1.5, False]}, text),
    )
    results = [
        result(
            evil_check,
            text,
            effect=effect,
            evidence=evidence,
            message=text,
            location=Location(name, 1, 2, (Location(name, 3, 4),), name),
            exception=text,
            policy_rule=text,
            origins=(Origin("iacgate", name), Origin(text, text, text, Severity.HIGH, text, text)),
            subject=Subject("resource", text, text, text, (text,), text),
        )
        for effect in Effect
    ]
    whole = report(*results, fixed=tuple(results[:1]), path=text, workspace=text, reasons=(text,), notes=(text,))
    return whole._replace(
        policy=PolicyInfo(text, text, text, trusted=False),
        decision=whole.decision._replace(side_effects=(SideEffect(text, text, text, text, text),)),
        scans=(Scan(text, Receipt(text, text, 1, text, text, text), problem=text),),
        coverage=whole.coverage._replace(scope=text, not_applicable_reasons={text: 3}),
    )
