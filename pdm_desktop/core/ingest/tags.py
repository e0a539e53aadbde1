"""Which part of a tag is the machine, and which the sensor: where all tags fill a grid of both best."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pdm_desktop.core.ingest import tag_sides
from pdm_desktop.core.ingest.units import split_unit
from pdm_desktop.core.plans import Plan, Question, Side
from pdm_desktop.core.tag_rules import KnownTags, TagRule

_SEPARATORS = (".", "/", "\\", ":", "|", "_", "-", " ")
_CLEAR = (".", "/", "\\", ":", "|")
_MOST_TAGS = 5_000
_MOST_PARTS = 16  # of a tag that are tried: no input may take long
_ID = re.compile(r".*\d")
_ENDS_NUMBERED = re.compile(r".*\d[^\W\d_]?$")
_NAMED_ID = re.compile(r"(?=.*[^\W\d_])(?=.*\d)")
_PARTS = re.compile(
    r"(?i)(sensors?|s|ch|channel|kanal|canal|canale|temp|temperature|bearing|lager|palier|cojinete|cuscinetto|lagers?|"
    r"phase|axis|achse|axe|eje|asse|zone|point|punkt|col|column|spalte|x|y|z|l|t|p|v|i)\W*\d+"
)
"""Numbered parts and channels of one machine."""


def is_mark(tag: str) -> bool:
    """Whether a logger wrote it among its tags to say that it was started or stopped, such as $RT_OFF$ (Siemens)."""
    tag = tag.strip()
    return len(tag) > 2 and tag[0] == tag[-1] == "$"


def unit_behind(tag: str) -> tuple[str, str]:
    """A tag such as "M001.Temp (°C)" without its unit, and the unit; "" where no brackets end it."""
    tag = tag.strip()
    return split_unit(tag) if tag[-1:] in (")", "]", "）") else (tag, "")


def of_cells(cells: Sequence[str]) -> list[str]:
    """The different tags among cells of a long file, units behind them aside."""
    return list(dict.fromkeys(unit_behind(cell)[0] for cell in dict.fromkeys(cells)))


def placed(plan: Plan, known: KnownTags) -> Plan:
    """The plan with its tags taken as the plant took them by now."""
    rule = plan.tag_rule
    if rule is None:
        return plan
    columns = []
    for column in plan.columns:
        pair = known.place(split_unit(column.name)[0], rule) if column.role.machine else None
        role = column.role if pair is None else replace(column.role, machine=pair[0], name=pair[1])
        columns.append(replace(column, role=role))
    return replace(plan, columns=tuple(columns), known_tags=known)


def settle(
    tags: Sequence[str], known: KnownTags, said: Side | None, where: str, *, headers: bool = False
) -> tuple[TagRule | None, Question | None]:
    """The rule that splits all the tags, as `find` does, with the machine on the side that is `said`, or else told by
    what the tags name; the question where nothing tells."""
    tags = _different(tags)
    rule = find(tags, headers=headers)
    if rule is None:
        return None, None
    first = (_first(tags, rule.separator) or rule) if rule.sensor_first else rule
    if said is None and tag_sides.names_points(_sides(tags, first)[1]):
        return None, None
    last = tag_sides.turned(rule)
    side = said or tag_sides.told(tags, first, last, known)
    if side is None:
        return rule, tag_sides.asked(tags, first, last, where)
    return (first if side == "first" else last), None


def find(tags: Sequence[str], *, headers: bool = False) -> TagRule | None:
    """The rule that splits all the tags into machine and sensor best, or None. headers: the tags are column names,
    which need clearer signs of being tags."""
    tags = _different(tags)
    rules: list[TagRule] = []
    for separator in _SEPARATORS:
        if not tags or not all(separator in tag.strip(separator) for tag in tags):
            continue
        rule = _best(tags, separator)
        if rule is not None and not (headers and not _clear(tags, rule)):
            rules.append(rule)
    best = min(rules, key=lambda rule: _merit(tags, rule), default=None)
    clear = [rule for rule in rules if rule.separator in _CLEAR and not rule.sensor_first]
    if best is None or best.separator in _CLEAR or not clear:
        return best
    # A blank or a dash within names that clearer separators part: only where it ends what is numbered, =A1+S1.P1-Flow.
    machines, sensors = _sides(tags, best)
    ends = not best.sensor_first and all(map(_ENDS_NUMBERED.match, machines)) and not any(map(_ID.match, sensors))
    return best if ends else min(clear, key=lambda rule: _merit(tags, rule))


def _different(tags: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip() for tag in tags))[:_MOST_TAGS]


def _merit(tags: list[str], rule: TagRule) -> tuple[bool, bool, bool, int, bool, int]:
    """The lower the better: numbers are a machine's, not all its sensors'; of clear separators, then of the others, the
    one that leaves the fewest different names, sensors without numbers, and the shortest machines."""
    machines, sensors = _sides(tags, rule)
    numbered = len(sensors) > 1 and all(map(_ID.match, sensors))
    weak = rule.separator not in _CLEAR and not rule.sensor_first
    some = any(map(_ID.match, sensors))
    return (rule.sensor_first, numbered, weak, len(machines) + len(sensors), some, sum(map(len, machines)))


def _best(tags: list[str], separator: str) -> TagRule | None:
    rule = _first(tags, separator)
    if rule is None:
        return None
    of_machine, of_sensor = _sides(tags, rule)
    if not any(map(_ID.match, of_machine)) and all(map(_ID.match, of_sensor)):
        turned = tag_sides.turned(rule)
        if all(turned.split(tag) for tag in tags):
            return turned
    return rule


def _first(tags: list[str], separator: str) -> TagRule | None:
    """The best rule with the machine first."""
    split = [[part.strip() for part in tag.split(separator)] for tag in tags]
    shortest = min(_MOST_PARTS, *map(len, split))
    candidates = [TagRule(separator, k) for k in range(1, shortest)]
    if len({len(parts) for parts in split}) > 1:
        candidates += [TagRule(separator, 0, machine_parts=k) for k in range(1, shortest)]
    best: tuple[tuple[bool, int, int], TagRule] | None = None
    for rule in candidates:
        pairs = [rule.split(tag) for tag in tags]
        if None in pairs:
            continue
        machines, sensors = {pair[0] for pair in pairs if pair}, {pair[1] for pair in pairs if pair}
        # Few machines and few sensors that make many tags; the shorter sensor where both ways are alike. A number is
        # part of the machine, unless all sensors have one.
        odd = not any(map(_ID.match, machines)) and all(map(_ID.match, sensors))
        rank = (odd, len(machines) + len(sensors), rule.sensor_parts or shortest)
        if best is None or rank < best[0]:
            best = (rank, rule)
    if best is None:
        return None
    return _without_common(best[1], _sides(tags, best[1])[0])


def _sides(tags: list[str], rule: TagRule) -> tuple[list[str], list[str]]:
    pairs = [pair for pair in map(rule.split, tags) if pair]
    return list(dict.fromkeys(m for m, _ in pairs)), list(dict.fromkeys(s for _, s in pairs))


def _without_common(rule: TagRule, machines: list[str]) -> TagRule:
    """The rule with the leading parts left out that all machines share: plant, area."""
    parts = [machine.split(rule.separator) for machine in machines]
    shared = 0
    while all(len(p) > shared + 1 and p[shared] == parts[0][shared] for p in parts):
        rest = [rule.separator.join(p[shared + 1 :]) for p in parts]
        if rule.separator not in _CLEAR and all(name.isdecimal() for name in rest):
            break  # Press_1 and Press_2 are machines, not 1 and 2
        shared += 1
    dropped = tuple(parts[0][:shared])
    return TagRule(rule.separator, rule.sensor_parts, dropped, rule.machine_parts)


def _clear(tags: list[str], rule: TagRule) -> bool:
    """Whether column names are tags and not just words with a space or a dash in them."""
    machines, sensors = _sides(tags, rule)
    full = len(tags) / (len(machines) * len(sensors))
    numbered = all(map(_NAMED_ID.match, machines)) and not any(map(_PARTS.fullmatch, machines))
    if all('="' in tag and tag.endswith("}") for tag in tags):
        return True  # labels of a time series database
    if rule.separator in _CLEAR:
        return full >= 0.3 and (numbered or full > 0.6)
    # P-101_Speed is no Speed of 101: a machine behind the sensor needs a word that names a quantity before it.
    behind = rule.sensor_first and not tag_sides.are_quantities(sensors)
    return numbered and full >= 0.5 and not all(map(_ID.match, sensors)) and not behind
