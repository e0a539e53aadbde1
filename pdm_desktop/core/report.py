"""The risk report: a Fleet as RFC 4180 CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import Fleet, MachineRisk

# fmt: off
COLUMNS = (
    "machine", "machine_model", "age", "as_of", "horizon_h", "risk", "band", "threshold", "alarm",
    "top_component", "top_component_risk", "reason_1", "reason_2", "reason_3", "last_reading", "data_age_h",
    "model_name", "model_version", "run_id", "feature_version", "generated_at",
)
# fmt: on


def risk_csv(fleet: Fleet, components: tuple[str, ...], generated_at: int) -> str:
    """The report's text, a row a machine: COLUMNS, then risk_<component>. Times are ISO 8601 with offset."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, *(safe_cell(f"risk_{name}") for name in components)])
    for row in fleet.rows:
        writer.writerow([safe_cell(cell) for cell in _cells(fleet, row, components, generated_at)])
    return text.getvalue()


def write(out: Path, text: str) -> None:
    """Write `text` as UTF-8 with BOM; either the whole file is there or the old one. PdmError when that fails."""
    fresh = out.with_name(out.name + ".part")
    try:
        fresh.write_text(text, "utf-8-sig", newline="")
        fresh.replace(out)
    except OSError as exc:
        fresh.unlink(missing_ok=True)
        raise PdmError(
            f"The file cannot be written: {exc.strerror}.", "Close it elsewhere or choose another folder.", str(out)
        ) from exc


def safe_cell(cell: str | float | None) -> str | float:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay numbers."""
    if cell is None:
        return ""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _cells(fleet: Fleet, row: MachineRisk, components: tuple[str, ...], generated_at: int) -> list[str | float | None]:
    zone = fleet.time_zone
    raising = [reason.text for reason in row.reasons if reason.contribution > 0][:3]
    raising += [""] * (3 - len(raising))
    model = fleet.model
    return [
        row.machine,
        row.machine_model,
        _number(row.age),
        times.iso(row.as_of, zone),
        _number(fleet.horizon_h),
        _probability(row.risk),
        row.band,
        None if model is None else _probability(row.threshold),
        "yes" if row.band == "alarm" else "no",
        row.top_component,
        _probability(row.component_risks.get(row.top_component)),
        *raising,
        None if row.last_reading is None else times.iso(row.last_reading, zone),
        None if row.data_age_h is None else round(row.data_age_h, 3),
        *(("", "", "", None) if model is None else (model.name, model.version, model.run_id, model.feature_version)),
        times.iso(generated_at, zone),
        *(_probability(row.component_risks.get(name)) for name in components),
    ]


def _number(value: float | None) -> str | float | None:
    return value if value is None or value != int(value) else int(value)


def _probability(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
