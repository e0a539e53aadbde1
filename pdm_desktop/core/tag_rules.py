"""What tags such as PLANT.M001.VOLT are taken for: by the rule of their file, and as the plant took them before."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

_LABEL = re.compile(r'\{\s*[\w.]+\s*=~?\s*"([^"{}]+)"\s*\}')
"""The one label of a series in a time series database: {machine="P101"}."""

_SEPARATORS = frozenset("./\\:|_- ")


@dataclass(frozen=True)
class TagRule:
    """How a tag such as PLANT.M001.VOLT names machine and sensor: split at `separator`, the last `sensor_parts` parts
    (sensor_first: the first ones) are the sensor, of the others the first `dropped` are left out."""

    separator: str
    sensor_parts: int
    dropped: tuple[str, ...] = ()
    machine_parts: int = 0
    """Above 0: the machine is the first so many parts and the sensor what is left."""
    sensor_first: bool = False

    def split(self, tag: str) -> tuple[str, str] | None:
        """(machine, sensor); None where the tag does not fit."""
        parts = [part.strip() for part in tag.strip().split(self.separator)]
        if self.sensor_first:
            parts.reverse()
        cut = self.machine_parts or len(parts) - self.sensor_parts
        if not 0 < cut < len(parts):
            return None
        machine, sensor = parts[:cut], parts[cut:]
        if self.dropped:
            if tuple(machine[: len(self.dropped)]) != self.dropped or len(machine) <= len(self.dropped):
                return None
            machine = machine[len(self.dropped) :]
        if self.sensor_first:
            machine.reverse()
            sensor.reverse()
        label = _LABEL.fullmatch(self.separator.join(machine))
        names = label[1].strip() if label is not None else self.separator.join(machine), self.separator.join(sensor)
        return names if all(names) else None


@dataclass(frozen=True)
class KnownTags:
    """What the plant took tags for so far: the same tag is the same series in whatever file it comes.

    machines: tag -> its machine's name now; paths: what stands before the sensor in a tag, with the separator behind
    it -> the machine's name now; plant: the names of all its machines.
    """

    machines: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    plant: frozenset[str] = frozenset()

    def share(self, names: Collection[str]) -> float:
        """The share of names, or of their last parts, that are machines of the plant."""
        known = [name in self.plant or re.split(r"[./\\:|]", name)[-1].strip() in self.plant for name in names]
        return sum(known) / max(1, len(known))

    def place(self, tag: str, rule: TagRule) -> tuple[str, str] | None:
        """(machine, sensor) of a tag: as it was taken before, else by the rule of its file, where a machine whose
        shortened name is another one's already keeps its whole name. None where the tag does not fit."""
        tag = tag.strip()
        known = self._prefix(tag, self.machines.get(tag))
        if known is not None:
            return self.paths[known], tag[len(known) :].strip()
        whole = replace(rule, dropped=()).split(tag)
        if whole is None or rule.sensor_first or not tag.endswith(whole[1]):
            return rule.split(tag) or whole
        path = tag[: len(tag) - len(whole[1])]
        known = self._prefix(tag)
        if known is not None and (len(known) >= len(path) or _numbered(known) > _numbered(path[len(known) :])):
            return self.paths[known], tag[len(known) :].strip()
        short = rule.split(tag)
        return whole if short is None or short[0] in self._names else short

    def _prefix(self, tag: str, machine: str | None = None) -> str | None:
        """The longest known path that the tag begins with, of that machine where one is named."""
        for end in range(len(tag) - 1, 0, -1) if self.paths else ():
            if tag[end - 1] not in _SEPARATORS:
                continue
            path = tag[:end]
            if path in self.paths and machine in (None, self.paths[path]):
                return path
        return None

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.paths.values())


def _numbered(path: str) -> bool:
    """Whether the last part of a tag's beginning has a number, as machines' names have."""
    return re.search(r"\d[^\d\W]*\W*$", path) is not None
