"""Periods and rules as stored: each came with an edit and holds until that, or an edit that removed it, says so."""

from __future__ import annotations

from collections.abc import Sequence

from pdm_desktop.core.record_results import Period, PeriodRule, PeriodState
from pdm_desktop.core.store.edits import Transaction, forget_service, machine_id

_HOLDS = (
    " JOIN edit e ON e.id = p.edit LEFT JOIN edit r ON r.id = p.removed_by"
    " WHERE e.undone_at IS NULL AND (r.id IS NULL OR r.undone_at IS NOT NULL)"
)


class Service:
    """The part of the store that keeps when machines were in service; `Store.service`."""

    def __init__(self, read: Transaction, write: Transaction) -> None:
        self._read = read
        self._write = write

    def periods(self, machine: str | None = None) -> tuple[Period, ...]:
        """The periods entered and from files that hold, oldest entry first; of one machine or of all."""
        query = (
            'SELECT p.id, m.name, p.start, p."end", p.state, p.source FROM period p JOIN machine m ON m.id = p.machine'
            f"{_HOLDS}{'' if machine is None else ' AND m.name = ?'} ORDER BY p.id"
        )
        with self._read() as db:
            rows = db.execute(query, () if machine is None else (machine,)).fetchall()
        return tuple(Period(*row) for row in rows)

    def rules(self) -> tuple[PeriodRule, ...]:
        """The rules that hold, oldest first."""
        query = (
            "SELECT p.id, coalesce(m.name, ''), s.name, p.above, p.value, p.state FROM rule p"
            f" JOIN sensor s ON s.id = p.sensor LEFT JOIN machine m ON m.id = p.machine{_HOLDS} ORDER BY p.id"
        )
        with self._read() as db:
            rows = db.execute(query).fetchall()
        return tuple(
            PeriodRule(number, machine, sensor, bool(above), value, state)
            for number, machine, sensor, above, value, state in rows
        )

    def add(self, edit: int, periods: Sequence[tuple[str, int, int | None, PeriodState]], source: str) -> None:
        """Keep (machine, start, end, state) periods, times in ms UTC; PdmError for a machine that is not there."""
        with self._write() as db:
            numbers = {machine: machine_id(db, machine) for machine in {period[0] for period in periods}}
            db.executemany(
                'INSERT INTO period (machine, start, "end", state, source, edit) VALUES (?, ?, ?, ?, ?, ?)',
                [(numbers[machine], start, end, state, source, edit) for machine, start, end, state in periods],
            )
            forget_service(db, edit)

    def remove(self, edit: int, period: int) -> None:
        """Let a period hold no longer."""
        with self._write() as db:
            db.execute("UPDATE period SET removed_by = ? WHERE id = ?", (edit, period))
            forget_service(db, edit)

    def add_rule(self, edit: int, rule: PeriodRule) -> None:
        """Keep a rule (its id aside)."""
        with self._write() as db:
            db.execute(
                "INSERT INTO rule (machine, sensor, above, value, state, edit)"
                " VALUES (?, (SELECT id FROM sensor WHERE name = ?), ?, ?, ?, ?)",
                (machine_id(db, rule.machine) if rule.machine else None, rule.sensor, int(rule.above), rule.value,
                 rule.state, edit),
            )  # fmt: skip
            forget_service(db, edit)

    def remove_rule(self, edit: int, rule: int) -> None:
        """Let a rule hold no longer."""
        with self._write() as db:
            db.execute("UPDATE rule SET removed_by = ? WHERE id = ?", (edit, rule))
            forget_service(db, edit)
