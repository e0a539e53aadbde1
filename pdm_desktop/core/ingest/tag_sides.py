"""Which side of a tag is the machine: machines the plant knows and words that name a quantity tell, then numbers. Where
none of them does it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pdm_desktop.core.plans import Question, Side
from pdm_desktop.core.tag_rules import KnownTags, TagRule

_WORDS = """
    temp temperature temperatur température temperatura
    press pressure druck pression presion presión pressione pressão pressao
    flow durchfluss debit débit caudal portata vazao vazão
    level füllstand fuellstand stand niveau nivel nível livello
    speed drehzahl vitesse velocidad velocidade velocita velocità rotate rotation rpm
    vib vibration schwingung vibracion vibración vibrazione vibração acceleration beschleunigung displacement
    current strom courant corriente corrente amp amps ampere volt voltage spannung tension tensión tensione
    power leistung puissance potencia potenza potência energy energie
    druk toerental trilling temperatuur debiet stroom spanning vermogen koppel pressione giri pressão
    torque drehmoment couple load last charge carga carico force kraft
    pos position freq frequency frequenz frequence fréquence
    hum humidity feuchte moisture density dichte viscosity ph conductivity concentration
    heat waerme wärme noise weight gewicht mass state status alarm runtime hours counter count
    pv sp op mv cv"""
_QUANTITIES = frozenset(_WORDS.split())
_WITHIN = tuple(word for word in _QUANTITIES if len(word) >= 5)
"""Words that name a quantity within longer ones as well: Öldruck, Füllstandsmessung."""
_OF_A_POINT = frozenset(["pv", "sp", "op", "mv", "cv", "out", "val", "value", "pnt", "f_cv"])
"""What control systems call the values of one measuring point: the point is a sensor, no machine."""
_WORD = re.compile(r"[^\W\d_]+")
_NUMBERED = re.compile(r".*\d")
_MOST = 0.5


def turned(rule: TagRule) -> TagRule:
    """The rule with the machine behind the last separator."""
    return TagRule(rule.separator, 0, machine_parts=1, sensor_first=True)


def told(tags: Sequence[str], first: TagRule, last: TagRule, known: KnownTags) -> Side | None:
    """Which side is the machine, None where nothing tells. first, last: the rules with the machine first and last."""
    machines, sensors = _sides(tags, first)
    machines_last, sensors_last = _sides(tags, last)
    if not machines_last:
        return "first"
    here, there = known.share(machines), known.share(machines_last)
    if here != there:
        return "first" if here > there else "last"
    named, named_last = _quantities(sensors), _quantities(sensors_last)
    if named < _MOST <= named_last and all(name.isdecimal() for name in machines_last):
        return None  # Temp.1, Temp.2: of machines 1 and 2, or of one
    if (named >= _MOST) != (named_last >= _MOST):
        return "first" if named >= _MOST else "last"
    if any(map(_NUMBERED.match, machines)):
        return "first"
    if len(machines) == 1 and not all(map(_NUMBERED.match, sensors)):
        return "first"
    return None


def names_points(sensors: Iterable[str]) -> bool:
    """Whether what would be sensors are values of measuring points: FIC101.PV, FIC101.SP."""
    return all(sensor.casefold() in _OF_A_POINT for sensor in sensors)


def asked(tags: Sequence[str], first: TagRule, last: TagRule, where: str) -> Question:
    """The question which side it is."""
    tag = tags[0]
    machine, machine_last = (rule.split(tag) or ("", "") for rule in (first, last))
    return Question(
        "machine_side",
        f"Whether {machine[0]} or {machine_last[0]} is the machine in the tag {tag} cannot be told from the file.",
        "Say --machine-side first or --machine-side last, or --machine ID where all are of one machine.",
        (("first", f"{machine[0]} is the machine"), ("last", f"{machine_last[0]} is the machine")),
        None,
        where,
    )


def _sides(tags: Sequence[str], rule: TagRule) -> tuple[set[str], set[str]]:
    pairs = [rule.split(tag) for tag in tags]
    if None in pairs:
        return set(), set()
    return {pair[0] for pair in pairs if pair}, {pair[1] for pair in pairs if pair}


def are_quantities(names: Iterable[str]) -> bool:
    """Whether at least half of the names have a word in them that names a quantity."""
    return _quantities(names) >= _MOST


def _quantities(names: Iterable[str]) -> float:
    """The share of the names with a word in them that names a quantity."""
    found = [any(map(_is_quantity, _WORD.findall(name.casefold()))) for name in names]
    return sum(found) / max(1, len(found))


def _is_quantity(word: str) -> bool:
    return word in _QUANTITIES or any(part in word for part in _WITHIN)
