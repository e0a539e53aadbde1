"""Files -> record: recognise a file, read it in blocks, validate every cell, merge it into the store.

The walk: `recognise` (a Plan from samples of the file: `encoding`, `dialect`, `columns`, `tags`) -> `source` and
`blocks` (text in whole lines, SHA-256) -> `cells` (columns, wrong rows set aside) -> `keys` (machines, `instants`,
`folds`) -> `run` (the store's batch writer merges) -> FileReport.
"""

from pdm_desktop.core.ingest import profiles
from pdm_desktop.core.ingest.archive import is_no_table
from pdm_desktop.core.ingest.importer import import_file, import_plan, sensors_of, tags_of
from pdm_desktop.core.ingest.preview import preview
from pdm_desktop.core.ingest.recognise import discover, in_order, recognise

__all__ = [
    "discover",
    "import_file",
    "import_plan",
    "in_order",
    "is_no_table",
    "preview",
    "profiles",
    "recognise",
    "sensors_of",
    "tags_of",
]
