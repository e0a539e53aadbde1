"""Plots as SVG text, for files that outlive the window: the tracking store and reports. No drawing library needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 44, 52
_COLOURS = ("#1f6feb", "#7a4fd0", "#0a7d5a", "#b26a00")


class Line(NamedTuple):
    """One series; dashed without markers, or with markers at its points."""

    label: str
    x: Floats
    y: Floats
    markers: bool = False
    dashed: bool = False


def chart(title: str, x_label: str, y_label: str, lines: Sequence[Line], mark: tuple[float, str] | None = None) -> str:
    """Lines on linear axes with grid and legend. mark: a dashed upright at x with its words."""
    lines = [line for line in lines if len(line.x)]
    xs = np.concatenate([line.x for line in lines] or [np.array([0.0, 1.0])])
    ys = np.concatenate([line.y for line in lines] or [np.array([0.0, 1.0])])
    ys = ys[np.isfinite(ys)] if np.isfinite(ys).any() else np.array([0.0, 1.0])
    across, up = _ticks(float(xs.min()), float(xs.max())), _ticks(min(0.0, float(ys.min())), float(ys.max()))

    def place_x(x: float) -> float:
        return _LEFT + (x - across[0]) / (across[-1] - across[0]) * (_WIDTH - _LEFT - _RIGHT)

    def place_y(y: float) -> float:
        return _HEIGHT - _BOTTOM - (y - up[0]) / (up[-1] - up[0]) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_head(title)]
    for tick in up:
        y = place_y(tick)
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#e2e6ec"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{tick:g}", "end"))
    parts += [_text(place_x(tick), _HEIGHT - _BOTTOM + 18, f"{tick:g}", "middle") for tick in across]
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, x_label, "middle"))
    parts.append(_text(_LEFT - 48, _TOP - 12, y_label, "start"))
    if mark is not None and across[0] <= mark[0] <= across[-1]:
        x = place_x(mark[0])
        upright = f'x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_HEIGHT - _BOTTOM}"'
        parts.append(f'<line {upright} stroke="#444" stroke-dasharray="4 3"/>')
        parts.append(_text(x + 6, _TOP + 12, mark[1], "start"))
    for number, line in enumerate(lines):
        colour = "#777" if line.dashed else _COLOURS[number % len(_COLOURS)]
        points = [(place_x(x), place_y(y)) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dash = ' stroke-dasharray="4 3"' if line.dashed else ""
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}/>')
        if line.markers:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        # Beside the upright axis's name, below the title.
        left = _LEFT + 150 + 140 * (number % 3)
        parts.append(f'<line x1="{left}" y1="{_TOP - 16}" x2="{left + 18}" y2="{_TOP - 16}" stroke="{colour}"{dash}/>')
        parts.append(_text(left + 24, _TOP - 12, line.label, "start"))
    return "\n".join([*parts, "</svg>", ""])


def bars(title: str, x_label: str, names: Sequence[str], values: Sequence[float]) -> str:
    """Horizontal bars with their figures, the first on top."""
    height = (_HEIGHT - _TOP - _BOTTOM) / max(len(names), 1)
    widest = max(values, default=0.0) or 1.0
    left = 230
    parts = [_head(title)]
    for row, (name, value) in enumerate(zip(names, values, strict=True)):
        y = _TOP + row * height
        width = value / widest * (_WIDTH - left - 80)
        parts.append(_text(left - 8, y + height * 0.7, name, "end"))
        parts.append(
            f'<rect x="{left}" y="{y + 2:.1f}" width="{width:.1f}" height="{height - 4:.1f}" fill="{_COLOURS[0]}"/>'
        )
        parts.append(_text(left + width + 6, y + height * 0.7, f"{value:.3g}", "start"))
    parts.append(_text((left + _WIDTH) / 2, _HEIGHT - 12, x_label, "middle"))
    return "\n".join([*parts, "</svg>", ""])


def _head(title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="#222">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n<title>{escape(title)}</title>\n'
        f'<text x="16" y="16" font-size="13" font-weight="600">{escape(title)}</text>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round values that span [low, high]."""
    if not high > low:
        high = low + 1.0
    raw = (high - low) / 5
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]
