"""The documentation says what the program does: generated pages, schemas, links, examples and lists."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import jsonschema
import pytest
import yaml
from scripts import make_docs

from iacgate import config
from iacgate.cli.main import main
from iacgate.errors import IacgateError
from iacgate.gate.judge import Settings, judge, load_policy
from iacgate.gate.scan_files import ScanFiles, read_scans
from iacgate.model.decision import EXIT_CODES
from iacgate.model.scan import Scan
from iacgate.policy import check_file, condition_syntax, policy_file, scanner_file
from iacgate.policy.catalogue import read_check_files
from iacgate.policy.check_file import CHECK_KEYS, read_check
from iacgate.policy.comparisons import COMPARISONS
from iacgate.policy.json_schema import check_schema, policy_schema
from iacgate.policy.policy_file import read_policy
from iacgate.policy.provider_schema import load
from iacgate.policy.scanner_rules import ACTIONS, DEFAULT_ACTIONS
from iacgate.policy.yaml_nodes import Source
from iacgate.reports.formats import load as load_format
from iacgate.reports.interface import RenderOptions

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
PAGE_IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]
CHECK_FILES = [
    ROOT / "checks" / name for name, _ in read_check_files(ROOT / "checks") if not name.startswith("policies/")
]
SCHEMA = load()
SHELL = ("sh", "console", "yaml", "groovy")
COMMANDS = list(make_docs.commands())

GOOD_CHECK = """
id: a
title: t
family: hygiene
severity: low
resource: aws_db_instance
condition: {attribute: publicly_accessible, equals: false, absent: pass}
message: "{address}"
rationale: r
remediation: r
examples: {pass: [a], fail: [b]}
"""
GOOD_POLICY = """
schema: iacgate/policy/v1
name: n
version: 1
policy_sets:
  - name: s
    rules: [{checks: {id: a}, level: advisory}]
exceptions:
  - {id: e, check: a, address: b.c, reason: r, owner: o, review_by: 2030-01-01, requires: []}
"""


class Block(NamedTuple):
    """A fenced block: its language, what else stands beside that, its text, and its page and line."""

    language: str
    title: str
    text: str
    place: str


def blocks(page: Path) -> Iterator[Block]:
    lines = page.read_text("utf-8").splitlines()
    start: tuple[int, str, str] | None = None
    for number, line in enumerate(lines):
        fence = re.fullmatch(r"\s*```(\w*)\s*(.*)", line)
        if fence is None:
            continue
        if start is None:
            start = number, fence[1], fence[2]
        else:
            indent = len(lines[start[0]]) - len(lines[start[0]].lstrip())
            text = "\n".join(one[indent:] for one in lines[start[0] + 1 : number]) + "\n"
            yield Block(start[1], start[2], text, f"{page.name}:{start[0] + 1}")
            start = None
    assert start is None, f"{page}: a fenced block is not closed"


BLOCKS = [block for page in PAGES for block in blocks(page)]


class _PlainLoader(yaml.SafeLoader):
    """Scalars as editors read them (YAML 1.2): dates are texts, and so are on, off, yes and no."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])


def plain(text: str) -> Any:
    return yaml.load(text, Loader=_PlainLoader)  # a safe loader


def problems_of_check(text: str, stem: str = "a") -> list[str]:
    source = Source("check.yaml")
    read_check(text.encode(), source, stem, SCHEMA)
    return [problem.message for problem in source.problems if not problem.warning]


def problems_of_policy(text: str) -> list[str]:
    source = Source("policy.yaml")
    read_policy(text.encode(), source)
    return [problem.message for problem in source.problems]


class TestGenerated:
    @pytest.mark.parametrize("path", list(make_docs.documents()), ids=lambda path: path.name)
    def test_a_generated_page_is_current(self, path: Path) -> None:
        wanted = make_docs.documents()[path]
        assert path.exists(), "run scripts/make_docs.py"
        assert path.read_text("utf-8") == wanted, "run scripts/make_docs.py"

    @pytest.mark.parametrize("named", COMMANDS, ids=lambda named: named[0])
    def test_every_command_and_option_has_a_help_text(self, named: tuple[str, click.Command]) -> None:
        name, command = named
        assert command.help, name
        assert "\\b" not in command.help, "click's mark for text that stays as it is must not be seen"
        assert not [option.opts for option in make_docs.options(command) if not option.help]

    def test_the_page_names_every_command_and_option(self) -> None:
        page = (DOCS / "reference" / "cli.md").read_text("utf-8")
        for name, command in make_docs.commands():
            _, _, section = page.partition(f"\n## {name}\n")
            section = section.partition("\n## ")[0]
            assert section, name
            for option in make_docs.options(command):
                assert all(f"`{flag}" in section for flag in option.opts), (name, option.opts)


class TestLinks:
    @pytest.mark.parametrize("page", PAGES, ids=PAGE_IDS)
    def test_relative_links_lead_somewhere(self, page: Path) -> None:
        text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
        broken = []
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            path = (page.parent / file).resolve() if file else page
            if not path.exists() or (anchor and anchor not in anchors(path)):
                broken.append(target)
        assert not broken

    def test_every_page_is_reached_from_the_readme(self) -> None:
        seen: set[Path] = set()
        waiting = [ROOT / "README.md"]
        while waiting:
            page = waiting.pop()
            if page in seen or page.suffix != ".md":
                continue
            seen.add(page)
            links = re.findall(r"\]\(([^)#\s:]+\.md)", page.read_text("utf-8"))
            waiting += [(page.parent / link).resolve() for link in links]
        assert not set(DOCS.rglob("*.md")) - seen

    def test_documents_that_the_code_refers_to_exist(self) -> None:
        sources = "".join(path.read_text("utf-8") for path in sorted((ROOT / "src").rglob("*.py")))
        named = set(re.findall(r"docs/[\w./-]+\w", sources))
        assert "docs/reference/check-format.md" in named
        assert not [name for name in sorted(named) if not list(ROOT.glob(f"{name}*"))]

    def test_records_are_numbered_without_a_gap_and_listed(self) -> None:
        names = [path.name for path in sorted((DOCS / "adr").glob("*.md"))]
        assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
        first = (DOCS / "adr" / names[0]).read_text("utf-8")
        assert all(name in first for name in names[1:])


def anchors(page: Path) -> set[str]:
    """Headings as GitHub makes anchors of them."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


class TestExamples:
    def test_every_block_says_what_language_it_is(self) -> None:
        assert not [block.place for block in BLOCKS if not block.language]

    @pytest.mark.parametrize(
        "block", [block for block in BLOCKS if block.language == "yaml"], ids=lambda block: block.place
    )
    def test_yaml_is_what_the_program_reads(self, block: Block) -> None:
        assert list(yaml.safe_load_all(block.text)) or block.text.startswith("#")
        if block.text.startswith("schema: iacgate/policy/"):
            assert problems_of_policy(block.text) == []
        elif re.match(r"id: [\w-]+", block.text) and "\nexamples:" in block.text:
            stem = re.split(r"[\s#]", block.text[4:])[0]
            assert problems_of_check(block.text, stem) == []

    @pytest.mark.parametrize(
        "block", [block for block in BLOCKS if block.language == "json"], ids=lambda block: block.place
    )
    def test_json_is_json(self, block: Block) -> None:
        json.loads(block.text)

    @pytest.mark.parametrize(
        "block",
        [
            block
            for block in BLOCKS
            if block.language in ("sh", "console", "yaml", "groovy") and "iacgate " in block.text
        ],
        ids=lambda block: block.place,
    )
    def test_commands_have_the_options_that_they_are_given(self, block: Block) -> None:
        for words in commands_in(block.text):
            parse(words)

    @pytest.mark.parametrize("page", PAGES, ids=PAGE_IDS)
    def test_commands_in_the_text_exist(self, page: Path) -> None:
        text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
        for code in re.findall(r"`(iacgate [a-z][^`\n]*)`", text):
            if "|" not in code and "…" not in code and not re.search(r"\b[A-Z]{2,}\b(?!_)", code):
                parse(shlex.split(code)[1:])

    @pytest.mark.parametrize("page", PAGES, ids=PAGE_IDS)
    def test_no_machine_and_no_marketing(self, page: Path) -> None:
        text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"/(root|tmp|work|home)/", text)
        assert not re.search(r"!(?!\[)", text.replace("<!--", ""))


def commands_in(text: str) -> Iterator[list[str]]:
    """The ``iacgate …`` calls of a shell text or of a pipeline that holds one, without the word ``iacgate``."""
    joined = re.sub(r"\\\n\s*|\n\s+(?=--)", " ", text)
    for line in joined.splitlines():
        for call in re.split(r"&&|\|\||[|;<>]|\$ |run: |script: '|: iacgate", line.split(" #")[0]):
            words = call.strip().rstrip("')").split("')")[0]
            if words.startswith("iacgate ") and not re.match(r"iacgate \w+ with|iacgate:", words):
                yield shlex.split(words)[1:]


def parse(words: list[str]) -> None:
    """Hold the words of a call against the commands. Raises ``click.UsageError``."""
    command: click.Command = main
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        below = command.get_command(context, words[0])
        assert below is not None, f"there is no command {words[0]}"
        command, words = below, words[1:]
        context = click.Context(command, parent=context)
    if isinstance(command, click.Group):
        return
    values, _, _ = command.make_parser(context).parse_args(list(words))
    for option in make_docs.options(command):
        value = values.get(option.name or "")
        if isinstance(option.type, click.Choice) and value is not None:
            for one in value if isinstance(value, list | tuple) else [value]:
                option.type.convert(one, option, context)


class TestReference:
    """Lists in the documentation are complete."""

    def page(self, name: str) -> str:
        return (DOCS / "reference" / name).read_text("utf-8")

    def test_check_format_names_every_key_form_and_comparison(self) -> None:
        page = self.page("check-format.md")
        words = [*CHECK_KEYS, *condition_syntax.CONDITION_FORMS, *COMPARISONS, *condition_syntax._OTHERS]
        assert not [word for word in words if not re.search(rf"`{word}[`:]|\b{word}:", page)]
        assert not [word for word in condition_syntax._ACTIONS if not re.search(rf"\b{word}\b", page)]

    def test_policy_format_names_every_key_and_word(self) -> None:
        page = self.page("policy-format.md")
        words = [
            *policy_file._SET_KEYS, *policy_file._RULE_KEYS, *policy_file._SELECT, *policy_file._INCOMPLETE,
            *policy_file._UNKNOWN, *policy_file._EXCEPTION_KEYS, *policy_file._LEVELS, *scanner_file.ROW_KEYS,
            *scanner_file.SUPPRESSED, *ACTIONS,
        ]  # fmt: skip
        missing = [word for word in words if word != "scope" and f"`{word}`" not in page]
        assert not missing
        for table in (policy_file._INCOMPLETE, policy_file._UNKNOWN, DEFAULT_ACTIONS):
            for key, default in table.items():
                assert re.search(rf"^\| `{key}`[^|]*\| `{default}` \|", page, re.MULTILINE), key

    def test_configuration_names_every_key_file_and_variable(self) -> None:
        page = self.page("configuration.md")
        assert not [key for key in (*config._KEYS, *config._TEMPTING) if f"`{key}`" not in page]
        source = "".join(path.read_text("utf-8") for path in sorted((ROOT / "src").rglob("*.py")))
        variables = set(re.findall(r'environ(?:\.get\(|\[)"(\w+)"|envvar="(\w+)"', source))
        named = {one or other for one, other in variables}
        assert {"IACGATE_CONFIG", "NO_COLOR"} <= named
        assert not [name for name in sorted(named) if f"`{name}`" not in page]

    def test_exit_codes_of_outcomes_and_exceptions_are_explained(self) -> None:
        page = self.page("exit-codes.md")
        for outcome, code in EXIT_CODES.items():
            assert f"| {code} | {outcome.value} |" in page
        waiting: list[type[IacgateError]] = [IacgateError]
        for kind in waiting:
            waiting += kind.__subclasses__()
            assert f"| {kind.exit_code} |" in page

    def test_report_page_names_every_key_that_a_report_has(self) -> None:
        page = self.page("report-json.md")
        keys: set[str] = set()
        for name in ("legacy-harmful", "references", "sensitive", "moved"):
            keys |= self.keys_of(name)
        scans = read_scans(ScanFiles(sarif=(str(ROOT / "fixtures" / "scans" / "trivy.sarif"),)))
        keys |= self.keys_of("net-banking-broken-create", scans)
        assert {"origins", "rules", "problem"} <= keys
        assert {"fingerprint_after_move", "alternative", "needs", "chain"} <= keys
        assert not sorted(key for key in keys if f"`{key}`" not in page)

    def keys_of(self, name: str, scans: tuple[Scan, ...] = ()) -> set[str]:
        path = ROOT / "fixtures" / "plans" / f"{name}.json"
        report = judge(str(path), load_policy(None), Settings(include_passed=True, scans=scans)).report
        parsed = json.loads(load_format("json").render_all([report], RenderOptions(include_passed=True)))
        keys: set[str] = set()
        waiting = [parsed]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                keys |= set(value)
                waiting += [one for key, one in value.items() if key not in ("actual", "not_applicable_reasons")]
            elif isinstance(value, list):
                waiting += value
        return keys


class TestSchemas:
    """The editors' schemas agree with the readers."""

    CHECK = jsonschema.Draft202012Validator(check_schema())
    POLICY = jsonschema.Draft202012Validator(policy_schema())

    def test_they_are_schemas(self) -> None:
        self.CHECK.check_schema(check_schema())
        self.POLICY.check_schema(policy_schema())

    @pytest.mark.parametrize("path", CHECK_FILES, ids=lambda path: path.stem)
    def test_a_packaged_check_is_valid(self, path: Path) -> None:
        assert [error.message for error in self.CHECK.iter_errors(plain(path.read_text("utf-8")))] == []

    @pytest.mark.parametrize("path", sorted((ROOT / "checks" / "policies").glob("*.yaml")), ids=lambda path: path.stem)
    def test_a_packaged_policy_is_valid(self, path: Path) -> None:
        assert [error.message for error in self.POLICY.iter_errors(plain(path.read_text("utf-8")))] == []

    def test_what_the_documentation_shows_is_valid(self) -> None:
        shown = [block for block in BLOCKS if block.language == "yaml"]
        policies = [block for block in shown if block.text.startswith("schema: iacgate/policy/")]
        checks = [block for block in shown if block.text.startswith("id: ") and "\nexamples:" in block.text]
        assert len(policies) > 3
        assert len(checks) > 3
        for block in policies:
            assert not list(self.POLICY.iter_errors(plain(block.text))), block.place
        for block in checks:
            assert not list(self.CHECK.iter_errors(plain(block.text))), block.place

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("title: t", "titel: t"),
            ("title: t\n", ""),
            ("id: a", "id: A_b"),
            ("family: hygiene", "family: tidiness"),
            ("severity: low", "severity: [low]"),
            ("severity: low", "severity: low\ntier: extra"),
            ("severity: low", "severity: low\nsubject: module"),
            ("resource: aws_db_instance\n", ""),
            ("{address}", "{adress}"),
            ("rationale: r", "rationale: ''"),
            ("pass: [a], ", ""),
            ("fail: [b]", "fail: [b], failed: [c]"),
            ("equals: false", "equal: false"),
            ("equals: false", "equals: false, in: [true]"),
            ("equals: false, ", ""),
            ("equals: false", "equals: null"),
            ("equals: false", "equals: [1]"),
            ("equals: false", "in: []"),
            ("equals: false", "at_least: many"),
            ("equals: false", "open_to_world: maybe"),
            ("equals: false", "within_cidr: 10.0.0.0/8"),
            ("equals: false", "greater_than: 1, ignore_case: true"),
            ("equals: false", "is_set: true"),
            ("absent: pass", "absent: maybe"),
            ("{attribute: publicly_accessible, equals: false, absent: pass}", "{all: []}"),
            ("{attribute: publicly_accessible, equals: false, absent: pass}", "{every: ingress}"),
            ("{attribute: publicly_accessible, equals: false, absent: pass}", "{exists: {satisfies: {all: []}}}"),
            ("{attribute: publicly_accessible, equals: false, absent: pass}", "{action: explode}"),
            ("{attribute: publicly_accessible, equals: false, absent: pass}", "{related: {type: aws_kms_key}}"),
            (
                "{attribute: publicly_accessible, equals: false, absent: pass}",
                "{related: {type: aws_kms_key, our: kms_key_id}}",
            ),
            (
                "{attribute: publicly_accessible, equals: false, absent: pass}",
                "{ports: {from: a, to: b, protocol: c, include: [99999]}}",
            ),
            ("condition:", "when: {action: create}\ncases: []\ncondition:"),
            ("resource: aws_db_instance", "subject: planet"),
            ("resource: aws_db_instance", "subject: [module, account]"),
            ("equals: false", "equals: {parameter: x, or: y}"),
            ("equals: false", "holds_secret: false"),
            ("condition:", "parameters: {Days: {about: x}}\ncondition:"),
            ("condition:", "parameters: {days: {default: 7}}\ncondition:"),
            ("condition:", "parameters: {days: {about: x, since: 7}}\ncondition:"),
        ],
    )
    def test_a_broken_check_is_refused_by_schema_and_reader(self, old: str, new: str) -> None:
        assert old in GOOD_CHECK
        broken = GOOD_CHECK.replace(old, new, 1)
        assert list(self.CHECK.iter_errors(plain(broken)))
        assert problems_of_check(broken)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("iacgate/policy/v1", "iacgate/policy/v2"),
            ("name: n\n", ""),
            ("version: 1\n", ""),
            ("rules:", "rule:"),
            ("level: advisory", "level: strict"),
            ("level: advisory", "level: 'off'"),
            (", level: advisory", ""),
            ("checks: {id: a}, ", ""),
            ("{id: a}", "{ids: a}"),
            ("{id: a}", "{severity: severe}"),
            ("level: advisory", "level: advisory, enforce_from: soon"),
            ("  - name: s", "  - name: s\n    uncovered: deny"),
            ("  - name: s", "  - name: s\n    enforce_on: never"),
            ("  - name: s", "  - name: s\n    owns_account: maybe"),
            ("  - name: s", "  - name: s\n    unknown: {advisory: allow}"),
            ("  - name: s", "  - name: s\n    on_incomplete: {errored: allow}"),
            ("  - name: s", "  - name: s\n    on_incomplete: {broken: error}"),
            ("  - name: s", "  - name: s\n    scope: {accounts: [a]}"),
            ("  - name: s", "  - name: s\n    scanners: {tool: trivy}"),
            ("  - name: s", "  - name: s\n    scanners: [{severity: {high: deny}}]"),
            ("  - name: s", "  - name: s\n    scanners: [{tool: trivy, severity: {severe: deny}}]"),
            ("  - name: s", "  - name: s\n    scanners: [{tool: trivy, severity: {high: allow}}]"),
            ("  - name: s", "  - name: s\n    scanners: [{tool: trivy, max_age: 24}]"),
            ("  - name: s", "  - name: s\n    scanners: [{tool: trivy, max_age: 1w}]"),
            ("  - name: s", "  - name: s\n    scanners: [{tool: trivy, minimum_rules: 0}]"),
            ("  - name: s", "  - name: s\n    scanners: [{tool: trivy, required: maybe}]"),
            ("  - name: s", "  - name: s\n    scanners: [{tool: trivy, suppressed: ignore}]"),
            ("  - name: s", "  - name: s\n    scanners: [{tool: trivy, notify: [severe]}]"),
            ("2030-01-01", "some day"),
            (", owner: o", ""),
            (", requires: []", ""),
            ("requires: []", "requires: [{address: a.b}]"),
        ],
    )
    def test_a_broken_policy_is_refused_by_schema_and_reader(self, old: str, new: str) -> None:
        assert old in GOOD_POLICY
        broken = GOOD_POLICY.replace(old, new, 1)
        assert list(self.POLICY.iter_errors(plain(broken)))
        assert problems_of_policy(broken)

    def test_the_good_ones_are_good(self) -> None:
        assert not list(self.CHECK.iter_errors(plain(GOOD_CHECK)))
        assert not list(self.POLICY.iter_errors(plain(GOOD_POLICY)))
        assert problems_of_check(GOOD_CHECK) == []
        assert problems_of_policy(GOOD_POLICY) == []

    @pytest.mark.parametrize("comparison", COMPARISONS)
    def test_every_comparison_may_be_written(self, comparison: str) -> None:
        operands = {
            "any": "x", "list": "[x]", "number": "1", "string": "x", "strings": "[x, y]", "bool": "true",
            "regex": "^x$", "patterns": "[x*, y]", "cidrs": "[10.0.0.0/8]", "ports": "[22]",
            "version": "'1.2'", "time": "now-90d",
        }  # fmt: skip
        written = GOOD_CHECK.replace("equals: false", f"{comparison}: {operands[COMPARISONS[comparison].operand]}", 1)
        assert not list(self.CHECK.iter_errors(plain(written)))

    @pytest.mark.parametrize(
        ("where", "key"),
        [
            ("policy_set", "enforce_on"),
            ("policy_set", "uncovered"),
            ("rule", "level"),
            ("policy_set", "unknown.advisory"),
            ("policy_set", "on_incomplete.errored"),
        ],
    )
    def test_the_words_of_a_policy_are_those_that_the_reader_offers(self, where: str, key: str) -> None:
        outer, _, inner = key.partition(".")
        here = policy_schema()["$defs"][where]["properties"][outer]
        words = (here["properties"][inner] if inner else here)["enum"]
        value = f"{{{inner}: nonsense}}" if inner else "nonsense"
        old = "level: advisory" if where == "rule" else "  - name: s"
        new = f"{outer}: {value}" if where == "rule" else f"  - name: s\n    {outer}: {value}"
        said = problems_of_policy(GOOD_POLICY.replace(old, new, 1))
        assert any(message.endswith(f"must be one of {', '.join(words)}") for message in said), said

    @pytest.mark.parametrize("module", [condition_syntax, check_file, policy_file], ids=lambda module: module.__name__)
    def test_every_list_of_keys_in_a_reader_is_one_of_the_schema(self, module: Any) -> None:
        in_schema = [set(one["properties"]) for one in objects([check_schema(), policy_schema()])]
        for keys in written_lists(Path(module.__file__)):
            assert any(keys <= known for known in in_schema), keys
        exact = [keys for keys in written_lists(Path(module.__file__)) if len(keys) > 3]
        assert all(any(keys == known for known in in_schema) for keys in exact), exact


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object schema below a value."""
    if isinstance(value, dict):
        if value.get("type") == "object" and "properties" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from objects(one)


def written_lists(path: Path) -> Iterator[set[str]]:
    """Tuples of words that a reader gives to ``only`` or ``_only``."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not re.fullmatch(r"_only|source\.only", ast.unparse(node.func)):
            continue
        for one in node.args:
            if isinstance(one, ast.Tuple) and all(isinstance(item, ast.Constant) for item in one.elts):
                yield {item.value for item in one.elts if isinstance(item, ast.Constant)}
