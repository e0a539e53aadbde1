"""How often luck alone would favour one of two scorers as much: an exact paired test, and the level it is held to.

Two scorers are measured on the same units (machines, or stretches of time: what fails together stays together), and
each unit speaks for the one or the other by some amount. Were there nothing between them, each unit might as well have
spoken the other way round. So all 2 ** n ways to turn them are gone through, exactly and without drawing: the chance is
the share of those that favour our scorer at least as much as what was seen.

A candidate is held to a level that falls with each one compared with the same version in use: EVER / (k (k + 1)) for
the k-th. These add up to EVER however often it is repeated, so repeating it does not find a better one by luck. Figures
that are looked at together share the level (Tarone 1990: Bonferroni, but those that could not reach it whichever way
their units turned take no share).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EVER = 0.05
"""The chance that any candidate at all, however many are tried, is taken for better than the same version by luck."""
_GRID = 20_000
"""Amounts are rounded to the sum of all over so many: the test of rounded amounts is as exact as any."""
_SLACK = 1 + 1e-9


def level(number: int) -> float:
    """The level of the `number`-th candidate (from 1) compared with the same version."""
    return EVER / (number * (number + 1))


def chance(differences: npt.NDArray[Any]) -> float:
    """The share of all ways to turn the units' `differences` (n,) whose sum is at least theirs; 1 without any."""
    steps = _rounded(differences)
    seen, reach = int(steps.sum()), int(np.abs(steps).sum())
    share = np.zeros(2 * reach + 1)
    share[reach] = 1.0
    for step in np.abs(steps).tolist():
        turned = np.zeros_like(share)
        turned[step:] += share[:-step]
        turned[:-step] += share[step:]
        share = turned / 2
    return float(min(1.0, share[reach + seen :].sum()))


def least_chance(differences: npt.NDArray[Any]) -> float:
    """The smallest chance these units could give: that of all of them speaking one way."""
    return 0.5 ** int(np.count_nonzero(_rounded(differences)))


def fewest(wanted: float) -> int:
    """So many units are needed at least for a chance of at most `wanted`."""
    return math.ceil(math.log2(1 / wanted) / _SLACK)


def beyond(differences: Mapping[str, npt.NDArray[Any]], wanted: float) -> tuple[tuple[str, ...], float]:
    """The figures whose gain is beyond luck at the level `wanted` of them all together, and each one's share of it."""
    least = {name: least_chance(found) for name, found in differences.items()}
    for sharing in range(1, len(least) + 1):
        able = [name for name, found in least.items() if found <= wanted / sharing * _SLACK]
        if len(able) <= sharing:
            share = wanted / sharing
            return tuple(name for name in able if chance(differences[name]) <= share * _SLACK), share
    return (), wanted


def _rounded(differences: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The differences other than 0 as whole numbers of one small step; small whole numbers stay what they are."""
    found: Floats = np.asarray(differences, float)
    whole = np.rint(found)
    reach = float(np.abs(found).sum())
    if reach > _GRID or not np.array_equal(whole, found):
        whole = np.rint(found * (_GRID / reach))
    steps: npt.NDArray[np.int64] = whole[whole != 0].astype(np.int64)
    return steps
