"""conftest's JSON, and SonarQube's quality gate from a file and from a server that keeps count."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from iacgate.errors import InputError, UsageError
from iacgate.scanners import sonarqube
from iacgate.scanners.conftest import read_conftest
from iacgate.scanners.sonarqube import ask_sonarqube, read_quality_gate

SCANS = Path(__file__).parents[3] / "fixtures" / "scans"
GATE = json.loads((SCANS / "sonarqube.json").read_bytes())
COMMIT = "4f2d8a6b9c1e0357fedcba98765432100a1b2c3d"


class TestConftest:
    def test_failures_warnings_and_what_the_policy_says_of_them(self) -> None:
        scan = read_conftest(json.loads((SCANS / "conftest.json").read_bytes()), "c.json")
        assert (scan.receipt.tool, scan.receipt.rules, scan.problem) == ("conftest", 7, "")
        ledger = "module.data.aws_db_instance.ledger"
        assert [(one.rule.split("#")[0], one.severity, one.address) for one in scan.findings] == [
            ("main.deny", "high", ledger),
            ("ACME-7", "critical", ledger),
            ("main.warn", "medium", "aws_s3_bucket.settlement"),
        ]

    def test_two_rules_behind_one_query_are_two(self) -> None:
        failures = [{"msg": text, "metadata": {"query": "data.main.deny"}} for text in ("one", "two", "one")]
        scan = read_conftest([{"filename": "p", "namespace": "main", "successes": 0, "failures": failures}], "c")
        assert len({one.rule for one in scan.findings}) == 2

    def test_an_exception_of_the_policy_is_a_suppressed_finding(self) -> None:
        entry = {"filename": "p", "namespace": "main", "successes": 0, "exceptions": [{"msg": "m"}]}
        (one,) = read_conftest([entry], "c").findings
        assert (one.suppressed, one.severity) == ("an exception of the Rego policy", None)

    def test_a_message_that_names_two_resources_is_tied_to_neither(self) -> None:
        failure = {"msg": "aws_kms_key.a is not used by aws_s3_bucket.b"}
        (one,) = read_conftest(
            [{"filename": "p", "namespace": "m", "successes": 1, "failures": [failure]}], "c"
        ).findings
        assert one.address == ""

    @pytest.mark.parametrize(
        "document", [[], [{"filename": "p", "namespace": "main", "successes": 0}]], ids=["nothing", "no test"]
    )
    def test_a_run_that_tested_nothing_is_no_evidence(self, document: Any) -> None:
        assert read_conftest(document, "c").problem == "no policy was applied to anything"

    @pytest.mark.parametrize(
        "document",
        [None, {}, [1], [{"filename": "p"}], [{"filename": "p", "namespace": "m", "successes": "4"}],
         [{"filename": "p", "namespace": "m", "successes": 1, "failures": [{}]}]],
    )  # fmt: skip
    def test_what_is_not_its_output_is_refused(self, document: Any) -> None:
        with pytest.raises(InputError):
            read_conftest(document, "c.json")


class Server(BaseHTTPRequestHandler):
    """A SonarQube that knows one project; each analysis of it is another commit."""

    requests: list[tuple[str, dict[str, list[str]], str]]
    analyses: list[dict[str, str]]
    answer: tuple[int, bytes, dict[str, str]] | None

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.requests.append((parts.path, query, self.headers.get("Authorization", "")))
        if self.answer is not None:
            return self.send(*self.answer)
        if self.headers.get("Authorization") != "Bearer squ_token":
            return self.send(401, b"", {})
        if parts.path == "/sonar/api/project_analyses/search":
            return self.send(200, json.dumps({"paging": {}, "analyses": self.analyses[-1:]}).encode(), {})
        known = [one["key"] for one in self.analyses]
        if parts.path == "/sonar/api/qualitygates/project_status" and query.get("analysisId", [""])[0] in known:
            return self.send(200, json.dumps(GATE).encode(), {})
        return self.send(404, b'{"errors":[]}', {})

    def send(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def server() -> Iterator[tuple[str, type[Server]]]:
    analyses = [{"key": "AX-1", "date": "2026-11-20T08:00:00+0100", "revision": COMMIT}]
    handler = type("Here", (Server,), {"requests": [], "analyses": analyses, "answer": None})
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_address[1]}/sonar", handler
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


class TestQualityGate:
    def test_each_condition_that_is_not_met_is_a_finding(self) -> None:
        scan = read_quality_gate(GATE, "s.json")
        (one,) = scan.findings
        assert (one.rule, one.severity) == ("new_security_rating", "high")
        assert one.message == "new security rating is 3, more than 1"
        assert (scan.receipt.rules, scan.problem) == (2, "")

    @pytest.mark.parametrize(
        ("status", "conditions", "findings", "problem"),
        [
            ("OK", [{"status": "OK", "metricKey": "coverage"}], 0, ""),
            ("ERROR", [], 1, ""),
            ("OK", [{"status": "ERROR", "metricKey": "coverage"}], 1, ""),
            ("NONE", [], 0, "no quality gate"),
            ("FINE", [], 0, "not known"),
        ],
    )
    def test_the_status_of_the_whole(self, status: str, conditions: list[Any], findings: int, problem: str) -> None:
        scan = read_quality_gate({"projectStatus": {"status": status, "conditions": conditions}}, "s")
        assert len(scan.findings) == findings
        assert problem in scan.problem
        assert bool(problem) == bool(scan.problem)

    @pytest.mark.parametrize("document", [None, {}, {"projectStatus": None}, {"projectStatus": {"conditions": []}}])
    def test_what_is_no_gate_is_refused(self, document: Any) -> None:
        with pytest.raises(InputError):
            read_quality_gate(document, "s.json")


class TestServer:
    def test_the_gate_is_that_of_the_last_analysis_with_its_commit_and_time(self) -> None:
        with server() as (url, seen):
            seen.analyses.append({"key": "AX-2", "date": "2026-11-21T08:00:00+0100", "revision": COMMIT.upper()})
            scan = ask_sonarqube(f"{url}?projectKey=shop%3Ainfra&branch=main", "squ_token")
            assert scan.receipt._asdict() | {"rules": 2} == scan.receipt._asdict()
            assert (scan.receipt.commit, scan.receipt.time) == (COMMIT, "2026-11-21T07:00:00Z")
            assert scan.findings[0].address == "shop:infra"
            assert [(path, query) for path, query, _ in seen.requests] == [
                (
                    "/sonar/api/project_analyses/search",
                    {"project": ["shop:infra"], "ps": ["1"], "branch": ["main"]},
                ),
                ("/sonar/api/qualitygates/project_status", {"analysisId": ["AX-2"]}),
            ]

    def test_the_whole_address_of_the_api_will_do(self) -> None:
        with server() as (url, seen):
            ask_sonarqube(f"{url}/api/qualitygates/project_status?analysisId=AX-1", "squ_token")
            assert len(seen.requests) == 1

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            ((302, b"", {"Location": "http://127.0.0.1:1/elsewhere"}), "a redirect, which is not followed"),
            ((500, b"boom", {}), "status 500"),
            ((200, b"<html>", {}), "something else than JSON"),
            ((200, b'{"analyses": 1}', {}), "something else than a list of analyses"),
            ((200, b'{"analyses": [], "analyses": []}', {}), "something else than JSON"),
            ((200, b'{"analyses": []}', {}), "never scanned"),
            ((200, b"[" * 200_000, {}), "something else than JSON"),
            ((200, b" " * (1024 * 1024 + 1), {}), "more than a quality gate"),
        ],
    )
    def test_an_answer_that_is_none_is_refused(self, answer: tuple[int, bytes, dict[str, str]], why: str) -> None:
        with server() as (url, seen):
            seen.answer = answer
            with pytest.raises(InputError, match=why):
                ask_sonarqube(f"{url}?projectKey=x", "squ_token")
            assert len(seen.requests) == 1

    def test_a_wrong_token_is_refused_and_not_shown(self) -> None:
        with server() as (url, _), pytest.raises(InputError, match="status 401") as raised:
            ask_sonarqube(f"{url}?projectKey=x", "squ_other")
        assert "squ_other" not in str(raised.value)

    def test_a_server_that_says_nothing_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import socket

        monkeypatch.setattr(sonarqube, "TIMEOUT", 0.05)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}?projectKey=x"
            with pytest.raises(InputError, match="no answer"):
                ask_sonarqube(url, "")

    @pytest.mark.parametrize(
        ("url", "token"),
        [
            ("http://sonar.example?projectKey=x", "t"),
            ("https://user:secret@sonar.example?projectKey=x", ""),
            ("https://sonar.example", "t"),
            ("https://sonar.example?projectKey=x&token=t", ""),
            ("https://?projectKey=x", ""),
            ("https://[::1?projectKey=x", ""),
        ],
    )
    def test_an_address_that_cannot_be_meant_is_refused(self, url: str, token: str) -> None:
        with pytest.raises(UsageError):
            ask_sonarqube(url, token)
