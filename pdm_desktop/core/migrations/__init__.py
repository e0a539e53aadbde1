"""The history of plant.db's schema, one Alembic revision a file in `versions`; run by the store, never by hand."""
