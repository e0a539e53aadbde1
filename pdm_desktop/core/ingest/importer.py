"""One file's import from beginning to end."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError, WorkspaceError
from pdm_desktop.core.ingest import chosen, contradictions, tags, zones
from pdm_desktop.core.ingest.archive import reading
from pdm_desktop.core.ingest.blocks import Blocks, Overturned
from pdm_desktop.core.ingest.cells import read
from pdm_desktop.core.ingest.recognise import day_order, recognise
from pdm_desktop.core.ingest.rejects import Rejects
from pdm_desktop.core.ingest.run import Run, shown
from pdm_desktop.core.plans import NO_CHOICES, Choices, Plan, Profile
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.schema import Kind
from pdm_desktop.core.tag_rules import KnownTags

if TYPE_CHECKING:
    from pdm_desktop.core.store import BatchWriter, Store

_DISK_FACTOR = 2.5
"""Free disk asked for, in sizes of the file: its rows in the database, and once more in the write-ahead log."""
_DISK_LEAST = 20_000_000


def import_file(
    store: Store,
    path: Path,
    *,
    kind: Kind | None = None,
    time_zone: str = "UTC",
    choices: Choices = NO_CHOICES,
    profiles: Sequence[Profile] = (),
    dry_run: bool = False,
    progress: Progress,
    rejects_dir: Path | None,
) -> FileReport:
    """Recognise one file and import it; see import_plan. kind: where the file does not tell; time_zone: IANA name for
    times without an offset."""
    clock.zone(time_zone)
    if kind is not None:
        choices = replace(choices, kind=kind)
    plan = recognise(
        path,
        choices,
        time_zone=time_zone,
        profiles=profiles,
        known_sensors=sensors_of(store),
        known_tags=tags_of(store),
    )
    return import_plan(store, plan, dry_run=dry_run, progress=progress, rejects_dir=rejects_dir)[0]


def sensors_of(store: Store) -> dict[str, str]:
    """The names in the plant's catalogue, casefolded, and their units."""
    return {sensor.name.casefold(): sensor.unit for sensor in store.sensors()}


def tags_of(store: Store) -> KnownTags:
    """What the plant took tags for so far."""
    return store.names.known_tags()


def import_plan(
    store: Store, plan: Plan, *, dry_run: bool, progress: Progress, rejects_dir: Path | None
) -> list[FileReport]:
    """Import one file in one transaction; a dry run reports the same and keeps nothing.

    A report for each kind of record that came in: failures out of a status column are a second. rejects_dir: the
    folder for the rejects file (None: none is written). PdmError where the file cannot be used or a question is open;
    then, and when cancelled, the store is as it was.
    """
    clock.zone(plan.time_zone)
    # Other files may have come since this one was recognised, of the same import even.
    plan = tags.placed(plan, tags_of(store))
    _check_disk(store, plan)
    tried = 0
    while True:
        try:
            plan = _settled(plan, progress)
            with store.transaction():
                return _import(store, plan, dry_run=dry_run, progress=progress, rejects_dir=rejects_dir)
        except Overturned as exc:
            # What the samples said does not hold for the whole file. Nothing was stored; once more, knowing better.
            tried += 1
            if tried > 3:
                raise PdmError("The file changes its form again and again.", "Split it.", plan.path.name) from exc
            plan = exc.plan


def _import(
    store: Store, plan: Plan, *, dry_run: bool, progress: Progress, rejects_dir: Path | None
) -> list[FileReport]:
    label = zones.told(chosen.told(_file_name(plan), plan), plan)
    rejects = Rejects(plan.path, plan.header, None if dry_run else rejects_dir, label)
    limits = {
        sensor.name.casefold(): (sensor.low, sensor.high)
        for sensor in store.sensors()
        if sensor.low is not None or sensor.high is not None
    }
    kept = False
    try:
        with ExitStack() as stack, store.batch(_file_name(plan), plan.kind, keep=not dry_run) as writer:
            run = Run(plan, writer, rejects, limits, store.path.parent)
            stack.callback(run.close)
            blocks = Blocks(plan)
            for block in blocks:
                run.take(block)
                progress.step(run.rows, _estimate(run.rows, blocks), f"Importing {plan.path.name}")
            run.end()
            run.store(progress)
            run.remember_names()
            contradictions.refuse(plan, *writer.contradicted)
            writer.remember_tags(run.tags())
            derived = run.status is not None
            if derived and plan.kind == "failures":
                _derive(run, writer)
            counts = run.counts
            writer.finish(
                blocks.source.sha256,
                run.rejected,
                counts,
                profile=plan.profile,
                rejected_values=run.rejected_values,
                rejects=None if rejects.path is None else rejects.path.name,
            )
            before = writer.came_before
        reports = [_report(run, writer, counts, plan.kind, rejects)]
        if before:
            reports = [_as_it_stands(reports[0])]
        if derived and plan.kind != "failures":
            with store.batch(_file_name(plan), "failures", keep=not dry_run) as second:
                _derive(run, second)
                second.finish(blocks.source.sha256, 0, profile=plan.profile)
            reports.append(_report(run, second, second.totals, "failures", None))
        kept = any(report.batch is not None for report in reports)
    except UnicodeError as exc:
        raise PdmError("The file is not a table of text.", "Save it as CSV in UTF-8.", plan.path.name) from exc
    finally:
        rejects.close(keep=kept)
    return [replace(report, rejects_file=_path(rejects) if i == 0 else None) for i, report in enumerate(reports)]


def _as_it_stands(report: FileReport) -> FileReport:
    note = (
        f"This very file came in before and stands; {report.conflicts:,} rows that differ were corrected by a newer "
        f"import and stay so. Undo that one to have the former values back."
    )
    return replace(report, unchanged=report.unchanged + report.conflicts, conflicts=0, notes=(*report.notes, note))


def _path(rejects: Rejects) -> str | None:
    return None if rejects.path is None else str(rejects.path)


def _file_name(plan: Plan) -> str:
    """What the history calls the file: with the table, where it holds several."""
    return f"{plan.path.name} \N{RIGHTWARDS ARROW} {plan.sheet}" if len(plan.sheets) > 1 else plan.path.name


def _estimate(rows: int, blocks: Blocks) -> int:
    source = blocks.source
    return max(rows, round(rows * source.size / source.read)) if source.read else 0


def _check_disk(store: Store, plan: Plan) -> None:
    # A long file's values wait in one more file until all are known.
    with reading(plan.path):
        size = plan.path.stat().st_size
    needed = _DISK_LEAST + _disk_needed(plan, size)
    try:
        free = shutil.disk_usage(store.path.parent).free
    except OSError:
        return  # where the system does not say, SQLite will
    if free < needed:
        raise WorkspaceError(
            f"The disk has {free / 1e6:,.0f} MB free; this import may need {needed / 1e6:,.0f} MB.",
            "Free some space, or put the workspace on another disk.",
            str(store.path.parent),
        )


def _disk_needed(plan: Plan, size: int) -> float:
    """Bytes, for a file of `size` bytes as it is planned."""
    tags = [column.role.machine for column in plan.columns if column.role.machine]
    if plan.layout != "wide tags" or not tags:
        return (_DISK_FACTOR + (plan.layout == "long")) * size
    # A line becomes a row of every machine, in the database and in the log; its text is a time and some 5 characters a
    # cell. Measured on 100 machines with a sensor each, two million rows: 37 bytes a row.
    lines = size / (20 + 5 * len(tags))
    return 2 * lines * (12 * len(set(tags)) + 9 * len(tags))


def _settled(plan: Plan, progress: Progress) -> Plan:
    """The plan without open questions. Where only the order of day and month is open, and the whole file was not
    looked at, all of it is; PdmError otherwise."""
    open_ones = [question for question in plan.questions if question.key != "day_first"]
    if plan.questions and not open_ones:
        position = plan.index("timestamp", "date")
        found: list[str] = []
        bare = replace(
            plan,
            questions=(),
            columns=tuple(
                replace(column, role=replace(column.role, role="ignore" if i != position else column.role.role))
                for i, column in enumerate(plan.columns)
            ),
        )
        for block in Blocks(bare):
            progress.check()
            texts = read(block, bare).texts[position or 0]
            found += [text.decode("utf-8", "replace") for text in np.unique(texts).tolist()]
            if len(found) > 200_000:
                found = found[:1000]
            proven = day_order(bare, found)
            if proven.day_first is not None:
                return replace(plan, questions=(), day_first=proven.day_first)
    for question in open_ones or plan.questions:
        raise PdmError(question.text, question.hint, question.where)
    return plan


def _derive(run: Run, writer: BatchWriter) -> None:
    """Write the failures that the status column tells of."""
    assert run.status is not None
    label = next(c.role.name for c in run.plan.columns if c.role.role == "failure")
    found = run.status.failures()
    column = next(c.name for c in run.plan.columns if c.role.role == "failure")
    if not run.status.seen and run.plan.choices.by_profile(column):
        return  # a good month; a status just typed that never occurs is more likely a slip
    if not run.status.seen:
        raise PdmError(f"No row has the status {label!r}.", "Check how the file writes it.", run.plan.path.name)
    if not found:
        return
    machines = list(dict.fromkeys(machine for machine, _, _ in found))
    codes = np.array([machines.index(machine) for machine, _, _ in found], np.int64)
    times = np.array([time for _, time, _ in found], np.int64)
    lines = np.array([line for _, _, line in found], np.int64)
    writer.events(machines, codes, times, [label], np.zeros(len(found), np.int64), np.full(len(found), np.nan), lines)


def _report(run: Run, writer: BatchWriter, counts: object, kind: Kind, rejects: Rejects | None) -> FileReport:
    """What the import did; rejects None: of records derived from another column of the same file."""
    from pdm_desktop.core.store import Outcome

    assert isinstance(counts, Outcome)
    plan, own = run.plan, rejects is not None
    columns = {c.name: shown(c.role, c.name) for c in plan.columns if c.name}
    return FileReport(
        file=str(plan.path),
        kind=kind,
        layout=plan.layout,
        encoding=plan.encoding,
        delimiter=plan.delimiter,
        decimal=plan.decimal,
        time_zone=plan.time_zone,
        columns=columns,
        machines=writer.machines,
        sensors=tuple((sensor.name, sensor.unit) for sensor in writer.sensors),
        accepted=counts.accepted,
        rejected=run.rejected if own else 0,
        duplicates=counts.duplicates,
        conflicts=counts.conflicts,
        unchanged=counts.unchanged,
        accepted_values=counts.values,
        rejected_values=run.rejected_values if own else 0,
        missing_cells=run.missing if own else 0,
        batch=writer.id if writer.kept else None,
        rejects_file=None,
        sheet=plan.sheet,
        header_row=plan.header_row,
        units_row=plan.units_row,
        bad_quality_values=run.bad_quality if own else 0,
        flagged_values=run.flagged if own else 0,
        ignored_columns=tuple(name for name, role in columns.items() if role == "ignore"),
        machine=plan.machine,
        day_first=plan.day_first,
        fold_times=run.keys.local.folds,
        gap_times=run.keys.local.gaps,
        profile=plan.profile,
        notes=(*plan.notes, *run.notes) if own else plan.notes,
        reasons=tuple(rejects.reasons.most_common()) if rejects is not None else (),
        rejects=rejects.told() if rejects is not None else (),
        changed=writer.changed if writer.kept else {},
    )
