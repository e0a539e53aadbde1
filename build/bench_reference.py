"""The references that live in .venv-bench: polars' rolling statistics. Run by bench.py, prints one JSON object."""

from __future__ import annotations

import json
import sys
import time

import polars as pl

WINDOWS = ("3h", "24h")


def statistics(telemetry: str, repeats: int) -> list[float]:
    """Seconds for mean, deviation, min and max over 3 h and 24 h of every sensor, each time of the year's readings."""
    frame = pl.read_csv(telemetry, try_parse_dates=True).sort("machineID", "datetime")
    sensors = [name for name in frame.columns if name not in ("machineID", "datetime")]
    expressions = [
        getattr(pl.col(sensor), f"rolling_{statistic}_by")("datetime", window_size=window)
        .over("machineID")
        .alias(f"{sensor}_{statistic}_{window}")
        for sensor in sensors
        for window in WINDOWS
        for statistic in ("mean", "std", "min", "max")
    ]
    frame.head(1000).select(expressions)
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        made = frame.select(expressions)
        seconds.append(time.perf_counter() - begun)
        assert made.shape == (len(frame), len(expressions))
    return seconds


if __name__ == "__main__":
    print(json.dumps({"seconds": statistics(sys.argv[1], int(sys.argv[2]))}))
