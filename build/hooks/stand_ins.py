"""Runs first in the packed program: stands in for two libraries that others import and nothing here calls.

scipy.special: XGBoost's scikit-learn wrapper takes `softmax` from it at import. Behind that one function stand 36 MB, a
second OpenBLAS among them.

PySide6.QtOpenGL, QtOpenGLWidgets: pyqtgraph asks for their names at import, for plots on a graphics card. The program
paints its plots without one, and PySide6's wrapping of every OpenGL function there is takes 10 MB.

Whoever asks for anything else of them is told so by an AttributeError or by NotPacked, at once.
"""

from __future__ import annotations

import sys
import types
from typing import Any


class NotPacked(RuntimeError):
    """Something was used that the packed program does not have."""


def _softmax(x: Any, axis: Any = None) -> Any:
    """The same as scipy.special.softmax."""
    import numpy as np

    exps = np.exp(x - np.amax(x, axis=axis, keepdims=True))
    return exps / np.sum(exps, axis=axis, keepdims=True)


def _absent(module: str, name: str) -> type:
    def refuse(_self: object, *_args: object, **_more: object) -> None:
        raise NotPacked(f"{module}.{name} is not part of the packed program")

    return type(name, (), {"__init__": refuse, "__module__": module})


def _stand_in(module: str, **content: object) -> None:
    made = types.ModuleType(module, "A stand-in: see build/hooks/stand_ins.py.")
    vars(made).update(content)
    sys.modules[module] = made


_stand_in("scipy.special", softmax=_softmax)
_stand_in(
    "PySide6.QtOpenGL",
    **{
        name: _absent("PySide6.QtOpenGL", name)
        for name in (
            "QOpenGLBuffer",
            "QOpenGLShader",
            "QOpenGLShaderProgram",
            "QOpenGLTexture",
            "QOpenGLTextureBlitter",
            "QOpenGLVertexArrayObject",
        )
    },
)
_stand_in("PySide6.QtOpenGLWidgets", QOpenGLWidget=_absent("PySide6.QtOpenGLWidgets", "QOpenGLWidget"))
