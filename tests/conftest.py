"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# A slow or busy board is no failure; and a failure is printed so that it can be repeated.
settings.register_profile("boards", deadline=None, print_blob=True)
settings.load_profile("boards")
