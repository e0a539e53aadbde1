"""The mark of tests that use MLflow."""

from __future__ import annotations

import pytest

# Its own code uses what SQLAlchemy 2.1 and pandas 3 deprecate; nothing of ours can avoid it.
MLFLOW = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated:DeprecationWarning"),
]
