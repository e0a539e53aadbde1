"""Parameters that there are not, or that make no sense, are refused by name before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pdm_desktop.core import parameters
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.model_results import Goal, TrainingSettings
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.workspace import Workspace


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("max_dept", 3, "There is no parameter 'max_dept'"),
        ("eta", -1, "above 0 to 1"),
        ("eta", "abc", "above 0 to 1"),
        ("eta", None, "above 0 to 1"),
        ("eta", float("inf"), "above 0 to 1"),
        ("subsample", 0, "above 0 to 1"),
        ("colsample_bytree", float("nan"), "above 0 to 1"),
        ("max_depth", -3, "a whole number from 1 to 20"),
        ("max_depth", [1, 2], "a whole number from 1 to 20"),
        ("max_depth", True, "a whole number from 1 to 20"),
        ("rounds", 1.5, "a whole number from 1"),
        ("scale_pos_weight", -5, "above 0"),
        ("grow_policy", "upwards", "depthwise or lossguide"),
        ("objective", "reg:squarederror", "the risks are probabilities"),
        ("seed", 9, "--seed"),
        ("nthread", 64, "fixed"),
        ("verbosity", 3, "There is no parameter"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_name(name: str, value: Any, said: str) -> None:
    with pytest.raises(PdmError) as refused:
        parameters.check({"max_depth": 4, name: value})
    assert name in refused.value.message
    assert said in f"{refused.value.message} {refused.value.hint}"


def test_parameters_that_make_sense_pass() -> None:
    parameters.check(
        {"eta": 0.05, "max_depth": 8, "lambda": 0, "rounds": 300, "grow_policy": "lossguide", "subsample": 1}
    )


def test_other_numbers_of_a_training_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws") as workspace:
        for given, where in (
            ({"seed": -1}, "seed"),
            ({"time_limit_s": float("nan")}, "time_limit"),
            ({"time_limit_s": -5.0}, "time_limit"),
            ({"horizon_h": float("nan")}, "horizon_h"),
        ):
            with pytest.raises(PdmError) as refused:
                workspace.retrain(TrainingSettings(**given), Progress())  # type: ignore[arg-type]
            assert refused.value.where == where
        with pytest.raises(PdmError, match="above zero"):
            Goal("cost", missed=float("nan"))
