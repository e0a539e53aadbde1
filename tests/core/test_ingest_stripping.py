"""Blocks are stripped of quotes and thousands marks at once only where that is what reading cell by cell would do."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_desktop.core.ingest.stripping import HIDDEN, HIDDEN_LINE, ungrouped, without_quotes
from pdm_desktop.core.ingest.tokens import number_of

grouped = st.integers(-(10**12), 10**12).map(lambda n: f"{n:,}")
decimals = st.floats(-1e12, 1e12, allow_nan=False).map(lambda x: f"{x:,.2f}")
crooked = st.sampled_from(
    ["1,23", "0,123", "1,2345", "12,34,567.8", ",123", "1,234.", "1,234,", "a1,234", "--1,234.5", ""]
)


@pytest.mark.parametrize("mark", [",", " ", "'", "\u00a0", "\u202f"])
@settings(max_examples=60)
@given(cells=st.lists(st.one_of(grouped, decimals, crooked), min_size=1, max_size=8), bare=st.booleans())
def test_thousands_marks_go_where_a_number_is_grouped_by_them_and_nowhere_else(
    mark: str, cells: list[str], bare: bool
) -> None:
    cells = [cell.replace(",", mark) for cell in cells]
    found = ungrouped("".join(f"{cell}\n" for cell in cells).encode(), mark.encode(), b".", bare=bare)
    for before, after in zip(cells, found.decode().split("\n"), strict=False):
        if after == before:
            continue
        assert after == before.replace(mark, "")
        assert number_of(before, ".", mark) == float(after)  # as the slow way reads it
    for before, after in zip(cells, found.decode().split("\n"), strict=False):
        read = number_of(before, ".", mark)
        if read and mark in before.strip() and before[-1].isdigit() and ("." in before or bare):
            assert after == before.replace(mark, "")


cell = st.text(alphabet=st.sampled_from('a1;\n" '), max_size=5)


@settings(max_examples=300)
@given(rows=st.lists(st.lists(cell, min_size=2, max_size=3), min_size=1, max_size=4), all_of_them=st.booleans())
def test_quotes_are_taken_off_as_a_csv_reader_does(rows: list[list[str]], all_of_them: bool) -> None:
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if all_of_them else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=";", lineterminator="\n", quoting=quoting).writerows(rows)
    bare = without_quotes(out.getvalue().encode(), b";")
    if any('"' in text for row in rows for text in row):
        assert bare is None
        return
    assert bare is not None
    found = [line.split(b";") for line in bare.split(b"\n")[:-1]]
    wanted = [[text.encode().replace(b";", HIDDEN).replace(b"\n", HIDDEN_LINE) for text in row] for row in rows]
    assert found == wanted


@pytest.mark.parametrize("text", ['a;5" pipe\n', '"a" ;b\n', '"a";"b\n', 'a;"b"c\n', '"a"\r"b";c\n', '"a;b"'])
def test_quotes_anywhere_else_are_left_to_the_slow_way(text: str) -> None:
    assert without_quotes(text.encode(), b";") is None
