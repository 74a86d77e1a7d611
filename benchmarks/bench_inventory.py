"""What a posture index costs: made of 100,000 resources, opened, asked.

CPU of one process, medians, beside what decoding the same inventory as JSON costs; trust the ratios.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import msgspec

from iacgate.gate.posture_index import make_index
from iacgate.policy.catalogue import load_packaged
from iacgate.policy.provider_schema import load
from iacgate.sources.index_file import open_index
from iacgate.sources.inventory_json import read_inventory

ACCOUNT, REGION = "111122223333", "eu-central-1"
KINDS = (
    "aws_subnet",
    "aws_security_group_rule",
    "aws_route",
    "aws_network_interface",
    "aws_s3_bucket_public_access_block",
)


def main() -> None:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(description="Benchmarks of posture indexes.")
    parser.add_argument("--resources", type=int, default=100_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=9, metavar="N")
    options = parser.parse_args()
    data = inventory(options.resources)
    catalogue, schema = load_packaged(), load()
    print(f"{options.resources:,} resources, {len(data) / 1e6:.1f} MB of JSON")
    decode = cpu(lambda: msgspec.json.decode(data), 3)
    read = cpu(lambda: read_inventory(data, "i"), 3)
    found = read_inventory(data, "i")
    made = make_index([found], catalogue, schema)
    build = cpu(lambda: make_index([found], catalogue, schema), 1)
    print(f"msgspec decodes it into dicts in {decode:.2f} s; read {read / decode:.1f}x, indexed {build / decode:.1f}x")
    with tempfile.TemporaryDirectory(prefix="iacgate-bench-") as scratch:
        file = Path(scratch) / "index"
        file.write_bytes(made.data)
        print(f"index: {len(made.data) / 1e6:.1f} MB")
        opened = cpu(lambda: open_index(str(file)), options.rounds)
        asked = cpu(lambda: ask(file, options.resources), options.rounds)
    print(f"open {opened * 1e3:.2f} ms; open and 10 lookups {asked * 1e3:.2f} ms of CPU, to reach: 5 ms")


def ask(file: Path, resources: int) -> None:
    """Open it and look ten things up, one of which is not there."""
    index = open_index(str(file))
    for number in range(9):
        place = number * (resources // 10) // len(KINDS) * len(KINDS)
        assert index.lookup("aws_subnet", "id", f"subnet-{place:08x}")
    assert not index.lookup("aws_subnet", "id", "subnet-ffffffff")


def inventory(resources: int) -> bytes:
    """So many resources of five kinds, with the attributes that Terraform would show."""
    schema = load()
    rows = []
    for number in range(resources):
        kind = KINDS[number % len(KINDS)]
        names = [
            path for path in schema.paths(kind) if path and "." not in path and path not in ("timeouts", "tags_all")
        ]
        given: dict[str, object] = dict.fromkeys(names)
        given |= {"id": f"{kind[4:10].rstrip('_')}-{number:08x}", "vpc_id": f"vpc-{number % 500:08x}"}
        if kind == "aws_subnet":
            given |= {
                "arn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/subnet-{number:08x}",
                "map_public_ip_on_launch": False,
            }
        given |= {"bucket": f"bucket-{number}"} if "bucket" in names else {"route_table_id": f"rtb-{number % 900:08x}"}
        rows.append({"type": kind, "cloud_id": given["id"], "account": ACCOUNT, "region": REGION, "attributes": given})
    scope = {"cloud": "aws", "account": ACCOUNT, "region": REGION, "complete": list(KINDS)}
    document = {
        "schema": "iacgate/inventory/v1",
        "collected_at": "2025-06-02T05:30:00Z",
        "scopes": [scope],
        "resources": rows,
    }
    return json.dumps(document).encode()


def cpu(work: Callable[[], object], rounds: int) -> float:
    """Seconds of CPU, the middle of several."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return median(times)


if __name__ == "__main__":
    main()
