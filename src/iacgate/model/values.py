"""What an attribute can be besides a value: absent, unknown, or not to be shown.

Terraform's ``null`` reads as ``ABSENT``. ``UNKNOWN`` is a value that only an apply would settle
(``after_unknown`` of a plan). ``SENSITIVE`` stands in evidence for a value that must not leave.
"""

from enum import Enum

__all__ = ["ABSENT", "SENSITIVE", "UNKNOWN", "Marker"]


class Marker(Enum):
    """A stand-in for a value; its own value is how it is printed."""

    ABSENT = "(not set)"
    UNKNOWN = "(known after apply)"
    SENSITIVE = "(sensitive)"

    def __repr__(self) -> str:
        return self.value


ABSENT = Marker.ABSENT
UNKNOWN = Marker.UNKNOWN
SENSITIVE = Marker.SENSITIVE
