"""Files -> record: recognise a file, read it in blocks, validate every cell, merge it into the store.

The walk: `recognise` (Layout from the file's head) -> `blocks` (bytes in whole lines, SHA-256) -> `cells` (columns,
wrong rows set aside) -> `instants` and names -> the store's batch writer (merge) -> FileReport.
"""

from pdm_desktop.core.ingest.importer import import_file
from pdm_desktop.core.ingest.recognise import Layout, discover, recognise

__all__ = ["Layout", "discover", "import_file", "recognise"]
