"""SonarQube's quality gate: the answer of ``api/qualitygates/project_status``, from a file or asked for.

Asked for a project (and branch or pull request), it is asked first which analysis is the last one
(``api/project_analyses/search``), and then for the gate of just that one: so the commit and the time are those of the
gate. A redirect is never followed, because it would carry the token along.
"""

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec

from iacgate.errors import InputError, UsageError
from iacgate.model.finding import Severity
from iacgate.model.scan import Receipt, Scan, ScannerFinding
from iacgate.scanners.receipt import utc_time
from iacgate.scanners.text import NAME_LIMIT, plain

__all__ = ["ask_sonarqube", "is_url", "read_quality_gate"]

TIMEOUT = 15.0
"""Seconds to connect, and between two pieces of an answer."""
_MAX_BYTES = 1024 * 1024
_GATE = "api/qualitygates/project_status"
_ANALYSES = "api/project_analyses/search"
_SEVERITIES = {"ERROR": Severity.HIGH, "WARN": Severity.MEDIUM}
_KEYS = ("projectKey", "branch", "pullRequest", "analysisId")


class _Condition(msgspec.Struct, rename="camel"):
    status: str
    metric_key: str
    comparator: str = ""
    error_threshold: str = ""
    actual_value: str = ""


class _Status(msgspec.Struct):
    status: str
    conditions: list[_Condition] = []


class _Answer(msgspec.Struct, rename="camel"):
    project_status: _Status


class _Analysis(msgspec.Struct):
    key: str
    date: str = ""
    revision: str = ""


class _Analyses(msgspec.Struct):
    analyses: list[_Analysis]


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """No request to anywhere else: urllib then raises the answer as an error."""


def is_url(text: str) -> bool:
    """Whether it is asked for over the network; else it is a file."""
    return text.lower().startswith(("http://", "https://"))


def read_quality_gate(document: Any, source: str, project: str = "") -> Scan:
    """The quality gate in an answer of the API. Raises ``InputError`` when it is none."""
    if not isinstance(document, dict) or "projectStatus" not in document:
        raise InputError(f"{source} is not the status of a quality gate: it has no `projectStatus`")
    try:
        gate = msgspec.convert(document, _Answer).project_status
    except msgspec.ValidationError as error:
        raise InputError(f"{source} is malformed: {error}") from None
    findings = [_finding(one, project) for one in gate.conditions if one.status != "OK"]
    if gate.status in _SEVERITIES and not findings:
        title = "The quality gate is not passed"
        findings = [ScannerFinding("quality-gate", title, _SEVERITIES[gate.status], title, project)]
    problem = ""
    if gate.status == "NONE":
        problem = "the project has no quality gate, or was never analysed"
    elif gate.status not in ("OK", "WARN", "ERROR"):
        problem = "its quality gate has a status that is not known"
    return Scan(source, Receipt("sonarqube", rules=len(gate.conditions)), tuple(findings), problem)


def _finding(one: _Condition, project: str) -> ScannerFinding:
    words = {"LT": "less than", "GT": "more than"}.get(one.comparator, "beyond")
    metric = one.metric_key.replace("_", " ")
    message = f"{metric} is {one.actual_value or 'not known'}, {words} {one.error_threshold or 'the limit'}"
    title = plain(f"Quality gate: {metric}", NAME_LIMIT)
    rule = plain(one.metric_key, NAME_LIMIT) or "quality-gate"
    return ScannerFinding(rule, title, _SEVERITIES.get(one.status), plain(message), project)


def ask_sonarqube(url: str, token: str) -> Scan:
    """Ask a server. ``url`` is its address with ``?projectKey=…`` (``branch``, ``pullRequest``) or ``?analysisId=…``.

    Raises ``UsageError`` when the address is none to ask, ``InputError`` when there is no usable answer.
    """
    base, query = _parts(url, token)
    project = query.get("projectKey", "")
    last = _Analysis("")
    if "analysisId" not in query:
        of = {key: value for key, value in query.items() if key in ("branch", "pullRequest")}
        wanted = {"project": project, "ps": "1"} | of
        try:
            found = msgspec.convert(_get(base + _ANALYSES, wanted, token), _Analyses).analyses
        except msgspec.ValidationError:
            raise InputError(f"{base} answers something else than a list of analyses") from None
        if not found:
            raise InputError(f"{base} knows no analysis of the project: it was never scanned")
        last = found[0]
    scan = read_quality_gate(
        _get(base + _GATE, {"analysisId": query.get("analysisId", last.key)}, token), base, plain(project, NAME_LIMIT)
    )
    commit = last.revision.lower() if len(last.revision) >= 7 and last.revision.isalnum() else ""
    return scan._replace(receipt=scan.receipt._replace(commit=commit, time=utc_time(last.date)))


def _parts(url: str, token: str) -> tuple[str, dict[str, str]]:
    try:
        parts = urlsplit(url)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise UsageError("the address of SonarQube is none") from None
    if not whole or parts.username is not None or parts.password is not None:
        raise UsageError("the address of SonarQube needs a host, and no user in it", hint="give --sonarqube-token")
    if token and parts.scheme.lower() == "http" and not local:
        raise UsageError("a token is not sent over http", hint="use https")
    query = dict(parse_qsl(parts.query))
    if not (query.get("projectKey") or query.get("analysisId")) or not query.keys() <= set(_KEYS):
        raise UsageError(
            "the address of SonarQube says which project: ?projectKey=KEY, or ?analysisId=ID",
            hint=f"the parameters are {', '.join(_KEYS)}",
        )
    path = parts.path.removesuffix("/" + _GATE).rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path + "/", "", "")), query


def _get(url: str, query: dict[str, str], token: str) -> Any:
    request = Request(f"{url}?{urlencode(query)}", headers={"Accept": "application/json"})  # noqa: S310 - http(s) only
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT) as answer:
            data = answer.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise InputError(f"{url} answers more than a quality gate")
        return json.loads(data, object_pairs_hook=_once)
    except HTTPError as error:
        why = "a redirect, which is not followed" if 300 <= error.code < 400 else f"status {error.code}"
        error.close()
        raise InputError(f"{url} answers with {why}") from None
    except (URLError, OSError, HTTPException):  # refused, timed out, broken off; the texts may hold the address
        raise InputError(f"{url} cannot be asked: no answer") from None
    except (ValueError, RecursionError):
        raise InputError(f"{url} answers something else than JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) != len(pairs):
        raise ValueError
    return whole
