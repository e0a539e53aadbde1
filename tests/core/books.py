"""The least a spreadsheet program would write."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_STYLES = f"""<styleSheet xmlns="{_MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/>
<xf numFmtId="46" applyNumberFormat="1"/></cellXfs></styleSheet>"""  # General, a date with its time, [h]:mm:ss


class Formula(str):
    """A formula without its result."""


def workbook(
    path: Path,
    sheets: Mapping[str, Sequence[Sequence[object]]],
    *,
    hidden: str = "",
    since_1904: bool = False,
    merged: Sequence[str] = (),
) -> Path:
    """A workbook with these sheets: texts, numbers, dates (datetime), durations (timedelta), formulas, None."""
    names = "".join(
        f'<sheet name="{name}" sheetId="{i}" r:id="r{i}" state="{"hidden" if name == hidden else "visible"}"/>'
        for i, name in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="r{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    links += f'<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    ranges = "".join(f'<mergeCell ref="{each}"/>' for each in merged)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", f'<Types xmlns="{_PACKAGE}/content-types"/>')
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="a" Type="{_OFFICE}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        about = '<workbookPr date1904="1"/>' if since_1904 else ""
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{about}<sheets>{names}</sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
        )
        book.writestr("xl/styles.xml", _STYLES)
        for number, rows in enumerate(sheets.values(), 1):
            written = "".join(
                f'<row r="{at}">{"".join(_cell(cell, at, column) for column, cell in enumerate(row))}</row>'
                for at, row in enumerate(rows, 1)
            )
            book.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{written}</sheetData>'
                + (f"<mergeCells>{ranges}</mergeCells>" if ranges else "")
                + "</worksheet>",
            )
    return path


def days(moment: dt.datetime, since: tuple[int, int, int] = (1899, 12, 30)) -> float:
    """A moment as spreadsheets keep it."""
    return (moment - dt.datetime(*since, tzinfo=moment.tzinfo)) / dt.timedelta(days=1)


def _cell(value: object, row: int, column: int) -> str:
    place = f'r="{chr(ord("A") + column)}{row}"'
    if value is None:
        return ""
    if isinstance(value, Formula):
        return f"<c {place}><f>{value}</f><v></v></c>"
    if isinstance(value, dt.datetime):
        return f'<c {place} s="1"><v>{days(value)!r}</v></c>'
    if isinstance(value, dt.timedelta):
        return f'<c {place} s="2"><v>{value / dt.timedelta(days=1)!r}</v></c>'
    if isinstance(value, int | float):
        return f"<c {place}><v>{value!r}</v></c>"
    return f'<c {place} t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'
