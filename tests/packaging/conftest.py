"""A virtual screen for the packed program's window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.packaging.packed import screen


@pytest.fixture
def display() -> Iterator[str]:
    """The name of a virtual screen; skips where there is no Xvfb."""
    with screen() as name:
        yield name
