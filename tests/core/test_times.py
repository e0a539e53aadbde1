"""Instants at the edges of the program."""

from __future__ import annotations

import pytest

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("1970-01-01 00:00", "UTC", 0),
        ("1970-01-01T01:00:00+01:00", "UTC", 0),
        ("2015-01-20T00:00:00Z", "Europe/Berlin", 1_421_712_000_000),
        ("2015-01-20 01:00", "Europe/Berlin", 1_421_712_000_000),
        # 02:30 happened twice that night; the first is the one in summer time, UTC+2.
        ("2015-10-25 02:30", "Europe/Berlin", 1_445_733_000_000),
    ],
)
def test_text_is_read_in_the_plants_zone_and_in_a_fold_as_the_first(text: str, zone: str, expected: int) -> None:
    assert times.parse(text, zone) == expected


def test_an_instant_is_written_with_its_offset() -> None:
    assert times.iso(1_421_712_000_000, "Europe/Berlin") == "2015-01-20T01:00:00+01:00"
    assert times.short(1_421_712_000_000, "UTC") == "20 Jan 2015, 00:00"


@pytest.mark.parametrize("zone", ["", "Nowhere", "../etc/passwd", "/etc/localtime"])
def test_an_unknown_zone_is_an_error_not_a_guess(zone: str) -> None:
    with pytest.raises(PdmError):
        times.zone(zone)


def test_text_that_is_no_time_is_an_error() -> None:
    with pytest.raises(PdmError, match="is not a time"):
        times.parse("yesterday", "UTC")
