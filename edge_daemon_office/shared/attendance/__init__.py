"""From candidates to a register: evidence over the lesson, counts, verdicts, documents, spreadsheets."""
