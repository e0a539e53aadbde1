"""The exact paired test against all ways to turn its units, gone through one by one; and the level it is held to."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from pdm_desktop.core import sign_flip

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    "differences",
    [
        np.array([1.0, 1.0, 1.0]),
        np.array([1.0, -1.0, 0.0, 0.0, 2.0]),
        RNG.integers(-3, 4, 12).astype(float),
        RNG.normal(0.3, 1, 11),
        RNG.normal(-0.3, 0.001, 9),
    ],
    ids=["all one way", "with ties", "whole numbers", "any numbers", "against"],
)
def test_the_chance_is_the_share_of_all_ways_to_turn_the_units_that_give_as_much(differences: np.ndarray) -> None:
    sums = [float(np.dot(turned, differences)) for turned in product((1, -1), repeat=len(differences))]
    expected = np.mean([total >= differences.sum() - 1e-9 for total in sums])
    assert sign_flip.chance(differences) == pytest.approx(expected, abs=1e-3)


def test_nothing_between_them_is_no_evidence_whatever_the_number_of_units() -> None:
    assert sign_flip.chance(np.zeros(50)) == 1.0
    assert sign_flip.least_chance(np.zeros(50)) == 1.0
    assert sign_flip.chance(np.empty(0)) == 1.0


def test_small_chances_are_told_exactly_where_no_drawing_could() -> None:
    assert sign_flip.chance(np.full(60, 0.3)) == pytest.approx(0.5**60)
    # two of forty speak against: 1 + 40 + 780 of 2 ** 40 ways give 36 or more
    assert sign_flip.chance(np.array([-1.0] * 2 + [1.0] * 38)) == pytest.approx((1 + 40 + 780) / 2**40)


def test_the_levels_of_any_number_of_candidates_add_up_to_one_in_twenty() -> None:
    assert [round(1 / sign_flip.level(k)) for k in (1, 2, 3, 10)] == [40, 120, 240, 2200]
    assert sum(map(sign_flip.level, range(1, 10_000))) == pytest.approx(0.05, abs=1e-5)
    assert sum(map(sign_flip.level, range(1, 10_000))) < 0.05


def test_so_many_units_are_needed_as_one_way_is_rare_enough() -> None:
    # 2 ** -6 = 1/64 is below 1/40, 2 ** -5 is not; 2 ** -7 = 1/128 is below 1/120
    assert (sign_flip.fewest(1 / 40), sign_flip.fewest(1 / 120), sign_flip.fewest(1 / 64)) == (6, 7, 6)


def test_figures_share_the_level_but_one_that_can_show_nothing_takes_no_share() -> None:
    clear = np.ones(6)  # 1/64: below 1/40, not below a half of it
    other = np.array([1.0, -1.0] * 10)
    assert sign_flip.beyond({"ap": clear, "caught": np.array([1.0])}, 1 / 40) == (("ap",), 1 / 40)
    assert sign_flip.beyond({"ap": clear, "caught": other}, 1 / 40)[0] == ()
    assert sign_flip.beyond({"ap": np.ones(7), "caught": other}, 1 / 40) == (("ap",), 1 / 80)
    assert sign_flip.beyond({"caught": np.array([1.0])}, 1 / 40) == ((), 1 / 40)
