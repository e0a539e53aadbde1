"""Whether a booster's file is what XGBoost writes, told without XGBoost: its reader takes a file at its word, and one
that was cut off, damaged or made with intent ends the whole program instead of being refused.

UBJSON as XGBoost writes it: https://ubjson.org, https://xgboost.readthedocs.io (Introduction to Model IO).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_WHOLE = "iUIlL"
_DEEPEST = 20
_NODES = ("base_weights", "left_children", "loss_changes", "parents", "right_children", "split_conditions",
          "split_indices", "split_type", "sum_hessian", "default_left")  # fmt: skip
_REAL = ("base_weights", "loss_changes", "split_conditions", "sum_hessian")
_LEAF, _NO_PARENT = -1, 2**31 - 1
_MOST_NODES = 10_000_000


def check(file: Path, features: int, outputs: int) -> None:
    """ValueError says why the file holds no booster of trees for so many features and outputs."""
    try:
        _check(_Reader(file.read_bytes()).whole(), features, outputs)
    except (KeyError, TypeError, IndexError, AttributeError) as exc:
        raise ValueError(f"a part is missing or of another kind ({exc})") from exc


class _Reader:
    """Reads one value that fills the whole text."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def whole(self) -> dict[str, Any]:
        found = self._value(self._take(1).decode("latin-1"), 0)
        if self._at != len(self._data) or not isinstance(found, dict):
            raise ValueError("it does not end where it should")
        return found

    def _take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise ValueError("it is cut off")
        self._at += count
        return self._data[self._at - count : self._at]

    def _marker(self) -> str:
        return self._take(1).decode("latin-1")

    def _peek(self) -> str:
        return self._data[self._at : self._at + 1].decode("latin-1")

    def _length(self) -> int:
        marker = self._marker()
        if marker not in _WHOLE:
            raise ValueError(f"a length is told by {marker!r}")
        return int(self._array(marker, 1)[0])

    def _array(self, marker: str, count: int) -> Array:
        kind = np.dtype(_NUMBERS[marker])
        return np.frombuffer(self._take(count * kind.itemsize), kind)

    def _text(self) -> str:
        return self._take(self._length()).decode("utf-8")

    def _value(self, marker: str, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        if marker in _NUMBERS:
            return self._array(marker, 1)[0].item()
        if marker == "S":
            return self._text()
        if marker in "TF":
            return marker == "T"
        if marker == "[":
            return self._list(depth)
        if marker == "{":
            return self._object(depth)
        raise ValueError(f"nothing begins with {marker!r}")

    def _list(self, depth: int) -> Any:
        if self._peek() == "$":
            self._take(1)
            kind = self._marker()
            if kind not in _NUMBERS or self._marker() != "#":
                raise ValueError(f"an array of {kind!r}")
            return self._array(kind, self._length())
        if self._peek() == "#":
            self._take(1)
            count = self._length()
            if not 0 <= count <= len(self._data):
                raise ValueError("an array is longer than the file")
            return [self._value(self._marker(), depth + 1) for _ in range(count)]
        found = []
        while (marker := self._marker()) != "]":
            found.append(self._value(marker, depth + 1))
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._peek() != "}":
            key = self._text()
            if key in found:
                raise ValueError(f"{key} is there twice")
            found[key] = self._value(self._marker(), depth + 1)
        self._take(1)
        return found


def _check(plain: dict[str, Any], features: int, outputs: int) -> None:
    learner = plain["learner"]
    about = learner["learner_model_param"]
    expect("features", int(about["num_feature"]), features)
    expect("outputs", int(about["num_target"]), outputs)
    expect("classes", int(about["num_class"]), 0)
    expect("objective", learner["objective"]["name"], "binary:logistic")
    booster = learner["gradient_booster"]
    expect("kind of booster", booster["name"], "gbtree")
    model = booster["model"]
    trees = model["trees"]
    expect("trees", int(model["gbtree_model_param"]["num_trees"]), len(trees))
    info, ends = _whole(model["tree_info"]), _whole(model["iteration_indptr"])
    if len(info) != len(trees) or (len(info) and not (info.min() >= 0 and info.max() < outputs)):
        raise ValueError("its trees belong to outputs that are not there")
    if not len(ends) or ends[0] != 0 or ends[-1] != len(trees) or (np.diff(ends) < 0).any():
        raise ValueError("its rounds are not those of its trees")
    for tree in trees:
        _check_tree(tree, features)


def _check_tree(tree: dict[str, Any], features: int) -> None:
    about = tree["tree_param"]
    nodes = int(about["num_nodes"])
    expect("features of a tree", int(about["num_feature"]), features)
    expect("values of a leaf", int(about["size_leaf_vector"]), 1)
    expect("nodes deleted", int(about["num_deleted"]), 0)
    if not 1 <= nodes <= _MOST_NODES:
        raise ValueError(f"a tree has {nodes} nodes")
    for name in _NODES:
        if not isinstance(tree[name], np.ndarray) or len(tree[name]) != nodes:
            raise ValueError(f"a tree's {name} are not one for each node")
    for name in ("categories", "categories_nodes", "categories_segments", "categories_sizes"):
        expect(name, len(tree[name]), 0)
    for name in _REAL:
        expect(name, tree[name].dtype.kind, "f")
    if _whole(tree["split_type"]).any():
        raise ValueError("a tree splits by categories")
    left, right, used = (_whole(tree[name]) for name in ("left_children", "right_children", "split_indices"))
    leaf = left == _LEAF
    if ((right == _LEAF) != leaf).any():
        raise ValueError("a node has one branch only")
    own = np.arange(nodes)
    for branch in (left, right):
        # Behind their own node: no way leads round in a circle.
        if ((branch <= own) & ~leaf).any() or (branch >= nodes).any() or (branch < _LEAF).any():
            raise ValueError("a branch leads nowhere")
    parents = np.full(nodes, _NO_PARENT)
    for branch in (left, right):
        parents[branch[~leaf]] = own[~leaf]
    if (parents != _whole(tree["parents"])).any() or (parents[1:] == _NO_PARENT).any():
        raise ValueError("a tree's branches do not hang together")
    if nodes != 1 + 2 * (~leaf).sum():
        raise ValueError("a node hangs on two branches")
    if ((used < 0) | (used >= features)).any():
        raise ValueError("a tree asks for a feature that is not there")


def _whole(values: Any) -> npt.NDArray[np.int64]:
    made = np.asarray(values)
    if made.ndim != 1 or (len(made) and made.dtype.kind not in "iu"):
        raise ValueError("whole numbers are of another kind")
    return made.astype(np.int64)


def expect(what: str, found: object, wanted: object) -> None:
    """ValueError unless both are the same."""
    if found != wanted:
        raise ValueError(f"{what}: {found!r} instead of {wanted!r}")
