# ruff: noqa: E501 - tables read better in long lines
"""Sources of modules, as people write them: what kind, from where, how firmly pinned."""

import pytest

from iacgate.policy.module_sources import KINDS, PINS, is_exact_version, parse_source, shown_source

COMMIT = "51d462976d84fdea54b47d80dcabbf680badcdb8"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

SOURCES = [
    # source, version, kind, location, pin
    ("./modules/vpc", "", "local", "./modules/vpc", "local"),
    ("../vpc", "", "local", "../vpc", "local"),
    ("..", "", "local", "..", "local"),
    ("/srv/modules/vpc", "", "path", "/srv/modules/vpc", "none"),
    ("C:\\modules\\vpc", "", "path", "C:\\modules\\vpc", "none"),
    ("file:///srv/modules/vpc.zip", "", "path", "/srv/modules/vpc.zip", "none"),
    ("terraform-aws-modules/vpc/aws", "", "registry", "registry.terraform.io/terraform-aws-modules/vpc/aws", "none"),
    ("terraform-aws-modules/vpc/aws", "5.8.1", "registry", "registry.terraform.io/terraform-aws-modules/vpc/aws", "version"),
    ("terraform-aws-modules/vpc/aws", "= 5.8.1", "registry", "registry.terraform.io/terraform-aws-modules/vpc/aws", "version"),
    ("terraform-aws-modules/vpc/aws", "~> 5.8", "registry", "registry.terraform.io/terraform-aws-modules/vpc/aws", "range"),
    ("terraform-aws-modules/vpc/aws", ">= 5.0.0, < 6.0.0", "registry", "registry.terraform.io/terraform-aws-modules/vpc/aws", "range"),
    ("terraform-aws-modules/iam/aws//modules/iam-user", "5.39.0", "registry", "registry.terraform.io/terraform-aws-modules/iam/aws", "version"),
    ("app.terraform.io/acme/vpc/aws", "1.0.0", "registry", "app.terraform.io/acme/vpc/aws", "version"),
    ("App.Terraform.io/acme/vpc/aws", "", "registry", "app.terraform.io/acme/vpc/aws", "none"),
    ("localhost:8080/acme/vpc/aws", "1.0.0", "registry", "localhost:8080/acme/vpc/aws", "version"),
    ("gitlab.com/acme/vpc/aws", "1.2.0", "registry", "gitlab.com/acme/vpc/aws", "version"),
    ("github.com/hashicorp/example", "", "git", "github.com/hashicorp/example", "none"),
    ("github.com/hashicorp/example?ref=v1.2.0", "", "git", "github.com/hashicorp/example", "tag"),
    ("github.com/hashicorp/example//modules/a?ref=main", "", "git", "github.com/hashicorp/example", "ref"),
    ("GitHub.com/hashicorp/example.git", "", "git", "github.com/hashicorp/example", "none"),
    ("bitbucket.org/acme/vpc?ref=2.0", "", "git", "bitbucket.org/acme/vpc", "tag"),
    ("git@github.com:acme/vpc.git", "", "git", "github.com/acme/vpc", "none"),
    (f"git@github.com:acme/vpc.git?ref={COMMIT}", "", "git", "github.com/acme/vpc", "commit"),
    ("git::git@gitlab.com:acme/group/vpc.git//sub?ref=abc1234", "", "git", "gitlab.com/acme/group/vpc", "ref"),
    ("git::https://example.com/vpc.git", "", "git", "example.com/vpc", "none"),
    (f"git::https://example.com/vpc.git?ref={COMMIT}", "", "git", "example.com/vpc", "commit"),
    (f"git::https://example.com/vpc.git?ref={SHA256}", "", "git", "example.com/vpc", "commit"),
    (f"git::https://example.com/vpc.git?ref={COMMIT.upper()}", "", "git", "example.com/vpc", "commit"),
    (f"git::https://example.com/vpc.git?ref={COMMIT[:39]}", "", "git", "example.com/vpc", "ref"),
    ("git::https://example.com/vpc.git?ref=vpc-v1.2.0", "", "git", "example.com/vpc", "tag"),
    ("git::https://example.com/vpc.git?ref=modules/vpc/1.2.0-rc.1", "", "git", "example.com/vpc", "tag"),
    ("git::https://example.com/vpc.git?ref=release/next", "", "git", "example.com/vpc", "ref"),
    ("git::https://example.com/vpc.git?ref=v1", "", "git", "example.com/vpc", "ref"),
    ("git::https://example.com/vpc.git?depth=1", "", "git", "example.com/vpc", "none"),
    ("git::https://example.com/vpc.git?depth=1&ref=v1.2.0", "", "git", "example.com/vpc", "tag"),
    ("git::https://example.com/vpc.git?ref=", "", "git", "example.com/vpc", "none"),
    (f"git::https://example.com/vpc.git?ref={COMMIT}&ref=main", "", "git", "example.com/vpc", "none"),
    ("git::ssh://git@github.com/acme/vpc.git?ref=v1.2.0", "", "git", "github.com/acme/vpc", "tag"),
    ("git::ssh://git@example.com:2222/acme/vpc.git", "", "git", "example.com:2222/acme/vpc", "none"),
    ("git::https://oauth2:token@gitlab.com/acme/vpc.git?ref=v1.0.0", "", "git", "gitlab.com/acme/vpc", "tag"),
    ("git::https://dev.azure.com/acme/infra/_git/vpc?ref=v1.0.0", "", "git", "dev.azure.com/acme/infra/_git/vpc", "tag"),
    ("git::https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/vpc?ref=1.0.0", "", "git", "git-codecommit.eu-west-1.amazonaws.com/v1/repos/vpc", "tag"),
    ("https://github.com/acme/vpc.git", "", "git", "github.com/acme/vpc", "none"),
    ("hg::http://example.com/vpc.hg?rev=1.2.0", "", "mercurial", "example.com/vpc.hg", "tag"),
    ("https://example.com/vpc.zip", "", "http", "example.com/vpc.zip", "none"),
    (f"https://example.com/vpc.zip?checksum=sha256:{SHA256}", "", "http", "example.com/vpc.zip", "checksum"),
    ("https://example.com/vpc.zip?checksum=file:https://example.com/sums", "", "http", "example.com/vpc.zip", "none"),
    ("https://example.com/vpc?archive=zip", "", "http", "example.com/vpc", "none"),
    ("https://github.com/acme/vpc/archive/refs/tags/v1.tar.gz", "", "http", "github.com/acme/vpc/archive/refs/tags/v1.tar.gz", "none"),
    ("s3::https://s3-eu-west-1.amazonaws.com/acme/vpc.zip", "", "s3", "s3-eu-west-1.amazonaws.com/acme/vpc.zip", "none"),
    ("s3::https://s3-eu-west-1.amazonaws.com/acme/vpc.zip?version=3HL4kqCxf3vjVBH40Nrjfkd", "", "s3", "s3-eu-west-1.amazonaws.com/acme/vpc.zip", "version"),
    ("acme.s3.amazonaws.com/vpc.zip", "", "s3", "acme.s3.amazonaws.com/vpc.zip", "none"),
    ("gcs::https://www.googleapis.com/storage/v1/acme/vpc.zip", "", "gcs", "www.googleapis.com/storage/v1/acme/vpc.zip", "none"),
    ("www.googleapis.com/storage/v1/acme/vpc.zip", "", "gcs", "www.googleapis.com/storage/v1/acme/vpc.zip", "none"),
    ("oci://ghcr.io/acme/vpc?tag=1.0.0", "", "oci", "ghcr.io/acme/vpc", "tag"),
    (f"oci://ghcr.io/acme/vpc?digest=sha256:{SHA256}", "", "oci", "ghcr.io/acme/vpc", "checksum"),
    ("oci://ghcr.io/acme/vpc", "", "oci", "ghcr.io/acme/vpc", "none"),
    # what would talk an allow-list round
    ("git::https://github.com/acme/../evil/vpc.git?ref=v1.0.0", "", "git", "github.com/evil/vpc", "tag"),
    ("git::https://github.com/acme/%2e%2e/evil/vpc.git", "", "git", "github.com/evil/vpc", "none"),
    ("git::https://github.com@evil.example/acme/vpc.git", "", "git", "evil.example/acme/vpc", "none"),
    ("git::https://evil.example/vpc.git#github.com/acme/vpc", "", "git", "evil.example/vpc.git#github.com/acme/vpc", "none"),
    ("what-is-this", "", "other", "what-is-this", "none"),
    ("frob::https://example.com/x", "", "other", "example.com/x", "none"),
    ("", "", "other", "", "none"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "version", "kind", "location", "pin"), SOURCES)
def test_a_source_is_taken_apart(source: str, version: str, kind: str, location: str, pin: str) -> None:
    found = parse_source(source, version)
    assert (found.kind, found.location, found.pin) == (kind, location, pin)


def test_every_kind_and_every_pin_has_a_row() -> None:
    assert {row[2] for row in SOURCES} == set(KINDS)
    assert {row[4] for row in SOURCES} == set(PINS)


@pytest.mark.parametrize(
    ("constraint", "exact"),
    [("1.2.3", True), ("= 1.2.3", True), ("1", True), ("1.2.3-beta.1", True), ("v1.2.3", True), ("~> 1.2", False),
     (">= 1.0", False), ("1.2.3, 1.2.4", False), ("!= 1.0.0", False), ("", False), ("1.x", False), ("> 1, < 2", False)],
)  # fmt: skip
def test_only_one_version_is_an_exact_version(constraint: str, exact: bool) -> None:
    assert is_exact_version(constraint) is exact


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("./modules/vpc", "./modules/vpc"),
        ("git::https://oauth2:s3cret@gitlab.com/acme/vpc.git?ref=v1.0.0", "git::https://gitlab.com/acme/vpc.git?ref=v1.0.0"),
        ("git@github.com:acme/vpc.git", "github.com:acme/vpc.git"),
        ("git::ssh://git@github.com/a.git?sshkey=c2VjcmV0&ref=v1.0", "git::ssh://github.com/a.git?ref=v1.0"),
        ("s3::https://s3.amazonaws.com/b/v.zip?aws_access_key_id=A&aws_access_key_secret=B", "s3::https://s3.amazonaws.com/b/v.zip"),
    ],
)  # fmt: skip
def test_what_is_shown_of_a_source_holds_no_credentials(source: str, shown: str) -> None:
    assert shown_source(source) == shown
