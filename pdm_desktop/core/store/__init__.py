"""The plant's record and the stored opinions: SQLite in WAL mode through SQLAlchemy; the only importer of both.

`Store` opens plant.db and reads; `Batch writers` (Store.batch) merge one imported file in one transaction.
"""

from pdm_desktop.core.store.incoming import Outcome
from pdm_desktop.core.store.plant import Store
from pdm_desktop.core.store.tables import natural_key
from pdm_desktop.core.store.writer import BatchWriter

__all__ = ["BatchWriter", "Outcome", "Store", "natural_key"]
