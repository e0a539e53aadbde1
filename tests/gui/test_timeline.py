"""Ticks, gaps, decimation and figures, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pdm_desktop.core import times
from pdm_desktop.gui.timeline import Line, axis_caption, ticks, value_text, value_ticks


def at(text: str, zone: str = "UTC") -> int:
    return times.parse(text, zone)


def test_a_day_has_ticks_on_round_hours_and_names_the_days():
    found = ticks(at("2015-01-19 00:00"), at("2015-01-20 00:00"), "UTC", 10)
    assert [tick.text for tick in found] == [
        "19 Jan", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "20 Jan",
    ]  # fmt: skip
    assert [tick.strong for tick in found] == [True, *[False] * 7, True]


def test_ticks_are_on_the_plants_clock_not_on_utc():
    found = ticks(at("2015-01-19 00:00"), at("2015-01-20 00:00"), "Asia/Kolkata", 10)
    # 05:30 ahead of UTC: 06:00 there is 00:30 UTC
    assert found[0].text == "06:00"
    assert found[0].time == at("2015-01-19 00:30")


def test_in_spring_the_hour_that_does_not_exist_has_no_tick():
    start, end = at("2015-03-29 00:00", "Europe/Berlin"), at("2015-03-29 06:00", "Europe/Berlin")
    found = ticks(start, end, "Europe/Berlin", 10)
    hours = [tick for tick in found if tick.text.endswith(":00")]
    assert [tick.text for tick in hours] == ["01:00", "03:00", "04:00", "05:00", "06:00"]
    assert np.diff([tick.time for tick in hours]).tolist() == [times.HOUR] * 4


def test_in_autumn_the_hour_that_comes_twice_has_two_ticks_an_hour_apart():
    start, end = at("2015-10-25 00:00", "Europe/Berlin"), at("2015-10-25 06:00", "Europe/Berlin")
    found = [tick for tick in ticks(start, end, "Europe/Berlin", 10) if tick.text.endswith(":00")]
    assert [tick.text for tick in found] == ["01:00", "02:00", "02:00", "03:00", "04:00", "05:00", "06:00"]
    assert np.diff([tick.time for tick in found]).tolist() == [times.HOUR] * 6


def test_days_begin_at_local_midnight_on_both_sides_of_daylight_saving():
    found = ticks(at("2015-03-25 00:00"), at("2015-04-03 00:00"), "Europe/Berlin", 10)
    moments = [times.local(tick.time, "Europe/Berlin") for tick in found]
    assert [moment.hour for moment in moments] == [0] * len(moments)
    assert [moment.day for moment in moments] == [26, 27, 28, 29, 30, 31, 1, 2, 3]


def test_weeks_begin_on_mondays():
    found = ticks(at("2015-01-01 00:00"), at("2015-03-01 00:00"), "UTC", 10)
    assert {times.local(tick.time, "UTC").isoweekday() for tick in found} == {1}


def test_a_year_has_months_and_the_year_itself_stands_out():
    found = ticks(at("2014-11-15 00:00"), at("2015-11-15 00:00"), "UTC", 13)
    assert [tick.text for tick in found] == [
        "Dec", "2015", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
    ]  # fmt: skip
    assert [tick.text for tick in found if tick.strong] == ["2015"]


@pytest.mark.parametrize("hours", [0.1, 3, 30, 300, 3_000, 30_000, 300_000])
def test_ticks_never_crowd_whatever_the_span(hours: float):
    start = at("2015-01-01 06:00")
    found = ticks(start, start + hours * times.HOUR, "Europe/Berlin", 11)
    assert 2 <= len(found) <= 13


def test_the_caption_says_zone_and_year():
    assert axis_caption(at("2015-01-01 00:00"), at("2015-02-01 00:00"), "UTC") == "UTC, 2015"
    assert axis_caption(at("2014-12-01 00:00"), at("2015-06-01 00:00"), "Europe/Berlin") == "CET/CEST, 2014/15"


def test_value_ticks_are_round_and_few():
    assert value_ticks(131.0, 214.0, 3) == (150.0, 200.0)
    assert value_ticks(-0.13, 0.31, 3) == (0.0, 0.2)
    assert value_ticks(5.0, 5.0, 3) == ()


def test_values_have_the_digits_their_scale_deserves():
    assert value_text(168.73, 80) == "169"
    assert value_text(52.61, 30) == "52.6"
    assert value_text(101_325.4, 500) == "101,325"
    assert value_text(-0.0004, 1.0) == "0.00"
    assert value_text(-3.2, 10) == "−3.2"


def test_a_line_is_broken_where_readings_are_more_than_three_steps_apart():
    hours = np.array([0, 1, 2, 5, 6, 10, 11], np.int64)
    line = Line.of(hours * times.HOUR, np.arange(7.0))
    # 2 to 5 is exactly three steps and holds; 6 to 10 is four and breaks
    assert line.breaks.tolist() == [5]
    _, _, connect = line.cut(0, 11 * times.HOUR, 100)
    assert connect.tolist() == [1, 1, 1, 1, 0, 1, 0]


def test_empty_cells_are_no_readings_and_break_the_line_only_when_they_last():
    values = np.arange(12.0)
    values[3] = np.nan
    values[6:10] = np.nan
    line = Line.of(np.arange(12, dtype=np.int64) * times.HOUR, values)
    assert len(line) == 7
    assert (line.times[line.breaks] / times.HOUR).tolist() == [10.0]


def test_no_peak_is_lost_when_a_million_readings_share_a_thousand_pixels():
    rng = np.random.default_rng(3)
    values = rng.normal(100, 10, 1_000_000)
    values[123_457], values[876_543] = 400.0, -250.0
    line = Line.of(np.arange(1_000_000, dtype=np.int64) * times.MINUTE, values)
    x, y, connect = line.cut(0, 1_000_000 * times.MINUTE, 1_000)
    assert len(x) <= 2 * 1_002
    assert (y.max(), y.min()) == (400.0, -250.0)
    assert abs(x[y.argmax()] / times.MINUTE - 123_457) <= 1_000
    assert (np.diff(x) >= 0).all()
    assert connect[:-1].all()


def test_every_pixel_keeps_its_own_lowest_and_highest_value():
    values = np.array([5, 1, 9, 4, 2, 8, 3, 7, 6, 0, 11, 10], float)
    line = Line.of(np.arange(12, dtype=np.int64), values)
    x, y, _ = line.cut(0, 12, 3)
    assert x.tolist() == [0, 3, 4, 7, 8, 11]
    assert [sorted(pair) for pair in y.reshape(3, 2).tolist()] == [[1, 9], [2, 8], [0, 11]]


def test_a_gap_wider_than_a_pixel_stays_open_when_decimated():
    hours = np.concatenate((np.arange(5_000), np.arange(6_000, 11_000))).astype(np.int64)
    line = Line.of(hours * times.HOUR, np.ones(len(hours)))
    x, _, connect = line.cut(0, 11_000 * times.HOUR, 500)
    (last,) = np.flatnonzero(connect[:-1] == 0)
    assert x[last] / times.HOUR == 4_999
    assert x[last + 1] / times.HOUR == 6_000


def test_the_picture_stands_still_while_it_is_dragged():
    rng = np.random.default_rng(5)
    line = Line.of(np.arange(20_000, dtype=np.int64) * times.HOUR, rng.normal(size=20_000))
    span = 10_000 * times.HOUR
    first = line.cut(0, span, 500)
    later = line.cut(7 * times.HOUR, span + 7 * times.HOUR, 500)
    # all but the columns at the edges are the same points
    assert set(first[0][4:-44].tolist()) <= set(later[0].tolist())


def test_points_just_outside_the_view_are_kept_so_that_strokes_leave_the_picture():
    line = Line.of(np.arange(100, dtype=np.int64) * times.HOUR, np.arange(100.0))
    x, _, _ = line.cut(10.5 * times.HOUR, 20.5 * times.HOUR, 200)
    assert (x[0] / times.HOUR, x[-1] / times.HOUR) == (10, 21)


def test_the_nearest_reading_is_none_inside_a_gap():
    hours = np.array([0, 1, 2, 20, 21], np.int64)
    line = Line.of(hours * times.HOUR, np.arange(5.0))
    assert line.nearest(1.4 * times.HOUR) == 1
    assert line.nearest(11 * times.HOUR) is None
    assert line.nearest(19.9 * times.HOUR) == 3
    assert Line.of(np.empty(0, np.int64), np.empty(0)).nearest(5.0) is None
