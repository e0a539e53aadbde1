"""The retraining wizard by clicks, with hand-made answers (with a real workspace: test_retraining.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QTableView
from pytestqt.qtbot import QtBot

from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.model_results import Goal, Interval, Measures, Round, TrainingSettings, Verdict
from pdm_desktop.core.progress import Step
from pdm_desktop.gui.figures import lead_text, mistake_words
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.wizards.retrain import DATA, DECIDE, RESULT, SETTINGS, TRAINING, RetrainWizard
from pdm_desktop.gui.wizards.retrain_data import Part
from pdm_desktop.gui.wizards.retrain_settings import parse_params
from tests.gui.trained import CANDIDATE, LEAKING, NOT_BETTER, TOO_FEW, at, dispose, figures
from tests.gui.trained import DATA as PLANT
from tests.gui.trained import RESULT as TRAINED


@pytest.fixture
def wizard(qapp: QApplication, theme: Theme) -> Iterator[RetrainWizard]:  # noqa: ARG001 (there must be one)
    made = RetrainWizard(theme, "M. Ito", "UTC")
    made.show()
    yield made
    dispose(made)


@pytest.fixture
def ready(wizard: RetrainWizard) -> RetrainWizard:
    """At its settings, with enough to learn from."""
    wizard.show_data(PLANT, Part())
    click(wizard.next_button)
    return wizard


def click(button: QPushButton) -> None:
    assert button.isEnabled()
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    QApplication.processEvents()


def cells(table: QTableView, row: int) -> list[str]:
    model = table.model()
    return [model.index(row, column).data() for column in range(model.columnCount())]


def started(qtbot: QtBot, wizard: RetrainWizard) -> TrainingSettings:
    with qtbot.waitSignal(wizard.training_requested) as told:
        click(wizard.next_button)
    settings: TrainingSettings = told.args[0]
    return settings


def test_the_first_step_says_what_there_is_and_whether_it_is_enough(wizard: RetrainWizard) -> None:
    assert not wizard.next_button.isEnabled()
    wizard.show_data(PLANT, Part())
    step = wizard.data_step
    assert step.banner.text == "There is enough to learn from."
    assert step.facts["Failures"].text() == "719"
    assert step.facts["Readings"].text() == "876,100"
    assert step.facts["Usable time"].text() == "1 Jan 2015, 06:00 – 31 Dec 2015, 05:00 UTC"
    assert step.missing_card.isVisible()
    assert wizard.next_button.isEnabled()


def test_without_failures_there_is_no_way_on_and_it_says_what_to_do(wizard: RetrainWizard) -> None:
    wizard.show_data(TOO_FEW, Part())
    step = wizard.data_step
    assert step.banner.text == "There is not enough to learn from. Import the failures on record."
    # Too few to divide: noughts behind Training, Validation and Test would be a division.
    assert "Too few failures to divide." in [words.text() for words in step.findChildren(QLabel)]
    assert not wizard.next_button.isEnabled()


def test_where_the_record_could_not_be_looked_at_no_noughts_are_shown_but_the_reason(
    qtbot: QtBot, wizard: RetrainWizard
) -> None:
    nothing = replace(
        TOO_FEW, start=None, end=None, readings=0, machines=(), missing=("No sensor has values often enough.",)
    )
    wizard.show_data(nothing, Part())
    step = wizard.data_step
    assert not step.facts["Machines"].isVisible()
    assert not step.since.isVisible()
    assert step.banner.text == (
        "Nothing can be learnt from the record as it is. No sensor has values often enough. Import the failures on "
        "record."
    )
    step.machines.setText("fan 1, fan 2")
    with qtbot.waitSignal(wizard.data_requested) as told:
        click(step.apply)
    assert told.args == [Part(None, None, ("fan 1", "fan 2"))]
    wizard.show_data(PLANT, Part())
    assert step.facts["Machines"].isVisible()
    assert step.since.isVisible()


def test_part_of_the_record_is_asked_for_with_its_last_day_whole(qtbot: QtBot, wizard: RetrainWizard) -> None:
    wizard.show_data(PLANT, Part())
    step = wizard.data_step
    step.until.setDate(step.until.date().addDays(-30))
    step.machines.setText("1, 2,2 , 5")
    with qtbot.waitSignal(wizard.data_requested) as told:
        click(step.apply)
    assert told.args == [Part(None, at("2015-12-02 00:00") - 1, ("1", "2", "5"))]
    assert not wizard.next_button.isEnabled()


def test_the_defaults_need_no_choice(qtbot: QtBot, ready: RetrainWizard) -> None:
    settings = started(qtbot, ready)
    assert settings == TrainingSettings(horizon_h=24.0, holdout_machines=20)
    assert ready.steps.step == TRAINING


def test_what_was_chosen_is_what_is_asked_for(qtbot: QtBot, ready: RetrainWizard) -> None:
    step = ready.settings_step
    step.horizon.setValue(48)
    for choice in (step.telemetry, step.tuned, step.cost):
        qtbot.mouseClick(choice, Qt.MouseButton.LeftButton, pos=QPoint(8, choice.height() // 2))
    step.trials.setValue(12)
    step.limit.setValue(5)
    step.missed.setValue(20)
    click(step.fold)
    step.holdout.setValue(3)
    step.params.setText("max_depth=4, eta=0.05")
    settings = started(qtbot, ready)
    assert settings == TrainingSettings(
        horizon_h=48.0, features="telemetry", trials=12, time_limit_s=300.0, goal=Goal("cost", missed=20.0),
        holdout_machines=3, params={"max_depth": 4, "eta": 0.05},
    )  # fmt: skip


def test_expert_options_are_folded_away_until_wanted(ready: RetrainWizard) -> None:
    step = ready.settings_step
    assert not step.expert.isVisible()
    click(step.fold)
    assert step.expert.isVisible()
    click(step.fold)
    assert not step.expert.isVisible()


def test_parameters_that_cannot_be_read_are_refused_before_anything_starts(ready: RetrainWizard) -> None:
    asked: list[object] = []
    ready.training_requested.connect(asked.append)
    ready.settings_step.params.setText("deeper please")
    click(ready.next_button)
    assert ready.steps.step == SETTINGS
    assert "'deeper' is no parameter" in ready.settings_step.problem.text
    assert asked == []


def test_numbers_of_a_choice_not_taken_are_off(ready: RetrainWizard) -> None:
    step = ready.settings_step
    assert not step.trials.isEnabled()
    assert not step.alarms.isEnabled()
    step.budget.click()
    assert step.alarms.isEnabled()
    assert not step.missed.isEnabled()


def test_a_double_click_goes_one_step_on_and_presses_nothing_there(qtbot: QtBot, ready: RetrainWizard) -> None:
    decided: list[object] = []
    ready.decided.connect(lambda *told: decided.append(told))
    ready.show_result(TRAINED, at("2015-12-31"))
    where = ready.next_button.rect().center()
    qtbot.mouseClick(ready.next_button, Qt.MouseButton.LeftButton, pos=where)
    # The second half of a double click, as the window system tells of it.
    qtbot.mouseDClick(ready.next_button, Qt.MouseButton.LeftButton, pos=where)
    assert ready.steps.step == DECIDE
    assert decided == []


def test_rounds_and_time_left_are_shown_as_they_come(qtbot: QtBot, ready: RetrainWizard) -> None:
    started(qtbot, ready)
    for number in range(1, 6):
        ready.add_round(Round(0, number, 1 / number, 1 / number, 1 / (2 * number)))
    ready.show_progress(Step(5, 500, "Training"), 75.0)
    run = ready.run_step
    qtbot.waitUntil(lambda: run.figures["Round"].text() == "5")
    assert run.figures["Best loss"].text() == "0.20000"
    assert run.figures["Time left"].text() == "at most 1 min 15 s"
    assert [curve.name for curve in run.chart.curves] == ["validation", "training"]
    assert run.chart.curves[0].y.tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert run.chart.curves[1].y.tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 6, 1 / 8, 1 / 10])


def test_of_a_tuned_run_it_says_which_trial_it_is_at_and_when_the_best_is_trained(
    qtbot: QtBot, ready: RetrainWizard
) -> None:
    started(qtbot, ready)
    figures, chart = ready.run_step.figures, ready.run_step.chart
    for trial, said in ((1, "1"), (2, "2"), (0, "the best one, in full")):
        for number in (1, 2, 3):
            ready.add_round(Round(trial, number, 0.5, 0.5, 0.4))
        qtbot.waitUntil(lambda said=said: figures["Trial"].text() == said)
        assert len(chart.curves[0].y) == 3
    assert chart.curves[-1].name == "validation of trial 1, the lowest before"


def test_what_was_trained_while_nobody_looked_is_drawn_when_somebody_does(qtbot: QtBot, ready: RetrainWizard) -> None:
    started(qtbot, ready)
    click(ready.hide_button)
    for number in (1, 2, 3, 4):
        ready.add_round(Round(0, number, 1 / number, 1 / number, 0.5))
    assert not ready.run_step.chart.curves
    ready.show()
    assert len(ready.run_step.chart.curves[0].y) == 4
    assert ready.run_step.figures["Round"].text() == "4"


def test_a_training_can_be_left_to_itself_and_is_not_stopped_by_closing(qtbot: QtBot, ready: RetrainWizard) -> None:
    stopped: list[bool] = []
    ready.stop_requested.connect(lambda: stopped.append(True))
    started(qtbot, ready)
    click(ready.hide_button)
    assert not ready.isVisible()
    ready.show()
    ready.close()
    assert not ready.isVisible()
    assert ready.state == "training"
    assert stopped == []


def test_stopping_says_that_nothing_was_kept_and_offers_another_try(qtbot: QtBot, ready: RetrainWizard) -> None:
    first = started(qtbot, ready)
    with qtbot.waitSignal(ready.stop_requested):
        click(ready.stop_button)
    assert not ready.stop_button.isEnabled()
    ready.show_failed(Cancelled())
    assert ready.run_step.banner.text == "Stopped: nothing was kept, and nothing has changed."
    assert not ready.stop_button.isVisible()
    assert ready.next_button.text() == "Try again"
    assert started(qtbot, ready) == first


def test_a_training_that_was_done_before_it_could_stop_is_about_to_be_discarded(ready: RetrainWizard) -> None:
    click(ready.next_button)
    click(ready.stop_button)
    ready.show_result(TRAINED, at("2015-12-31"))
    assert ready.note.text().startswith("It was done before it could stop.")
    click(ready.next_button)
    assert ready.decide_step.choice == "discard"


def test_a_plant_that_cannot_be_learnt_from_is_told_in_its_own_words(qtbot: QtBot, ready: RetrainWizard) -> None:
    started(qtbot, ready)
    ready.show_failed(PdmError("The train span holds no failure.", "Give a longer record."))
    assert ready.run_step.banner.text == "The train span holds no failure. Give a longer record."
    click(ready.back_button)
    assert ready.steps.step == SETTINGS


def test_the_result_compares_with_champion_simple_rule_and_unseen_machines(ready: RetrainWizard) -> None:
    ready.show_result(TRAINED, at("2015-12-31"))
    assert ready.steps.step == RESULT
    table = ready.result_step.comparison.table
    assert table is not None
    heads = [table.model().headerData(i, Qt.Orientation.Horizontal) for i in range(table.model().columnCount())]
    assert heads == ["Test: 1 Oct – 31 Dec 2015, 80 machines", "Candidate v4", "Champion v3", "Any error in 24 h",
                     "2 unseen machines"]  # fmt: skip
    assert cells(table, 0) == ["Failures caught", "178 of 179", "175 of 179", "176 of 179", "46 of 46"]
    assert cells(table, 1)[1] == "23 h (21 – 24)"
    assert cells(table, 2)[1:4] == ["0.04", "0.04", "2.61"]
    assert cells(table, 4)[1:3] == ["0.9991 · 0.0011", "0.9984 · 0.0011"]


def test_only_what_is_better_than_the_champion_is_coloured(ready: RetrainWizard, theme: Theme) -> None:
    ready.show_result(TRAINED, at("2015-12-31"))
    model = ready.result_step.comparison.model
    assert model is not None
    shade = [model.index(row, 1).data(int(Qt.ItemDataRole.ForegroundRole)).name() for row in range(5)]
    better, plain = theme.colour("s2").name(), theme.colour("text").name()
    # caught 178 > 175, lead the same, false alarms the same, F1 and AP higher
    assert shade == [better, plain, plain, better, better]


def test_one_sentence_says_whether_it_is_better_and_how_sure(ready: RetrainWizard) -> None:
    ready.show_result(TRAINED, at("2015-12-31"))
    said = ready.result_step.sentence.accessibleName()
    assert said == (
        "The candidate is better than the champion on the same held-out rows. It catches 3 more of 179 failures "
        "(95 % interval of the gain: 1 to 6). Nothing suspicious was found in the leakage audit."
    )
    ready.show_result(NOT_BETTER, at("2015-12-31"))
    assert "is not surely better" in ready.result_step.sentence.accessibleName()


def test_few_failures_show_their_interval(ready: RetrainWizard) -> None:
    few = Measures("candidate", "test", "Candidate", figures(9, 11, 0.8, 0.9), {"events_caught": Interval(6.2, 11.0)})
    ready.show_result(replace(TRAINED, measures=(few,)), at("2015-12-31"))
    table = ready.result_step.comparison.table
    assert table is not None
    assert cells(table, 0)[1] == "9 of 11 (6 – 11)"


@pytest.mark.parametrize(
    ("median", "low", "high", "text"),
    [
        (0.95, 0.9, 1.0, "57 min (54 – 60)"),
        (23.0, 21.0, 24.0, "23 h (21 – 24)"),
        (126.0, 78.0, 150.0, "5.2 d (3.2 – 6.2)"),
    ],
)
def test_a_lead_is_told_in_the_unit_it_deserves(median: float, low: float, high: float, text: str) -> None:
    assert lead_text({"median_lead_h": median, "lead_p10_h": low, "lead_p90_h": high}) == text


def test_a_rule_that_alarms_at_all_times_is_called_so_and_its_false_alarm_never_ends(ready: RetrainWizard) -> None:
    always = {**figures(179, 179, 0.1, 0.09), "rows": 1000, "positives": 90, "recall": 1.0, "precision": 0.09}
    rules = tuple(Measures(who, "test", "", always) for who in ("any_error", "base_rate"))  # type: ignore[arg-type]
    ready.show_result(replace(TRAINED, measures=(CANDIDATE, *rules)), at("2015-12-31"))
    table = ready.result_step.comparison.table
    assert table is not None
    assert table.model().headerData(2, Qt.Orientation.Horizontal) == "Alarm at all times"
    assert cells(table, 2)[2] == "never ends"


def test_an_objection_of_the_audit_comes_first_and_how_luck_was_weighed_last(ready: RetrainWizard) -> None:
    why = (
        "The candidate is better than version 3 on the same held-out rows: it catches 3 more of 179 failures. Luck "
        "alone gives as much once in 900."
    )
    result = replace(TRAINED, verdict=Verdict(True, why))
    ready.show_result(result, at("2015-12-31"))
    said = ready.result_step.sentence.text
    assert said.startswith("The candidate is better than version 3 on the same held-out rows. It catches 3 more")
    assert "once in 900" not in said
    assert "Luck alone gives as much once in 900." in [line.text() for line in ready.result_step.audit.lines]
    objected = Verdict(False, f"{why} But the leakage audit objects: {LEAKING.audit[0].text}")
    ready.show_result(replace(LEAKING, verdict=objected), at("2015-12-31"))
    said = ready.result_step.sentence.text
    assert said.startswith("The leakage audit objects: its figures may be too good to be true. flow alone ranks")
    assert said.count(LEAKING.audit[0].text) == 1


def test_another_horizon_is_said_to_become_the_plants(ready: RetrainWizard) -> None:
    ready.settings_step.horizon.setValue(12)
    assert "The plant looks 24 h ahead until now" in ready.settings_step.horizon_words.text()
    ready.show_result(replace(TRAINED, horizon_h=12.0), at("2015-12-31"))
    click(ready.next_button)
    said = [words.text() for words in ready.decide_step.findChildren(QLabel)]
    assert any("The plant then looks 12 h ahead, 24 h until now." in text for text in said)


def test_names_from_the_record_do_not_act_as_html(ready: RetrainWizard) -> None:
    ready.show_result(replace(LEAKING, audit=(replace(LEAKING.audit[0], text="<img src=x> alone"),)), at("2015-12-31"))
    assert "<img" not in ready.result_step.sentence.words.text()


def test_a_missed_failure_opens_its_machine_at_that_time(qtbot: QtBot, ready: RetrainWizard) -> None:
    ready.show_result(TRAINED, at("2015-12-31"))
    click(ready.result_step.tabs["mistakes"])
    table = ready.result_step.mistakes.table
    assert cells(table, 0)[:4] == ["Missed failure", "17", "2 Nov 2015, 06:00", "21 %"]
    assert cells(table, 1)[:4] == ["False alarm", "4", "5 Oct 2015, 03:00", "55 %"]
    spot = table.visualRect(table.model().index(0, 1)).center()
    with qtbot.waitSignal(ready.machine_requested) as told:
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert told.args == ["17", at("2015-11-02 06:00")]
    assert not ready.isVisible()


def test_above_the_machines_page_it_is_said_what_went_wrong_there() -> None:
    wrong = (TRAINED.missed, TRAINED.false_alarms)
    assert mistake_words(*wrong, "17", at("2015-11-02 06:00")) == "missed this failure (comp2): 21 % at most before it."
    assert mistake_words(*wrong, "4", at("2015-10-05 03:00")) == (
        "would have raised an alarm here, up to 55 %, and no failure followed."
    )
    assert mistake_words(*wrong, "4", at("2015-10-05 04:00")) == ""


def test_where_nothing_went_wrong_it_says_so(ready: RetrainWizard) -> None:
    ready.show_result(replace(TRAINED, missed=(), false_alarms=()), at("2015-12-31"))
    click(ready.result_step.tabs["mistakes"])
    assert ready.result_step.mistakes.none.isVisible()
    assert not ready.result_step.mistakes.table.isVisible()


def test_what_changes_today_stands_with_the_largest_change_first(ready: RetrainWizard) -> None:
    ready.show_result(TRAINED, at("2015-12-31"))
    click(ready.result_step.tabs["changes"])
    table = ready.result_step.changes.table
    assert cells(table, 0) == ["4", "Watch", "14 %", "", "Alarm", "42 %", "+28 pts", "Watch becomes alarm"]
    assert cells(table, 2)[0] == "9"
    said = ready.result_step.changes.line.text()
    assert said == "In alarm now: 0 machines; with the candidate: 1 machine. 2 machines would change their state."


def test_the_audit_names_what_it_looked_for_and_what_it_found(ready: RetrainWizard) -> None:
    ready.show_result(LEAKING, at("2015-12-31"))
    said = [line.text() for line in ready.result_step.audit.lines]
    assert "✗  flow alone ranks the failures almost perfectly." in said
    assert "✓  No rows of the test span were seen in training" in said
    assert "!  The unseen machines hold only 46 failures." in said
    assert "comp1 failed 43 times: comp1 called 40 times, comp2 called once, missed twice" in said


def test_promotion_is_proposed_only_for_a_better_candidate_without_leaks(ready: RetrainWizard) -> None:
    for result, choice in ((TRAINED, "promote"), (NOT_BETTER, "keep"), (LEAKING, "keep")):
        ready.show_result(result, at("2015-12-31"))
        assert ready.decide_step.choice == choice


def test_a_promotion_needs_a_name_and_carries_it(qtbot: QtBot, ready: RetrainWizard) -> None:
    ready.show_result(TRAINED, at("2015-12-31"))
    click(ready.next_button)
    assert ready.steps.step == DECIDE
    assert ready.next_button.text() == "Promote"
    ready.decide_step.who.clear()
    assert not ready.next_button.isEnabled()
    qtbot.keyClicks(ready.decide_step.who, "R. Vega")
    qtbot.keyClicks(ready.decide_step.why, "fewer missed")
    with qtbot.waitSignal(ready.decided) as told:
        click(ready.next_button)
    assert told.args == ["promote", "4", "R. Vega", "fewer missed"]
    assert not ready.isVisible()


@pytest.mark.parametrize("choice", ["keep", "discard"])
def test_a_candidate_may_be_kept_or_discarded(qtbot: QtBot, ready: RetrainWizard, choice: str) -> None:
    ready.show_result(TRAINED, at("2015-12-31"))
    click(ready.next_button)
    ready.decide_step.choices[choice].click()  # type: ignore[index]
    with qtbot.waitSignal(ready.decided) as told:
        click(ready.next_button)
    assert told.args[0] == choice


def test_without_a_champion_it_is_measured_against_the_simple_rules(ready: RetrainWizard) -> None:
    ready.show_result(replace(TRAINED, champion_before=None, measures=(CANDIDATE,)), at("2015-12-31"))
    assert ready.result_step.sentence.accessibleName().startswith("There is no champion to compare with")


@pytest.mark.parametrize("text", ["max_depth", "=4", "eta="])
def test_half_a_parameter_is_none(text: str) -> None:
    with pytest.raises(PdmError, match="no parameter"):
        parse_params(text)


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_every_step_fits_the_smallest_window(ready: RetrainWizard, theme: Theme, choice: str) -> None:
    theme.set_choice(choice)  # type: ignore[arg-type]
    ready.show_result(TRAINED, at("2015-12-31"))
    for step in (DATA, SETTINGS, TRAINING, RESULT, DECIDE):
        ready.show_step(step)
        QApplication.processEvents()
        assert ready.minimumSizeHint().width() <= 1366
        assert ready.minimumSizeHint().height() <= 730
        image = ready.grab().toImage()
        seen = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
        assert len(seen) > 20
