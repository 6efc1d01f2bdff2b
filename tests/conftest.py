"""One profile for all property tests: how long an example takes says nothing about it."""

from hypothesis import settings

settings.register_profile("restock", deadline=None, derandomize=True)
settings.load_profile("restock")
