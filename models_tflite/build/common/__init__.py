"""Common parts of the builds."""
