"""Log lines without personal data: addresses contain students' ids, and errors may quote what a person typed."""

from __future__ import annotations

import logging
import traceback


class DiscreetFormatter(logging.Formatter):
    """Reduces Django's records to their logger, the status, and the place in the program where an error arose."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        head = f"{record.levelname} {record.name}"
        if not record.name.startswith("django"):
            return f"{head}: {record.getMessage()}"
        parts = [f"status {record.status_code}"] if hasattr(record, "status_code") else []
        if record.exc_info and record.exc_info[1] is not None:
            last = traceback.extract_tb(record.exc_info[2])[-1:]
            place = f" at {last[0].filename}:{last[0].lineno}" if last else ""
            parts.append(f"{type(record.exc_info[1]).__name__}{place}")
        return f"{head}: {', '.join(parts) or 'refused'}"
