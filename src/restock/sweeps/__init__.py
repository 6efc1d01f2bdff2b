"""A sweep: frozen at launch, queued in a database, run by workers that may die."""
