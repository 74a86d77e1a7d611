"""Provider schemas: what ships is sound, lookups take both spellings, bad files are refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iacgate.errors import UsageError
from iacgate.policy.provider_schema import AttributeSchema, ProviderSchema, TypeSchemas, flatten, load

SHIPPED = load()
SCHEMA_FILES = sorted((Path(__file__).parents[3] / "src/iacgate/policy/schema").glob("*.msgpack"))


def terraform_output(*, resources: dict[str, Any], format_version: str = "1.0") -> bytes:
    provider = {"resource_schemas": resources, "data_source_schemas": {}}
    document = {
        "format_version": format_version,
        "provider_schemas": {"registry.terraform.io/example/thing": provider},
    }
    return json.dumps(document).encode()


def schema(block: dict[str, Any]) -> dict[str, Any]:
    return {"version": 0, "block": block}


THING = schema(
    {
        "attributes": {
            "name": {"type": "string", "required": True},
            "secret": {"type": "string", "optional": True, "sensitive": True, "write_only": True},
            "old": {"type": "bool", "optional": True, "computed": True, "deprecated": True},
            "labels": {"type": ["map", "string"], "optional": True},
            "endpoints": {
                "type": ["list", ["object", {"url": "string", "ports": ["set", "number"]}]],
                "computed": True,
            },
            "matrix": {"type": ["map", ["map", "number"]], "optional": True},
            "by_zone": {"type": ["map", ["object", {"size": "number"}]], "required": True},
            "settings": {
                "optional": True,
                "nested_type": {"nesting_mode": "single", "attributes": {"mode": {"type": "string", "required": True}}},
            },
            "rules": {
                "optional": True,
                "nested_type": {"nesting_mode": "list", "attributes": {"port": {"type": "number", "optional": True}}},
            },
        },
        "block_types": {
            "vpc": {
                "nesting_mode": "list",
                "min_items": 1,
                "max_items": 1,
                "block": {"attributes": {"subnets": {"type": ["set", "string"], "required": True}}},
            },
            "disk": {"nesting_mode": "set", "block": {"attributes": {"size": {"type": "number", "optional": True}}}},
            "zone": {"nesting_mode": "map", "block": {"attributes": {"id": {"type": "string", "optional": True}}}},
            "timeouts": {
                "nesting_mode": "single",
                "block": {"attributes": {"create": {"type": "string", "optional": True}}, "deprecated": True},
            },
        },
    }
)


@pytest.fixture
def thing(tmp_path: Path) -> ProviderSchema:
    file = tmp_path / "schema.json"
    file.write_bytes(terraform_output(resources={"example_thing": THING}))
    return load(file)


def test_flattening_gives_every_path_with_type_flags_nesting_and_limit() -> None:
    assert {path: tuple(found) for path, found in flatten(THING).items()} == {
        "by_zone": ("map(object)", "R", "", 0),
        "by_zone{}.size": ("number", "R", "", 0),
        "disk": ("block", "O", "set", 0),
        "disk[].size": ("number", "O", "", 0),
        "endpoints": ("list(object)", "C", "", 0),
        "endpoints[].ports": ("set(number)", "C", "", 0),
        "endpoints[].url": ("string", "C", "", 0),
        "labels": ("map(string)", "O", "", 0),
        "matrix": ("map(map(number))", "O", "", 0),
        "name": ("string", "R", "", 0),
        "old": ("bool", "OCD", "", 0),
        "rules": ("list(object)", "O", "", 0),
        "rules[].port": ("number", "O", "", 0),
        "secret": ("string", "OSW", "", 0),
        "settings": ("object", "O", "", 0),
        "settings.mode": ("string", "R", "", 0),
        "timeouts": ("block", "OD", "single", 0),
        "timeouts.create": ("string", "O", "", 0),
        "vpc": ("block", "R", "list", 1),
        "vpc[].subnets": ("set(string)", "R", "", 0),
        "zone": ("block", "O", "map", 0),
        "zone{}.id": ("string", "O", "", 0),
    }


def test_a_deprecated_resource_type_says_so_under_the_empty_path() -> None:
    assert flatten(schema({"deprecated": True}))[""].deprecated


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("vpc[].subnets", "set(string)"),
        ("vpc.subnets", "set(string)"),
        ("disk[].size", "number"),
        ("labels", "map(string)"),
        ("labels.owner", "string"),
        ('labels."cost.centre"', "string"),
        ("matrix.a", "map(number)"),
        ("matrix.a.b", "number"),
        ("by_zone.eu.size", "number"),
        ("zone.eu.id", "string"),
        ("zone{}.id", "string"),
        ("settings.mode", "string"),
        ("endpoints[].url", "string"),
    ],
)
def test_a_path_is_found_in_the_schemas_and_in_a_checks_spelling(thing: ProviderSchema, path: str, type_: str) -> None:
    found = thing.attribute("example_thing", path)
    assert found is not None
    assert found.type == type_


@pytest.mark.parametrize(
    "path",
    [
        "",
        "nope",
        "vpc.nope",
        "vpc.",
        ".vpc",
        "name.x",
        "name[]",
        "vpc{}.subnets",
        "labels.a.b",
        "by_zone.eu.nope",
        "[]",
    ],
)
def test_a_path_that_the_type_does_not_have_is_none(thing: ProviderSchema, path: str) -> None:
    assert thing.attribute("example_thing", path) is None


def test_a_type_that_is_not_known_has_no_attributes() -> None:
    assert not SHIPPED.knows("aws_no_such_thing")
    assert SHIPPED.attribute("aws_no_such_thing", "name") is None
    assert SHIPPED.paths("aws_no_such_thing") == {}


def test_flags_read_as_words() -> None:
    found = AttributeSchema("string", "ROCSDW")
    words = (found.required, found.optional, found.computed, found.sensitive, found.deprecated, found.write_only)
    assert words == (True,) * 6
    assert not any(
        (getattr(AttributeSchema("string"), word)) for word in ("required", "optional", "computed", "sensitive")
    )


@pytest.mark.parametrize(
    ("attribute", "repeated", "element"),
    [
        (AttributeSchema("string"), False, "string"),
        (AttributeSchema("object"), False, "object"),
        (AttributeSchema("list(map(string))"), True, "map(string)"),
        (AttributeSchema("block", "O", "list", 1), False, "block"),
        (AttributeSchema("block", "O", "set", 0), True, "block"),
        (AttributeSchema("block", "O", "single", 0), False, "block"),
    ],
)
def test_what_needs_a_quantifier_is_repeated(attribute: AttributeSchema, repeated: bool, element: str) -> None:
    assert (attribute.repeated, attribute.element) == (repeated, element)


@pytest.mark.parametrize(
    ("resource_type", "wrong", "meant"),
    [
        ("aws_db_instance", "public_accessible", "publicly_accessible"),
        ("aws_eks_cluster", "vpc_config.endpoint_public_acces", "vpc_config.endpoint_public_access"),
        ("aws_eks_cluster", "vpc_confg.endpoint_public_access", "vpc_config"),
        ("aws_eks_cluster", "endpoint_public_access", "vpc_config.endpoint_public_access"),
        ("aws_security_group", "ingress[].cidr_block", "ingress[].cidr_blocks"),
        ("aws_eks_cluster", "zzz", ""),
        ("aws_no_such_thing", "name", ""),
    ],
)
def test_a_misspelt_path_gets_the_closest_one(resource_type: str, wrong: str, meant: str) -> None:
    assert SHIPPED.suggest(resource_type, wrong) == meant


def test_a_misspelt_type_gets_the_closest_one() -> None:
    assert SHIPPED.suggest_type("aws_s3_buckett") == "aws_s3_bucket"
    assert SHIPPED.suggest_type("") == ""


@pytest.mark.parametrize(
    ("resource_type", "path", "expected"),
    [
        ("aws_db_instance", "publicly_accessible", AttributeSchema("bool", "O")),
        ("aws_db_instance", "password", AttributeSchema("string", "OS")),
        ("aws_db_instance", "password_wo", AttributeSchema("string", "OSW")),
        ("aws_eks_cluster", "vpc_config", AttributeSchema("block", "R", "list", 1)),
        ("aws_instance", "subnet_id", AttributeSchema("string", "OC")),
        ("aws_instance", "tags.owner", AttributeSchema("string", "O")),
        ("data.aws_iam_policy_document", "statement[].actions", AttributeSchema("set(string)", "O")),
    ],
)
def test_the_shipped_schema_knows_aws(resource_type: str, path: str, expected: AttributeSchema) -> None:
    assert SHIPPED.versions["hashicorp/aws"]
    assert SHIPPED.attribute(resource_type, path) == expected


def test_a_brought_schema_goes_before_the_shipped_one(tmp_path: Path) -> None:
    file = tmp_path / "schema.json.gz"
    block = {"attributes": {"brand_new": {"type": "bool", "optional": True}}}
    file.write_bytes(gzip.compress(terraform_output(resources={"aws_s3_bucket": schema(block)})))
    brought = load(file)
    assert brought.attribute("aws_s3_bucket", "brand_new")
    assert brought.attribute("aws_s3_bucket", "bucket") is None
    assert brought.attribute("aws_db_instance", "publicly_accessible")
    assert brought.versions["example/thing"] == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"format_version": "1.0"}',
        b'{"format_version": "1.0", "provider_schemas": {}}',
        b'{"format_version": "1.2", "terraform_version": "1.11.4", "planned_values": {}, "resource_changes": []}',
        b'{"format_version": 1, "provider_schemas": {"a/b": {}}}',
        terraform_output(resources={}, format_version="2.0"),
        b"[" * 100_000,
        b"\x1f\x8b damaged",
    ],
    ids=lambda content: repr(content[:30]),
)
def test_a_file_that_is_no_provider_schema_is_refused_with_the_command_that_makes_one(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "schema.json"
    file.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        load(file)
    assert str(file) in refused.value.message
    assert "terraform providers schema -json" in refused.value.hint


@pytest.mark.parametrize("broken", [{}, {"block": None}, {"block": {"attributes": {"a": {}}}}, {"block": []}, [], 1])
def test_a_type_in_an_unknown_form_is_refused_when_it_is_asked_for(tmp_path: Path, broken: Any) -> None:
    file = tmp_path / "schema.json"
    file.write_bytes(terraform_output(resources={"example_thing": broken}))
    with pytest.raises(UsageError):
        load(file).attribute("example_thing", "a")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load(tmp_path / "nowhere.json")


@pytest.mark.parametrize("file", SCHEMA_FILES, ids=lambda file: file.name)
def test_a_shipped_file_is_small_and_in_order(file: Path) -> None:
    content = file.read_bytes()
    assert len(content) < 1_500_000
    shipped = msgspec.msgpack.decode(content, type=TypeSchemas)
    assert list(shipped.resources) == sorted(shipped.resources)


def test_there_are_shipped_files() -> None:
    assert SCHEMA_FILES
