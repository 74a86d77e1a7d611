"""Sets of whole numbers as sorted, disjoint spans: ports, protocols and addresses alike."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Spans", "common", "contains", "joined", "size", "without"]

Spans = tuple[tuple[int, int], ...]
"""From low to high, both included; in order, neither touching nor overlapping."""


def joined(spans: Iterable[tuple[int, int]]) -> Spans:
    """The numbers that are in any of the spans, which may come in any order and overlap."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if low > high:
            continue
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return tuple(out)


def common(one: Spans, other: Spans) -> Spans:
    """The numbers that are in both."""
    if not one or not other:
        return ()
    if len(other) == 1 and other[0][0] <= one[0][0] and one[-1][1] <= other[0][1]:
        return one
    if one == other or (len(one) == 1 and one[0][0] <= other[0][0] and other[-1][1] <= one[0][1]):
        return other
    out: list[tuple[int, int]] = []
    i = j = 0
    while i < len(one) and j < len(other):
        low, high = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if low <= high:
            out.append((low, high))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(out)


def without(one: Spans, other: Spans) -> Spans:
    """The numbers of the first that are not in the second."""
    out: list[tuple[int, int]] = []
    j = 0
    for start, high in one:
        low = start
        while j < len(other) and other[j][1] < low:
            j += 1
        k = j
        while k < len(other) and other[k][0] <= high:
            if low < other[k][0]:
                out.append((low, other[k][0] - 1))
            low = max(low, other[k][1] + 1)
            k += 1
        if low <= high:
            out.append((low, high))
    return tuple(out)


def contains(one: Spans, other: Spans) -> bool:
    """Every number of the second is in the first."""
    return not without(other, one)


def size(spans: Spans) -> int:
    """How many numbers there are."""
    return sum(high - low + 1 for low, high in spans)
