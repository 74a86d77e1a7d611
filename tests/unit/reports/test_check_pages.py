"""Pages about checks."""

import re
from pathlib import Path
from typing import Any

import pytest

from iacgate.policy.catalogue import lint_files, packaged_root, read_check_files
from iacgate.policy.check_file import read_check
from iacgate.policy.provider_schema import load
from iacgate.policy.yaml_nodes import Source
from iacgate.reports.check_pages import MARK, index, page, page_name

SCHEMA = load()
PACKAGED = lint_files(packaged_root(), read_check_files(packaged_root()))[0]
CHECK = """
id: own-queue
title: Queues are [ours] | and *private*
family: encryption
severity: high
tier: strict
resource: [aws_sqs_queue, aws_sns_topic]
when: {attribute: name, starts_with: own_, absent: fail}
condition:
  all:
    - {attribute: kms_master_key_id, is_set: true}
    - none:
        - {attribute: name, equals: public, absent: pass}
message: "{address} has no key"
rationale: |
  Who holds the key
  reads the `queue`.
remediation: Set `kms_master_key_id`.
deprecated: by own-queue-2
aliases: [X_1]
controls: {cis-aws-3.0: ["2.3.3", "2.4"], other-1: [A]}
examples:
  pass:
    - resource "aws_sqs_queue" "after" {}
    - resource "aws_sqs_queue" "second" {}
  fail:
    - |
      # ``` in a comment
      resource "aws_sqs_queue" "before" {}
"""
PAGE = """\
<!-- Written by `iacgate checks docs`. -->

# Queues are \\[ours\\] \\| and \\*private\\*

**Deprecated**: by own-queue-2

| | |
|---|---|
| id | `own-queue` |
| severity | high |
| family | encryption |
| tier | strict |
| looks at | `aws_sqs_queue`, `aws_sns_topic` |
| says | {address} has no key |

## Why

Who holds the key reads the `queue`.

## What it asks

Only where

- name is text that starts with "own\\_" (absent: fail)

it asks that

- all of these
  - kms_master_key_id is set
  - none of these
    - name is equal to "public" (absent: pass)

*absent* is what leaving the attribute out means.

## How to fix

Set `kms_master_key_id`.

## Before

````hcl
# ``` in a comment
resource "aws_sqs_queue" "before" {}
````

## After

```hcl
resource "aws_sqs_queue" "after" {}
```

## Controls

| benchmark | controls |
|---|---|
| cis-aws-3.0 | 2.3.3, 2.4 |
| other-1 | A |

## In other tools

`X_1`
"""


def normal(text: str = CHECK, file: str = "own-queue.yaml") -> dict[str, Any]:
    check = read_check(text.encode(), Source(file), Path(file).stem, SCHEMA)
    assert check is not None
    return {**check, "file": file}


def test_a_page_says_everything_about_a_check() -> None:
    assert page(normal()) == PAGE


@pytest.mark.parametrize("check", PACKAGED, ids=lambda check: check["id"])
def test_a_page_of_every_packaged_check_can_be_read(check: dict[str, Any]) -> None:
    text = page(check)
    for heading in ("Why", "What it asks", "How to fix", "Before", "After", "Controls", "In other tools"):
        assert text.count(f"\n## {heading}\n") == 1 or heading in ("Controls", "In other tools"), heading
    assert check["examples"]["fail"][0].strip("\n") in text
    assert check["examples"]["pass"][0].strip("\n") in text
    assert text.startswith(MARK)
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 4
    assert all(kind in text for case in check["cases"] for kind in case["types"])


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("aws/sqs/own-queue.yaml", "aws/sqs/own-queue.md"),
        ("azure/storage/old/own-queue.yaml", "azure/storage/own-queue.md"),
        ("own-queue.yaml", "aws/sqs/own-queue.md"),
        ("queues/own-queue.yaml", "aws/sqs/own-queue.md"),
    ],
)
def test_pages_lie_by_cloud_and_service(file: str, name: str) -> None:
    assert page_name(normal(file=file)) == name


def test_the_index_lists_every_check_once_under_its_service_whatever_the_order() -> None:
    text = index(PACKAGED, page_name)
    assert text == index(PACKAGED[::-1], page_name)
    for check in PACKAGED:
        assert text.count(f"| [{check['id']}]({page_name(check)}) |") == 1
    assert f"\n{len(PACKAGED)} checks.\n" in text
    service = text.partition("\n### s3\n")[2].partition("\n### ")[0]
    assert set(re.findall(r"\[(aws-[\w-]+)\]", service)) == {c["id"] for c in PACKAGED if "/s3/" in c["file"]}
