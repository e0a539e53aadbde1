"""The champion that ships: whole, free of traces of where it was made, and good on the public extract it never saw."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from build import make_bundled_model as maker
from build import plants
from pdm_desktop.core import evaluation, features, paths, simulate
from pdm_desktop.core.scoring import CHECKSUMS, Model
from pdm_desktop.core.times import HOUR, parse


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(paths.bundled_model())


def test_it_opens_and_gives_a_risk_for_every_component(model: Model) -> None:
    assert model.components == simulate.COMPONENTS
    assert model.info.horizon_h == 24
    assert 0 < model.info.threshold < 1
    risks = model.predict(np.full((1, len(model.spec.names)), np.nan, np.float32))
    assert risks.shape == (1, 5)
    assert np.isfinite(risks).all()


def test_every_file_of_it_has_a_checksum() -> None:
    folder = paths.bundled_model()
    recorded = json.loads((folder / CHECKSUMS).read_text("utf-8"))
    assert sorted(recorded) == sorted(p.name for p in folder.iterdir() if p.name != CHECKSUMS)
    assert {"MLmodel", "model.ubj", "pdm_model.json", "input_example.json"} <= recorded.keys()


def test_its_texts_name_no_folder_and_no_host_of_where_it_was_made() -> None:
    for path in (*paths.bundled_model().iterdir(), *(paths.bundled_model().parent / "plots").iterdir()):
        if path.name != "model.ubj":
            text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"file:|https?:|/(home|root|tmp|work|usr)/|[A-Z]:\\\\", text), path.name


def test_it_comes_from_a_simulated_plant_that_is_not_the_demo_s() -> None:
    made_from = json.loads((paths.bundled_model() / "pdm_model.json").read_text("utf-8"))["made_from"]
    sensors = made_from.pop("sensors")
    assert made_from == {"plant": "simulated", "machines": 100, "days": 365, "simulation_seed": maker.SEED}
    assert set(sensors) == set(simulate.SENSORS)
    assert maker.SEED != 1


def test_the_model_card_states_the_seed_and_the_stored_figures() -> None:
    card = (paths.bundled_model().parent / "MODEL_CARD.md").read_text("utf-8")
    plain = json.loads((paths.bundled_model() / "pdm_model.json").read_text("utf-8"))
    assert f"seed {maker.SEED}" in card
    assert f"{plain['threshold']:.3f}" in card
    assert f"{plain['metrics']['test']['ap']:.4f}" in card


def test_on_the_public_extract_it_reaches_its_goals_at_its_own_threshold(model: Model, shared_data: Path) -> None:
    histories = plants.extract(shared_data / "azure_pdm")
    known_until = max(int(h.failures.times[-1]) for h in histories if len(h.failures.times))
    at = np.arange(parse("2015-01-08T00:00Z", "UTC"), known_until - 24 * HOUR + 1, HOUR, dtype=np.int64)
    truth, risk, alarms = [], [], []
    for history in histories:
        scores = model.predict(features.build(history, model.spec, at, np.float32))[:, 0]
        failures = history.failures.times
        truth.append([int(any((failures > t) & (failures <= t + 24 * HOUR))) for t in at.tolist()])
        risk.append(scores)
        if scores[at == parse("2015-01-20T00:00Z", "UTC")][0] >= model.info.threshold:
            alarms.append(history.machine)
    found = evaluation.row_metrics(np.concatenate(truth), np.concatenate(risk), model.info.threshold)
    assert found.rows == 39_020
    assert found.ap >= 0.99
    assert found.f1 >= 0.97
    assert {"11", "15"} <= set(alarms)
    assert len(alarms) <= 3
