"""``iacgate check``: judge plans, report, end with the code of the worst."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from iacgate.cli.interface import render_options, say, say_leak, write_report
from iacgate.cli.scans import scan_options, scans_of
from iacgate.config import Config, found_but_ignored, load_config
from iacgate.errors import InputError, UsageError
from iacgate.gate.judge import Judged, PolicySource, Settings, failed_report, judge, load_policy
from iacgate.model.decision import Report
from iacgate.reports.formats import FORMATS
from iacgate.sources.json_text import DEFAULT_MAX_BYTES

if TYPE_CHECKING:
    from iacgate.scanners.checkov import CheckovSettings

__all__ = ["bundle_options", "check", "policy_options", "settings_of"]

_PRECEDENCE = (5, 4, 1, 3, 0)
_LATER = ("inventory",)


def bundle_options(command: Any) -> Any:
    """The options that say by which policy something is judged, and with which values of variables."""
    for option in reversed(
        (
            click.option(
                "--policy-set",
                "policy_file",
                type=click.Path(path_type=Path),
                envvar="IACGATE_POLICY_SET",
                metavar="FILE",
                help="Policy bundle; the packaged baseline when left out.",
            ),
            click.option(
                "--config",
                "config_file",
                type=click.Path(path_type=Path),
                envvar="IACGATE_CONFIG",
                metavar="FILE",
                help="Configuration of the gate. Never looked for in what is scanned.",
            ),
            click.option(
                "--workspace", envvar="IACGATE_WORKSPACE", metavar="NAME", help="Which workspace the input belongs to."
            ),
            click.option(
                "--var-file",
                "var_files",
                multiple=True,
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="Values of variables for HCL, as Terraform's -var-file; repeatable.",
            ),
        )
    ):
        command = option(command)
    return command


def policy_options(command: Any) -> Any:
    """Those, and the options that say as what an input is judged; ``explain`` takes them too."""
    for option in reversed(
        (
            click.option(
                "--kind",
                type=click.Choice(["plan", "state", "hcl", "inventory"]),
                help="What the input is.  [default: hcl for a directory, else plan]",
            ),
            click.option(
                "--source-dir",
                type=click.Path(path_type=Path),
                metavar="DIR",
                help="Root module behind the plan: findings get file and line.",
            ),
            click.option(
                "--inventory",
                type=click.Path(path_type=Path),
                envvar="IACGATE_INVENTORY",
                metavar="FILE",
                help="Posture index (or an inventory): what exists beside the input, where that answers a check.",
            ),
            click.option(
                "--account",
                envvar="IACGATE_ACCOUNT",
                metavar="ACCOUNT[/REGION]",
                help="Where the input works: AWS account, Azure subscription or Google project; for --inventory.",
            ),
            click.option(
                "--no-cache",
                is_flag=True,
                envvar="IACGATE_NO_CACHE",
                help="Keep and use nothing in the cache directory for HCL: where others could have written it.",
            ),
            click.option(
                "--max-input-bytes",
                type=click.IntRange(min=1),
                envvar="IACGATE_MAX_INPUT_BYTES",
                metavar="N",
                help=f"Refuse larger inputs.  [default: {DEFAULT_MAX_BYTES}]",
            ),
        )
    ):
        command = option(command)
    return bundle_options(scan_options(command))


def settings_of(
    policy_file: Path | None,
    config_file: Path | None,
    workspace: str | None,
    kind: str | None,
    source_dir: Path | None,
    var_files: tuple[Path, ...],
    no_cache: bool,
    max_input_bytes: int | None,
    inventory: Path | None = None,
    account: str | None = None,
    *,
    include_passed: bool = False,
    **scan_words: Any,
) -> tuple[Settings, PolicySource, Config]:
    """Configuration, overridden by the command line; and the policy it names."""
    if kind in _LATER:
        raise UsageError(f"--kind {kind} is not in this version; it judges plans, states and HCL")
    config = load_config(config_file)
    scans, commit = scans_of(**scan_words)
    settings = Settings(
        organization=config.organization,
        workspace=workspace or config.workspace,
        kind=kind,
        source_dir=source_dir,
        include_passed=include_passed,
        max_input_bytes=max_input_bytes or config.max_input_bytes or DEFAULT_MAX_BYTES,
        digest_key=config.digest_key,
        var_files=var_files,
        use_cache=not no_cache,
        scans=scans,
        commit=commit,
    )
    source = load_policy(policy_file or config.policy_set)
    if inventory is not None:
        # Imported here: who gives no inventory does not pay for it.
        from iacgate.gate.inventory import account_of, open_inventory

        index = open_inventory(str(inventory), source.catalogue, settings.max_input_bytes)
        settings = settings._replace(inventory=index, account=account_of(account) if account else None)
    return settings, source, config


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    default="terminal",
    show_default=True,
    help="Format on standard output.",
)
@click.option("--output", metavar="FILE", help="Write that to a file instead.")
@click.option("--report", "reports", multiple=True, metavar="FORMAT=FILE", help="A further report; repeatable.")
@click.option("--include-passed", is_flag=True, help="List passes too.")
@click.option("--exit-zero", is_flag=True, help="End with 0 whatever is decided; for callers that read the output.")
@click.option(
    "-q", "--quiet", is_flag=True, help="Nothing on standard output; reports to files and the exit code remain."
)
@click.option(
    "--scanner",
    type=click.Choice(["checkov"]),
    help="Run this scanner on a masked copy of each plan, too; see `iacgate scanner install`.",
)
@click.option(
    "--scanner-timeout",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="Stop it after so long, which is an error.  [default: 600]",
)
@click.option("--no-scanner-cache", is_flag=True, help="Scan again what was scanned before.")
@policy_options
def check(
    paths: tuple[str, ...],
    format_name: str,
    output: str | None,
    reports: tuple[str, ...],
    include_passed: bool,
    exit_zero: bool,
    quiet: bool,
    scanner: str | None,
    scanner_timeout: int | None,
    no_scanner_cache: bool,
    **options: Any,
) -> int:
    """Judge PATH: what `terraform show -json` writes (- is standard input), or a directory of HCL.

    Of HCL it says what is wrong before there is a plan; only a plan can be allowed.
    Several inputs are judged in turn and the worst outcome counts.
    """
    wanted = _targets(reports)
    read = (*paths, *options["import_sarif"], *options["import_conftest"], *options["receipts"])
    read += (*options["image_scans"], *(one.rpartition("=")[2] for one in options["image_scans"]))
    read += (str(options["inventory"]),) if options["inventory"] else ()
    _refuse_overwriting(read, [target for _, target in wanted] + ([output] if output else []))
    settings, source, _ = settings_of(**options, include_passed=include_passed)
    settings = settings._replace(remember=True)
    if scanner is not None:
        settings = settings._replace(checkov=_checkov(scanner_timeout, cache=not no_scanner_cache))
    elif scanner_timeout or no_scanner_cache:
        raise UsageError("--scanner-timeout and --no-scanner-cache are about --scanner")
    judged = [_judge(path, source, settings) for path in paths]
    notes = found_but_ignored(
        [Path.cwd(), *_beside(paths), *([settings.source_dir] if settings.source_dir else [])], options["config_file"]
    )
    made = [one.report._replace(notes=[*one.report.notes, *notes]) for one in judged]
    secrets = frozenset().union(*(one.secrets() for one in judged))
    shown = render_options(include_passed=include_passed)
    hits = 0
    for name, target in wanted:
        hits += write_report(name, target, made, shown, secrets)
    if output or not quiet:
        readable = (
            [report for report in made if report.input.kind != "unreadable"] if format_name == "terminal" else made
        )
        if readable or output:
            hits += write_report(format_name, output, readable or made, shown, secrets)
    if hits:
        say_leak()
    return _code(made, exit_zero=exit_zero)


def _judge(path: str, source: PolicySource, settings: Settings) -> Judged:
    try:
        try:
            return judge(path, source, settings)
        except RecursionError:
            raise InputError(f"{path} is nested too deeply to be judged") from None
    except InputError as error:
        say(error)
        return Judged(failed_report(path, error, source, settings), frozenset)


def _checkov(timeout: int | None, *, cache: bool) -> CheckovSettings:
    # Imported here: only who asks for a scanner pays for it.
    from iacgate.scanners.checkov import DEFAULT_TIMEOUT, CheckovSettings

    return CheckovSettings(timeout or DEFAULT_TIMEOUT, cache)


def _targets(reports: tuple[str, ...]) -> list[tuple[str, str]]:
    out = []
    for report in reports:
        name, separator, target = report.partition("=")
        if not separator or not target or name not in FORMATS:
            raise UsageError(f"--report takes FORMAT=FILE, not {report!r}", hint=f"formats: {', '.join(FORMATS)}")
        out.append((name, target))
    return out


def _refuse_overwriting(paths: tuple[str, ...], targets: list[str]) -> None:
    """No report takes another's place, or that of what is judged."""
    files = [str(Path(target).resolve()) for target in targets]
    for target, file in zip(targets, files, strict=True):
        if files.count(file) > 1 and Path(file).parent != Path("/dev"):
            raise UsageError(f"two reports would be written to {target}")
        if file in {str(Path(path).resolve()) for path in paths if path != "-"}:
            raise UsageError(f"the report would overwrite the input {target}")


def _beside(paths: tuple[str, ...]) -> list[Path]:
    """Where a configuration file would lie that is not obeyed: beside a file, and in a directory."""
    given = [Path(path) for path in paths if path != "-"]
    return [*(one.parent for one in given), *given]


def _code(reports: list[Report], *, exit_zero: bool) -> int:
    codes = {report.decision.exit_code for report in reports}
    unreadable = any(report.input.kind == "unreadable" for report in reports)
    if exit_zero and not unreadable:
        return 0
    return next(code for code in _PRECEDENCE if code in codes)
