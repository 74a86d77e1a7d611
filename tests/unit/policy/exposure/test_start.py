"""What is not asked for costs nothing."""

import subprocess
import sys

SHOW = """
import sys
from iacgate.policy.catalogue import load_packaged
from iacgate.policy.evaluate import evaluate
library = load_packaged()
library.cases({kind!r}, [True] * len(library))
print(any(name.startswith("iacgate.policy.exposure.") for name in sys.modules))
"""


def imports_exposure(kind: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(kind=kind)], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip() == "True"


def test_the_ways_in_are_imported_for_resources_that_have_some() -> None:
    imports_exposure("aws_sqs_queue")  # the first run compiles the checks of a checkout
    assert not imports_exposure("aws_sqs_queue")
    assert imports_exposure("aws_instance")
