"""Which columns say when, and of which machine."""

from __future__ import annotations

from pdm_desktop.core.ingest import aliases, clock_numbers, tags
from pdm_desktop.core.ingest.dialect import is_time, is_time_of_day
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.plans import Question, Role

_FEW = 6  # rows, of which nothing can be told
_ACROSS = 3  # columns named by times
_SPECIFIC = ("machin", "maschin", "maquin", "macchin", "equip", "asset", "anlage")


def date_and_time(draft: Draft) -> tuple[int, int] | None:
    """A column of dates and one of times of day, where no column has both."""
    free = draft.free()
    dates = [i for i in free if draft.facts[i].dates_only]
    dates = dates or [i for i in free if draft.facts[i].roles & {"date", "timestamp"} and draft.facts[i].day_numbers]
    clocks = [i for i in free if draft.facts[i].mostly(draft.facts[i].clocks)]
    clocks = clocks or [i for i in free if i not in dates and clock_numbers.tells(draft, i, dates)]
    full = [i for i in free if draft.facts[i].mostly(draft.facts[i].times) and not draft.facts[i].dates_only]
    if full or not dates or not clocks:
        return None
    date = next((i for i in dates if draft.facts[i].roles & {"date", "timestamp"}), dates[0])
    time = next((i for i in clocks if draft.facts[i].roles & {"time", "timestamp"}), clocks[0])
    return date, time


def times(draft: Draft) -> None:
    """Give the column, or the two, of the time its role."""
    if draft.of("timestamp", "date"):
        return
    for i in draft.called("made"):
        draft.roles[i] = Role("ignore")
    _times(draft)
    for i in range(len(draft.facts)):
        if "made" in draft.facts[i].roles and i not in draft.given:
            del draft.roles[i]


def _times(draft: Draft) -> None:
    pair = date_and_time(draft)
    if pair is not None:
        draft.roles[pair[0]], draft.roles[pair[1]] = Role("date"), Role("time")
        return

    def fits(i: int) -> bool:
        f = draft.facts[i]
        return f.mostly(f.times) or bool(f.number_form())

    named = [i for i in draft.free() if draft.facts[i].roles & {"timestamp", "date", "time"}]
    found = [i for i in named if fits(i)]
    found = [i for i in found if draft.facts[i].canonical == "timestamp"] or found
    if not found:
        found = [i for i in draft.free() if draft.facts[i].mostly(draft.facts[i].times, 0.8)]
    if not found:
        found = [i for i in _unnamed_index(draft) if fits(i)]
    if not found:
        # Called so, though nothing in it can be read: its rows will say why.
        found = [i for i in named if draft.facts[i].canonical == "timestamp" and not draft.facts[i].numbers][:1]
    if len(found) > 1:
        options = tuple((draft.facts[i].name, draft.facts[i].name) for i in found)
        names = " and ".join(draft.facts[i].name for i in found)
        text = f"The columns {names} both hold times."
        hint = f"Say which one counts: --map {draft.facts[found[0]].name!r}=timestamp."
        draft.questions.append(Question("columns", text, hint, options, draft.facts[found[0]].name, draft.where))
    if found:
        draft.roles[found[0]] = Role("timestamp")
    for i in draft.free():
        f = draft.facts[i]
        if f.mostly(f.times + f.clocks, 0.8) and not f.roles & {"known"}:
            draft.roles[i] = Role("ignore")


def refuse_halves(draft: Draft) -> None:
    """A column of AM and PM beside the time: without it, afternoons would fall on mornings."""
    for i in draft.free():
        words = {cell.strip().casefold().replace(".", "") for cell in draft.facts[i].cells if cell.strip()}
        if words and words <= {"am", "pm"}:
            name = draft.facts[i].name
            text = f"The column {name} tells morning from afternoon, apart from the time."
            hint = f"Export both in one column; where the times have 24 hours, leave it out: --map {name!r}=ignore."
            draft.questions.append(Question("columns", text, hint, where=draft.where))


def refuse_times_across(draft: Draft) -> None:
    """Columns named by times: a row a day and a column an hour, perhaps."""
    across = [i for i in draft.free() if is_time_of_day(draft.facts[i].name) or is_time(draft.facts[i].name)]
    if len(across) >= _ACROSS:
        first, last = draft.facts[across[0]].name, draft.facts[across[-1]].name
        text = f"The times stand side by side, from column {first} to column {last}."
        hint = "Export it with a row for each time."
        draft.questions.append(Question("columns", text, hint, where=draft.where))
    for i in across:
        draft.roles[i] = Role("ignore")


def _unnamed_index(draft: Draft) -> list[int]:
    """The first column: where nothing else is the time, numbers in it may be."""
    return [0] if draft.facts and 0 not in draft.roles and draft.facts[0].number_form() not in ("", "excel") else []


def machine(draft: Draft) -> None:
    """Give the column of the machine its role."""
    if draft.of("machine") or draft.choices.machine is not None:
        return
    # A total below the table may stand in the column.
    named = [i for i in draft.called("machine") if not draft.facts[i].mostly(draft.facts[i].fractions, 0.2)]
    named = (
        [i for i in named if draft.facts[i].canonical]
        or [i for i in named if any(word in aliases.plain(draft.facts[i].name) for word in _SPECIFIC)]
        or named
    )
    if named:
        draft.roles[named[0]] = Role("machine")
        return
    key = _key_column(draft)
    if key is not None:
        draft.roles[key] = Role("machine")
        draft.notes.append(
            f"Column {draft.facts[key].name} was taken for the machine: with the time, it tells rows apart."
        )


def _key_column(draft: Draft) -> int | None:
    """The one text or whole-number column that, together with the time, tells the rows apart where the time alone
    does not."""
    times = rows(draft)
    if len(times) < _FEW or len(set(times)) == len(times):
        return None
    if any(draft.facts[i].is_text and not repeated(times, draft.facts[i].cells) for i in draft.called("tag")):
        return None  # a tag tells them apart, and perhaps names the machine
    found = []
    for i in draft.free():
        f = draft.facts[i]
        if (
            draft.tells_units(i)
            or f.fractions
            or f.filled < len(f.cells)
            or f.roles & {"tag", "value", "quality", "unit", "error", "component"}
        ):
            continue
        keys = {(time, cell) for time, cell in zip(times, f.cells, strict=True)}
        if len(keys) == len(times) and 1 < len(set(f.cells)) <= len(times) // 2:
            found.append(i)
    found = [i for i in found if "place" in draft.facts[i].roles] or found
    return found[0] if len(found) == 1 else None


def machine_beside_tag(draft: Draft) -> None:
    """Give the column its role that, with time and tag, tells the rows of a long file apart where these do not."""
    tag = draft.of("tag")[:1]
    if not tag or draft.of("machine") or draft.choices.machine is not None:
        return
    keys = [(*key, cell) for key, cell in zip(rows(draft), draft.facts[tag[0]].cells, strict=True)]
    if len(keys) < _FEW or not repeated(keys):
        return
    found = [
        i
        for i in draft.free()
        if not (draft.facts[i].fractions or draft.tells_units(i) or draft.facts[i].roles & {"value", "quality", "unit"})
        and draft.facts[i].filled == len(draft.facts[i].cells)
        and 1 < len(set(draft.facts[i].cells)) <= len(keys) // 2
        and not repeated(keys, draft.facts[i].cells)
    ]
    found = [i for i in found if "place" in draft.facts[i].roles] or found
    if len(found) != 1:
        return
    f = draft.facts[found[0]]
    names = tags.of_cells(draft.facts[tag[0]].cells)
    rule = tags.find(names)
    pairs = [pair for pair in map(rule.split, names) if pair] if rule is not None else []
    if any(char.isdigit() for machine, _ in pairs for char in machine) and "place" not in f.roles:
        text = f"Lines of one time and tag differ in column {f.name}; the tags seem to name machines already."
        hint = f"Where {f.name} is the machine, say --map {f.name + '=machine'!r}; else --map {f.name + '=ignore'!r}."
        draft.questions.append(Question("columns", text, hint, where=draft.where))
        return
    draft.roles[found[0]] = Role("machine")
    draft.notes.append(f"Column {f.name} was taken for the machine: with time and tag, it tells rows apart.")


def rows(draft: Draft) -> list[tuple[str, ...]]:
    """What tells the rows of the samples apart: time and machine, as far as they are known."""
    of = draft.of("timestamp", "date", "time")
    return list(zip(*(draft.facts[i].cells for i in [*of, *draft.of("machine")]), strict=True)) if of else []


def repeated(rows: list[tuple[str, ...]], cells: list[str] | None = None) -> bool:
    """Whether rows of the samples are not told apart, also not by the cells beside them; a few may be said twice."""
    different = len(set(rows if cells is None else zip(rows, cells, strict=True)))
    return different < 0.95 * len(rows)


def depends(draft: Draft, i: int, name: int) -> bool:
    """Whether a column says the same in every row of one name, such as a tag's number."""
    pairs = set(zip(draft.facts[name].cells, draft.facts[i].cells, strict=True))
    return len(pairs) == len(set(draft.facts[name].cells))


def refuse_overwriting(draft: Draft) -> None:
    """Ask about a column of words without which most rows of a wide file would overwrite each other."""
    keys = rows(draft)
    if draft.choices.layout == "wide" or len(keys) < 6 or 2 * len(set(keys)) > len(keys):
        return
    for i in draft.of("ignore", "doubtful"):
        f = draft.facts[i]
        if f.is_text and i not in draft.given and not repeated(keys, f.cells):
            text = f"Lines of one machine and time differ in column {f.name}: they would overwrite each other."
            hint = f"Say what it is: --map {f.name + '=machine'!r}, or =tag beside a column of values."
            hint += " To have the last of them hold all the same: --layout wide."
            draft.questions.append(Question("columns", text, hint, where=draft.where))
            return
