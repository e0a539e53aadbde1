"""A plant's readings as other programs export them: the awkward files that bench.py measures the import with."""

from __future__ import annotations

import csv
import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

Frame = pd.DataFrame
KEYS = ["datetime", "machineID"]


def canonical(frame: Frame, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n")


def decimal_comma(frame: Frame, path: Path) -> None:
    with_commas = frame.copy()
    for sensor in _sensors(frame):
        with_commas[sensor] = frame[sensor].str.replace(".", ",")
    with_commas.to_csv(path, index=False, sep=";")


def thousands(frame: Frame, path: Path) -> None:
    grouped = frame.copy()
    for sensor in _sensors(frame):
        grouped[sensor] = (frame[sensor].astype(float) * 100).map("{:,.2f}".format)
    grouped.to_csv(path, index=False, sep=";")


def quoted(frame: Frame, path: Path) -> None:
    frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL)


def utf_16(frame: Frame, path: Path) -> None:
    path.write_bytes(frame.to_csv(None, index=False, sep="\t").encode("utf-16"))


def gz(frame: Frame, path: Path) -> None:
    with gzip.open(path, "wb", 6) as file:
        file.write(frame.to_csv(None, index=False).encode())


def date_and_time(frame: Frame, path: Path) -> None:
    times = _times(frame)
    split = frame.drop(columns="datetime")
    split.insert(0, "Date", times.dt.strftime("%d.%m.%Y"))
    split.insert(1, "Time", times.dt.strftime("%H:%M:%S"))
    split.to_csv(path, index=False)


def twelve_hours(frame: Frame, path: Path) -> None:
    frame.assign(datetime=_times(frame).dt.strftime("%m/%d/%Y %I:%M:%S %p")).to_csv(path, index=False)


def with_offset(frame: Frame, path: Path) -> None:
    frame.assign(datetime=_times(frame).dt.strftime("%Y-%m-%dT%H:%M:%S+01:00")).to_csv(path, index=False)


def epoch(frame: Frame, path: Path) -> None:
    stamps = _times(frame).astype("datetime64[ms]").astype("int64")
    frame.assign(datetime=stamps.astype(str)).to_csv(path, index=False)


def serial_days(frame: Frame, path: Path) -> None:
    frame.assign(datetime=_days(frame).map(repr)).to_csv(path, index=False)


def by_time(frame: Frame, path: Path) -> None:
    frame.sort_values(KEYS, kind="stable").to_csv(path, index=False)


def wide_tags(frame: Frame, path: Path) -> None:
    named = frame.assign(machineID="M" + frame["machineID"].str.zfill(3))
    wide = named.pivot(index="datetime", columns="machineID", values=_sensors(frame))
    pairs = wide.columns.to_frame(index=False)
    wide.columns = pd.Index(
        f"PLANT.{machine}.{sensor.upper()}" for sensor, machine in zip(*pairs.T.to_numpy(), strict=True)
    )
    wide.reset_index().to_csv(path, index=False)


def long_by_tag(frame: Frame, path: Path) -> None:
    _long(frame).sort_values(["Tag", "Timestamp"], kind="stable").to_csv(path, index=False)


def long_by_time(frame: Frame, path: Path) -> None:
    _long(frame).sort_values(["Timestamp", "Tag"], kind="stable").to_csv(path, index=False)


def long_shuffled(frame: Frame, path: Path) -> None:
    _long(frame).sample(frac=1, random_state=1).to_csv(path, index=False)


def workbook(frame: Frame, path: Path) -> int:
    """An .xlsx of a million cells, or all there are; times as Excel keeps them. Returns the number of cells."""
    frame = frame.head(1_000_000 // len(frame.columns))
    sensors = _sensors(frame)
    names = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in frame.columns)
    columns = [_days(frame).map(repr), frame["machineID"], *(frame[sensor] for sensor in sensors)]
    cells = [f'<c s="{int(at == 0)}"><v>' + column + "</v></c>" for at, column in enumerate(columns)]
    rows = "<row>" + sum(cells[1:], cells[0]) + "</row>"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kinds}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">'
        '<sheets><sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="22"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData><row>{names}</row>{"".join(rows)}'
        "</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return len(frame) * len(frame.columns)


FORMS: dict[str, tuple[Callable[[Frame, Path], None], str]] = {
    "decimal comma": (decimal_comma, "comma.csv"),
    "thousands marks": (thousands, "thousands.csv"),
    "all in quotes": (quoted, "quoted.csv"),
    "UTF-16": (utf_16, "utf16.txt"),
    "gz": (gz, "packed.csv.gz"),
    "date and time apart": (date_and_time, "date_time.csv"),
    "12-hour clock": (twelve_hours, "twelve.csv"),
    "offset": (with_offset, "offset.csv"),
    "epoch ms": (epoch, "epoch.csv"),
    "Excel days": (serial_days, "days.csv"),
    "sorted by time": (by_time, "by_time.csv"),
    "wide tags": (wide_tags, "wide_tags.csv"),
    "long, tag by tag": (long_by_tag, "long_by_tag.csv"),
    "long, by time": (long_by_time, "long_by_time.csv"),
    "long, shuffled": (long_shuffled, "long_shuffled.csv"),
}
"""What it is called -> who writes it, and the file's name."""


def read(telemetry: Path, machines: int) -> Frame:
    """The readings of the first machines, as text."""
    frame = pd.read_csv(telemetry, dtype=str)
    return frame[frame["machineID"].astype(int) <= machines]


def _sensors(frame: Frame) -> list[str]:
    return [name for name in frame.columns if name not in KEYS]


def _times(frame: Frame) -> pd.Series:
    return pd.to_datetime(frame["datetime"])


def _days(frame: Frame) -> pd.Series:
    return (_times(frame) - pd.Timestamp("1899-12-30")) / pd.Timedelta(days=1)


def _long(frame: Frame) -> Frame:
    long = frame.melt(id_vars=KEYS, value_vars=_sensors(frame), var_name="sensor", value_name="Value")
    tag = "PLANT.M" + long["machineID"].str.zfill(3) + "." + long["sensor"].str.upper()
    return pd.DataFrame({"Tag": tag, "Timestamp": long["datetime"], "Value": long["Value"], "Quality": "Good"})
