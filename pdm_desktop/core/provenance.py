"""Whether a model version was trained on this plant's own record, and on which of its machines.

Machines of different plants bear the same names (1, 2, 3 ...), and machines are renamed. So a version keeps some of the
failures it learnt of: where they are on record here too, it is of this plant.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from pdm_desktop.core.store import Store

KEY = "some_failures"
MOST = 40
"""So many failures are kept, spread over the record."""


def some_failures(failures: Sequence[tuple[int, str]]) -> list[list[Any]]:
    """[machine, ms] of failures spread evenly over `failures` (ms, machine)."""
    count = min(MOST, len(failures))
    return [[failures[i * len(failures) // count][1], failures[i * len(failures) // count][0]] for i in range(count)]


def machines_here(
    store: Store, facts: Mapping[str, Any], *, made_here: bool = False, without: Container[str] = ()
) -> frozenset[str]:
    """The machines of this plant, by the names they bear now, that a version of these facts was trained or tested on.
    without: names, as they were then, of those not asked for; merged with one that is, a machine is among them.

    Nothing when less than half of the failures it kept are on record here. A version made in this very workspace, and
    one that kept none (from an earlier release), is taken at its machines' names: see `unknown`.
    """
    # It may come from a file: nothing is taken for granted.
    listed = facts.get("machines")
    named = listed if isinstance(listed, list) else []
    now = now_called(store)
    known = [name for name in named if isinstance(name, str) and name in now]
    machines = frozenset(now[name] for name in known)
    asked = frozenset(now[name] for name in known if name not in without)
    noted = facts.get(KEY)
    kept = [pair for pair in noted if _failure(pair)] if isinstance(noted, list) else []
    if made_here or not kept or not machines:
        return asked
    events = store.events("failures", sorted(machines), None, None)
    recorded = set(zip(events["machine"].tolist(), events["time"].tolist(), strict=True))
    found = sum((now.get(machine), time) in recorded for machine, time in kept)
    return asked if 2 * found >= len(kept) else frozenset()


def unknown(facts: Mapping[str, Any], *, made_here: bool) -> bool:
    """Whether nobody can tell if a version of these facts was trained on this plant: it came from elsewhere and, of an
    earlier release, kept no failures to be known by. Another plant's machines may bear the same names."""
    noted = facts.get(KEY)
    return not made_here and not (isinstance(noted, list) and any(map(_failure, noted)))


def now_called(store: Store) -> dict[str, str]:
    """Every name a machine bears or bore -> the name it bears now."""
    return store.names.former_machines() | {str(name): str(name) for name in store.machines()["machine"]}


def _failure(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], int)
