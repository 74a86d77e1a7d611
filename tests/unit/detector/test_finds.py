# ruff: noqa: E501 - tables read better in long lines
"""What is a secret and what only looks like one.

No secret here is one, and none stands here as such: they are put together from parts, so that no scanner of a
forge takes this file for a leak.
"""

import base64
import gzip
import json
import random
import string
import time
from typing import Any

import pytest

from iacgate.detector.finds import find_secrets
from iacgate.detector.hints import may_hold_secret, names_secret, texts

CHANCE = random.Random(7)
ALNUM = string.ascii_letters + string.digits
PASSWORD = "hunter2" * 2


def made(size: int, letters: str = ALNUM) -> str:
    """Something as random as a key."""
    while True:
        text = "".join(CHANCE.choice(letters) for _ in range(size))
        if any(one.isdigit() for one in text) and any(one.isalpha() for one in text):
            return text


def pem(kind: str) -> str:
    body = "\n".join(made(64, ALNUM + "+/") for _ in range(12))
    return f"-----BEGIN {kind}PRIVATE" + f" KEY-----\n{body}\n-----END {kind}PRIVATE" + " KEY-----\n"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


AWS_ID = "AK" + "IA" + made(16, string.ascii_uppercase + "234567")
AWS_SECRET = made(40, ALNUM + "+/")
SCRIPT = "#!/bin/bash\nset -e\nexport DB_PASSWORD=" + PASSWORD + "\nsystemctl start app\n"

SECRETS: list[tuple[str, str, str]] = [
    ("AWS access key", "access_key", AWS_ID),
    ("AWS access key", "user_data", f"#!/bin/sh\naws configure set aws_access_key_id {AWS_ID}\n"),
    ("AWS access key", "default", "AS" + "IA" + made(16, string.ascii_uppercase + "2345")),
    ("key or token", "secret_key", AWS_SECRET),
    ("key or token", "AWS_SECRET_ACCESS_KEY", AWS_SECRET),
    ("key or token", "user_data", f"export AWS_SECRET_ACCESS_KEY={AWS_SECRET}\n"),
    ("private key", "private_key", pem("RSA ")),
    ("private key", "content", pem("")),
    ("private key", "content", pem("OPENSSH ")),
    ("private key", "user_data", "#cloud-config\nwrite_files:\n- content: |\n" + pem("EC ")),
    ("private key", "credentials", json.dumps({"type": "service_account", "private_key": pem("")})),
    ("GitHub token", "default", "gh" + "p_" + made(36)),
    ("GitHub token", "user_data", "git clone https://x-access-token:gh" + "s_" + made(36) + "@github.com/acme/app.git"),
    ("GitHub token", "value", "github" + "_pat_" + made(22) + "_" + made(59)),
    ("GitLab token", "default", "glp" + "at-" + made(20)),
    ("GitLab token", "runner", "glr" + "t-" + made(20)),
    ("Slack token", "default", "xo" + "xb-123456789012-1234567890123-" + made(24)),
    ("Slack token", "url", "https://hooks.sl" + "ack.com/services/T" + made(8, string.ascii_uppercase + "19") + "/B" + made(8, string.ascii_uppercase + "19") + "/" + made(24)),
    ("Stripe key", "default", "sk_" + "live_" + made(24)),
    ("Stripe key", "STRIPE", "rk_" + "live_" + made(24)),
    ("SendGrid key", "default", "S" + "G." + made(22) + "." + made(43)),
    ("PyPI token", "default", "pypi" + "-AgEIcHlwaS5vcmc" + made(80)),
    ("npm token", "default", "np" + "m_" + made(36)),
    ("Google API key", "default", "AI" + "za" + made(35)),
    ("Vault token", "default", "hv" + "s." + made(24)),
    ("DigitalOcean token", "default", "dop" + "_v1_" + made(64, "0123456789abcdef")),
    ("OpenAI key", "default", "sk" + "-" + made(20) + "T3Blbk" + "FJ" + made(20)),
    ("Azure storage key", "connection_string", "DefaultEndpointsProtocol=https;AccountName=acme;Account" + "Key=" + made(86, ALNUM + "+/") + "==;EndpointSuffix=core.windows.net"),
    ("JSON Web Token", "default", ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890", "name": "app"})) + "." + made(43)),
    ("password in a URL", "database_url", f"postgres://app:{PASSWORD}@db.internal:5432/app"),
    ("password in a URL", "default", "mongodb+srv://root:" + "S3cr3t!pw+x" + "@cluster0.example.net/app"),
    ("password in a URL", "user_data", f"curl -fsS https://deploy:{PASSWORD}@artifacts.acme.dev/app.tgz | tar xz"),
    ("password", "password", PASSWORD),
    ("password", "master_password", "Tr0ub4dor&3"),
    ("password", "admin_password", "correct-horse-battery-staple"),
    ("password", "db_pwd", "winter2019"),
    ("password", "DB_PASSWORD", PASSWORD),
    ("password", "spring.datasource.password", PASSWORD),
    ("password", "MYSQL_ROOT_PASSWORD", "r00tr00t!"),
    ("password", "passphrase", "mellon-mellon"),
    ("password", "secret_string", PASSWORD),
    ("password", "secret_string", json.dumps({"username": "app", "password": PASSWORD})),
    ("password", "password_wo", PASSWORD),
    ("password", "user_data", SCRIPT),
    ("password", "user_data_base64", b64(SCRIPT)),
    ("password", "custom_data", b64(SCRIPT)),
    ("password", "user_data", base64.b64encode(gzip.compress(SCRIPT.encode())).decode()),
    ("password", "user_data", "#cloud-config\nchpasswd:\n  list: |\n    app\npassword: " + PASSWORD + "\n"),
    ("password", "command", f"mysql -u root --password={PASSWORD} < schema.sql"),
    ("password", "command", f"PGPASSWORD={PASSWORD} psql -h db"),
    ("password", "connection", f"Server=db;Database=app;User Id=sa;Password={PASSWORD};Encrypt=true"),
    ("password", "url", f"jdbc:mysql://db:3306/app?user=app&password={PASSWORD}"),
    ("password", "container_definitions", json.dumps([{"name": "app", "image": "app:1", "environment": [{"name": "LOG", "value": "info"}, {"name": "DB_PASSWORD", "value": PASSWORD}]}])),
    ("password", "container_definitions", json.dumps([{"environment": [{"value": PASSWORD, "name": "DB_PASSWORD"}]}])),
    ("password", "inline", f"echo 'db_password = \"{PASSWORD}\"' >> /etc/app.conf"),
    ("key or token", "API_TOKEN", made(32)),
    ("key or token", "client_secret", made(34, ALNUM + "~._-")),
    ("key or token", "api_key", made(32, "0123456789abcdef")),
    ("key or token", "user_data", f"echo 'datadog_api_key: {made(32, '0123456789abcdef')}' > /etc/dd.yaml"),
    ("key or token", "values", f'{{"signing_key": "{made(44, ALNUM + "+/")}"}}'),
]  # fmt: skip

HARMLESS: list[tuple[str, str]] = [
    ("kms_key_id", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("kms_key_id", "1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("kms_key_id", "mrk-1234abcd12ab34cd56ef1234567890ab"),
    ("access_key", "AK" + "IAIOSFODNN7EXAMPLE"),
    ("secret_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("secret_arn", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf"),
    ("password", "arn:aws:ssm:eu-west-1:111122223333:parameter/prod/db/password"),
    ("secret_id", "prod/db/master"),
    ("client_secret", "1c0a7a1e-7c3a-4b0e-9d61-2f0d3f5a9a55"),
    ("token", "0123456789abcdef"),
    ("integrity", "sha384-" + base64.b64encode(bytes(range(48))).decode()),
    ("digest", "sha256:" + "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("etag", "9e107d9d372bb6826bd81d3542a419d6"),
    ("source_code_hash", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    ("ami", "ami-0abcdef1234567890"),
    ("subnet_id", "subnet-0a1b2c3d4e5f67890"),
    ("instance_id", "i-0123456789abcdef0"),
    ("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ("public_key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "J8x2vQ" * 6 + " me@laptop"),
    ("public_key", "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----"),
    ("certificate_body", "-----BEGIN CERTIFICATE-----\nMIIDazCCAlOgAwIBAgIUJ8x2vQ3m5k1Zr7T0pLq9\n-----END CERTIFICATE-----"),
    ("description", "Paste your -----BEGIN RSA PRIVATE KEY----- here"),
    ("password", "changeme"),
    ("password", "CHANGE_ME_PLEASE"),
    ("password", "<your-password>"),
    ("password", "your-password-here"),
    ("password", "example-password-1"),
    ("password", "password"),
    ("password", "********"),
    ("password", "xxxxxxxxxxxx"),
    ("password", "${var.db_password}"),
    ("password", "{{ vault_db_password }}"),
    ("password", "$(cat /run/secrets/db)"),
    ("password", "%DB_PASSWORD%"),
    ("password", "{{resolve:secretsmanager:prod/db:SecretString:password}}"),
    ("password", "/run/secrets/db_password"),
    ("password", "var.db_password"),
    ("password", "12345678"),
    ("password", "abcdefgh"),
    ("password", ""),
    ("password_policy", "at-least-14-characters-1-digit"),
    ("password_length", "32"),
    ("minimum_password_length", "14characters"),
    ("manage_master_user_password", "true"),
    ("password_secret_name", "prod-db-master-2024"),
    ("bypass", "policy-bypass-2024-reviewed"),
    ("key_name", "deploy-2024-frankfurt"),
    ("hash_key", "customer_id_and_order_2024"),
    ("token_key_id", "orders-v2-partition-1234567"),
    ("next_token", "none"),
    ("client_token", "terraform-20240601120000000000000001"),
    ("user_data", "#!/bin/bash\nyum install -y nginx\nsystemctl enable --now nginx\n"),
    ("user_data", "#!/bin/sh\nexport DB_PASSWORD=$(aws ssm get-parameter --name /prod/db --query Parameter.Value)\n"),
    ("user_data", "#!/bin/sh\nexport DB_PASSWORD=\"$DB_PASSWORD\"\nPASSWORD=${1:?}\n"),
    ("user_data", "# the password: required, see the wiki\n"),
    ("user_data_base64", b64("#!/bin/bash\nyum install -y nginx\nsystemctl enable --now nginx\n")),
    ("user_data", "9b7466c6f1a2d1c7e0b4b2f2a31c6d8d0b6f8f0a"),
    ("content", b64("The quick brown fox jumps over the lazy dog, twice and once more.")),
    ("database_url", "postgres://app@db.internal:5432/app"),
    ("database_url", "postgres://app:${var.password}@db.internal:5432/app"),
    ("url", "https://user:password@example.com/"),
    ("endpoint", "https://vpce-0123.s3.eu-west-1.vpce.amazonaws.com:443/path@2"),
    ("source", "git::ssh://git@github.com/acme/vpc.git?ref=v1.2.0"),
    ("policy", json.dumps({"Statement": [{"Sid": "AllowGetSecret", "Action": "secretsmanager:GetSecretValue", "Resource": "*", "Condition": {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}}]})),
    ("container_definitions", json.dumps([{"name": "app", "secrets": [{"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:eu-west-1:111122223333:parameter/db"}]}])),
    ("container_definitions", json.dumps([{"environment": [{"name": "TOKEN_TTL", "value": "3600"}, {"name": "SECRET_NAME", "value": "prod/app/2024"}]}])),
    ("default", "The token: rotate it every 90days"),
    ("image", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:" + "ab12" * 16),
    ("zone_id", "Z2FDTNDATAQYW2"),
    ("thumbprint_list", "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"),
    ("account_key", "primary"),
    ("auth_token_update_strategy", "ROTATE-2024-immediately"),
]  # fmt: skip


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(SECRETS) >= 50
    assert len(HARMLESS) >= 60


@pytest.mark.parametrize(
    ("kind", "name", "text"), SECRETS, ids=[f"{kind}-{i}" for i, (kind, _, _) in enumerate(SECRETS)]
)
def test_a_secret_is_found_and_named(kind: str, name: str, text: str) -> None:
    assert kind in {one.kind for one in find_secrets(name, text)}


@pytest.mark.parametrize(("name", "text"), HARMLESS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(HARMLESS)])
def test_what_only_looks_like_a_secret_is_none(name: str, text: str) -> None:
    assert find_secrets(name, text) == []


@pytest.mark.parametrize(
    ("kind", "name", "text"), SECRETS, ids=[f"{kind}-{i}" for i, (kind, _, _) in enumerate(SECRETS)]
)
def test_the_quick_look_at_undecoded_json_misses_no_secret(kind: str, name: str, text: str) -> None:
    for raw in (
        json.dumps({name: text}),
        json.dumps({"a": {name: [text]}}),
        json.dumps({name: text}, separators=(",", ":")),
    ):
        assert may_hold_secret(raw.encode()), (kind, raw[:80])


@pytest.mark.parametrize(
    "text",
    ["a" * 300_000, "password=" * 20_000, "eyJabcdefgh.eyJ" * 20_000, "://a:b" * 50_000, "QUFB" * 80_000,
     "-----BEGIN RSA PRIV" + "ATE KEY-----\n" * 20_000, "aws key " * 40_000, "[" * 100_000, '{"a":' * 100_000,
     base64.b64encode(gzip.compress(b"\0" * 50_000_000)).decode()],
    ids=range(10),
)  # fmt: skip
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    started = time.process_time()
    find_secrets("user_data", text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("value", "name", "found"),
    [
        ({"a": ["x", {"b": "y"}]}, "", [(("a", 0), "a", "x"), (("a", 1, "b"), "b", "y")]),
        ([{"name": "DB", "value": "x"}], "env", [((0, "name"), "name", "DB"), ((0, "value"), "DB", "x")]),
        ("x", "n", [((), "n", "x")]),
        ({"n": 1, "t": True, "z": None}, "", []),
    ],
)
def test_every_text_goes_by_the_name_that_says_what_it_is(value: Any, name: str, found: list[Any]) -> None:
    assert list(texts(value, name)) == found


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "dbPassword", "PGPASSWORD", "api-key", "apiKey", "client_secret", "token2"]
)
def test_a_name_of_a_secret(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name", ["", "bypass", "password_policy", "key_name", "compass", "secret_arn", "tokens_per_minute"]
)
def test_a_name_of_no_secret(name: str) -> None:
    assert not names_secret(name)
