"""The parts of a SARIF 2.1.0 log that are read, as data. What is not named here is ignored.

A part of another type than the specification gives it makes the whole log unreadable: nothing is guessed.
"""

from typing import Any

import msgspec

__all__ = [
    "ArtifactLocation",
    "Component",
    "ExternalFiles",
    "Invocation",
    "Location",
    "Log",
    "LogicalLocation",
    "Message",
    "Notification",
    "PhysicalLocation",
    "Region",
    "Result",
    "ResultProvenance",
    "Rule",
    "RuleReference",
    "Run",
    "Suppression",
    "Tool",
]


class _Part(msgspec.Struct, rename="camel"):
    """An object of the log."""


class Message(_Part):
    """``message`` (3.11) and ``multiformatMessageString`` (3.12)."""

    text: str = ""
    id: str = ""
    arguments: list[str] = []


class ArtifactLocation(_Part):
    """``artifactLocation`` (3.4)."""

    uri: str = ""
    uri_base_id: str = ""
    index: int = -1


class Region(_Part):
    """``region`` (3.30). Lines count from 1."""

    start_line: int = 0
    end_line: int = 0


class PhysicalLocation(_Part):
    """``physicalLocation`` (3.29)."""

    artifact_location: ArtifactLocation = msgspec.field(default_factory=ArtifactLocation)
    region: Region = msgspec.field(default_factory=Region)


class LogicalLocation(_Part):
    """``logicalLocation`` (3.33)."""

    name: str = ""
    fully_qualified_name: str = ""
    decorated_name: str = ""
    kind: str = ""
    index: int = -1


class Location(_Part):
    """``location`` (3.28)."""

    physical_location: PhysicalLocation | None = None
    logical_locations: list[LogicalLocation] = []


class ToolComponentReference(_Part):
    """``toolComponentReference`` (3.54)."""

    index: int = -1
    name: str = ""


class RuleReference(_Part):
    """``reportingDescriptorReference`` (3.52)."""

    id: str = ""
    index: int = -1
    tool_component: ToolComponentReference | None = None


class Suppression(_Part):
    """``suppression`` (3.35)."""

    kind: str = ""
    status: str = "accepted"
    justification: str = ""


class ResultProvenance(_Part):
    """``resultProvenance`` (3.48)."""

    first_detection_time_utc: str = ""


class Result(_Part):
    """``result`` (3.27)."""

    message: Message
    rule_id: str = ""
    rule_index: int = -1
    rule: RuleReference | None = None
    kind: str = ""
    level: str = ""
    locations: list[Location] = []
    suppressions: list[Suppression] | None = None
    baseline_state: str = ""
    provenance: ResultProvenance | None = None
    properties: dict[str, Any] = {}


class Configuration(_Part):
    """``reportingConfiguration`` (3.50)."""

    level: str = ""


class Rule(_Part):
    """``reportingDescriptor`` (3.49)."""

    id: str
    name: str = ""
    short_description: Message | None = None
    full_description: Message | None = None
    help: Message | None = None
    message_strings: dict[str, Message] = {}
    default_configuration: Configuration = msgspec.field(default_factory=Configuration)
    properties: dict[str, Any] = {}


class Component(_Part):
    """``toolComponent`` (3.19)."""

    name: str
    version: str = ""
    semantic_version: str = ""
    rules: list[Rule] = []


class Tool(_Part):
    """``tool`` (3.18)."""

    driver: Component
    extensions: list[Component] = []


class Notification(_Part):
    """``notification`` (3.58)."""

    level: str = "warning"


class Invocation(_Part):
    """``invocation`` (3.20)."""

    execution_successful: bool
    exit_code: int | None = None
    exit_signal_name: str = ""
    process_start_failure_message: str = ""
    start_time_utc: str = ""
    end_time_utc: str = ""
    tool_execution_notifications: list[Notification] = []
    tool_configuration_notifications: list[Notification] = []


class Provenance(_Part):
    """``versionControlDetails`` (3.23)."""

    revision_id: str = ""


class ExternalFiles(_Part):
    """``externalPropertyFileReferences`` (3.15)."""

    results: list[Any] = []


class Artifact(_Part):
    """``artifact`` (3.24)."""

    location: ArtifactLocation = msgspec.field(default_factory=ArtifactLocation)


class Run(_Part):
    """``run`` (3.14)."""

    tool: Tool
    results: list[Result] | None = None
    invocations: list[Invocation] = []
    artifacts: list[Artifact] = []
    logical_locations: list[LogicalLocation] = []
    original_uri_base_ids: dict[str, ArtifactLocation] = {}
    version_control_provenance: list[Provenance] = []
    external_property_file_references: ExternalFiles | None = None
    properties: dict[str, Any] = {}


class Log(_Part):
    """``sarifLog`` (3.13)."""

    version: str
    runs: list[Run] | None = None
