"""Reasons why a mutant need not be noticed by any test."""

from __future__ import annotations

import re
from fnmatch import fnmatch

from tests.slow.mutation_reasons_evidence import EVIDENCE, GUARD, LENGTHS, PRECISION, SAME_TYPE, SQL, TIE, TYPES

REASONS: tuple[tuple[str, str, str, str, str], ...] = (
    # Module, function, what the line has, what its mutant has (a regular expression each), reason.
    ("*", "*", r"strict=True", r"strict=(None|False)|, \)\)?:?|, \)", LENGTHS),
    ("*", "*", r"dtype=|\.astype\(", r"dtype=None|, \)|\.astype\(None\)", PRECISION),
    (
        "*",
        "",
        r"^\w+ = (NDArray|Literal|Union|tuple|Mapping)\[|TypeVar\(|^\w+ = (str|str \|.*|Face \|.*)$|^\w+: TypeAlias",
        r".",
        TYPES,
    ),
    (
        "*",
        "*",
        r"\b(array|asarray|empty)\(.*, (np\.(float64|intp)|bool)\),?$",
        r"\b(array|asarray|empty)\(.*, (None)?\),?$",
        SAME_TYPE,
    ),
    ("*", "*", r'float\("(inf|nan)"\)', r'float\("(INF|NAN)"\)', "equivalent: another way of writing it"),
    ("*", "*", r"hide_gridlines\(2\)", r"\((3|None)\)", "equivalent: what is neither 0 nor 1 hides them all"),
    ("*/csv_form.py", "", r"CsvForm\(", r'";", \)', "equivalent: the default"),
    ("*", "*", r"cast\(", r".", TYPES),
    (
        "*",
        "*",
        r'"(utf-8(-sig)?|utf-16-le|ascii)"',
        r'"(UTF-8(-SIG)?|UTF-16-LE|ASCII)"',
        "equivalent: another way of writing the same encoding",
    ),
    # gallery/match.py
    ("*/match.py", "*", r"widths or \[1\.0\]", r"\[2\.0\]", "equivalent: read only where nobody is enrolled"),
    (
        "*/match.py",
        "*",
        r"max\(len\((templates|known)\), 1\)",
        r", 2\)",
        "equivalent: of six students and fewer the share is 0",
    ),
    ("*/match.py", "*", r"einsum\(", r'"F', "equivalent: other letters for the same sum"),
    ("*/match.py", "Matcher.__init__", r"default=0", r"default=1", "equivalent: read only where somebody is enrolled"),
    ("*/match.py", "_Means.__init__", r"\], bool\)", r"None\)|, \)", "equivalent: what is made of booleans is boolean"),
    ("*/match.py", "_Means.similarities", r"np\.full\(", r"-1\.0, (None)?\)", PRECISION),
    (
        "*/match.py",
        "_Means.similarities",
        r"np\.full\(",
        r"-2\.0",
        "equivalent: the largest counts, and none is under -1",
    ),
    ("*/match.py", "_about", r"axis=-1", r"axis=\+1", "equivalent: vectors are always a table of two dimensions"),
    # lesson/plan.py
    ("*/plan.py", "make_plan", r"token_bytes", r"token_bytes\(None\)", "equivalent: 32 bytes are what None stands for"),
    ("*/plan.py", "make_plan", r'"inf"', r'"INF"', "equivalent: another way of writing infinity"),
    ("*/plan.py", "slot_count", r"//", r" / ", "equivalent: no quotient by 5 s is rounded up to a whole number"),
    ("*/plan.py", "_run", r">= APART_S", r"> APART_S", "two draws of 53 bits are never known to be exactly 2 s apart"),
    (
        "*/plan.py",
        "_draws",
        r'"big"',
        r", \)",
        "equivalent from Python 3.11 on, where big is the default; an error before",
    ),
    # delivery/answers.py
    ("*/answers.py", "*", r'get\("(content-type|retry-after)", ""\)', r"XXXX", "equivalent: neither is HTML or a time"),
    ("*/answers.py", "refusal", r"< 200", r"<= 200|< 201", "equivalent: an answer of success is never judged here"),
    (
        "*/answers.py",
        "retry_after_s",
        r"\[:9\]",
        r"\[:10\]",
        "equivalent: either is more than a day, which is the most",
    ),
    # store/outbox.py
    ("*/outbox.py", "_mend_times", r"\+ SLACK", r"- SLACK", "equivalent: an index narrows the rows, the rule follows"),
    (
        "*/outbox.py",
        "_mend_times",
        r"_LONGEST_WAIT / timedelta\(days=1\)",
        r"days=2",
        "equivalent: the first update mends them",
    ),
    (
        "*/outbox.py",
        "_mend_times",
        r"LONGEST_ASKED_S / 86400",
        r"86401",
        "equivalent: an index narrows the rows, and leaves none within that second",
    ),
    (
        "*/outbox_decisions.py",
        "put_missing_registers",
        r"WHERE destination = 'upstream'",
        r"'UPSTREAM'",
        "equivalent: what has an item already is ignored by the table's key as well",
    ),
    *EVIDENCE,
    # attendance/
    ("*/hidden_faces.py", "*", r"distance <= REACH", r"< REACH", TIE),
    (
        "*/hidden_faces.py",
        "hidden_at_their_seats",
        r'float\("inf"\), ""',
        r'"XXXX"',
        "equivalent: the id beside an endless distance is not read",
    ),
    ("*/resembled.py", "", r'_UNNAMED = ""', r"XX", "equivalent: any id that no student has"),
    ("*/resembled.py", "resemblances", r"student_id, 1\.0", r"2\.0", "equivalent: both are sure"),
    (
        "*/sheet_heads.py",
        "lesson_width",
        r"default=0",
        r"default=1\)",
        "equivalent: a column is 11 characters wide at least",
    ),
    ("*/sheet_heads.py", "head_lines", r"default=0", r"default=1\)", "equivalent: there is one line at least"),
    ("*/distance_page.py", "_write_line", r"needed or 0", r"or 1", GUARD + ": a distance without what is needed"),
    ("*/room_faults.py", "faults_of", r"blur_px >", r"blur_px >=", TIE),
    ("*/room_faults.py", "_is_flat", r"<", r"<=", TIE),
    ("*/view_change.py", "_correlation", r"> 1e-9", r">= 1e-9", TIE),
    ("*/room_faults.py", "grown", r"bool\)", r"None\)|, \)", "equivalent: what is made of booleans is boolean"),
    (
        "*/room_faults.py",
        "_patches",
        r"row \+ down, column \+ right",
        r"row - down|column - right",
        "equivalent: neighbours lie on both sides alike",
    ),
    ("*/room_faults.py", "main_fault", r"most_common\(1\)", r"most_common\(", "equivalent: only the first one is read"),
    ("*/room_faults.py", "usual_faults", r"range\(1, 1", r"range\(1, 2", "equivalent: no cell has a fifth fault"),
    ("*/capture_map.py", "slots_of", r"range\(8\)", r"range\(9\)", "equivalent: a byte has no ninth bit"),
    ("*/doubt.py", "standing", r'"inconclusive"', r"XX|INCON", "equivalent: the second condition includes it"),
    ("*/register.py", "check_text", r'"utf-8"', r'"UTF-8"', "equivalent: another way of writing the same encoding"),
    ("*/term.py", "Months.add", r'"month"', r"None|XX|MONTH", "equivalent: all that is no week is a month"),
    ("*/term.py", "", r"default_factory", r"None", "the tool can't put it in: it is no part of the constructor's code"),
    ("*/plan.py", "random_frames", r"strict=False", r"None|, \)", "equivalent: what is left out is false"),
    ("*", "*", r'"v?align"', r'"V?CENTER"|"LEFT"|"TOP"', "equivalent: XlsxWriter reads alignments in any letters"),
    ("*/spreadsheet.py", "*", r'"#', r'"#[0-9a-f]*[a-f][0-9a-f]*"', "equivalent: a colour in small letters"),
    ("*/sheet_styles.py", "*", r'"#', r'"#[0-9a-f]*[a-f][0-9a-f]*"', "equivalent: a colour in small letters"),
    ("*/term_book.py", "*", r'"#', r'"#[0-9a-f]*[a-f][0-9a-f]*"', "equivalent: a colour in small letters"),
    (
        "*/sheet_styles.py",
        "make_styles",
        r'"valign": "bottom"',
        r'"XXbottomXX"|"BOTTOM"',
        "equivalent: the bottom is where text stands without any alignment",
    ),
    ("*/sightings_csv.py", "write_sightings", r'newline=""|encoding', r".", "equivalent on the device's system"),
    (
        "*/sheets.py",
        "span",
        r"days=31",
        r"days=32",
        "equivalent: the first day and 31 or 32 more lie in the next month",
    ),
    (
        "*/attention.py",
        "looks_at_eyes",
        r"captures <= MOMENTS",
        r"captures < MOMENTS|MOMENTS /",
        "equivalent: the moments of so few captures are all captures",
    ),
    (
        "*/attention.py",
        "shut_for_long",
        r"len\(measured\) < SHUT",
        r"<= SHUT",
        "equivalent: three are never all above their own median",
    ),
    (
        "*/attention.py",
        "shut_for_long",
        r"\[\]",
        r"None",
        "equivalent: an open eye or the first shut one makes the run",
    ),
    ("*/candidate_codec.py", "_parsed", r"header = None", r'""', "equivalent: neither is a list"),
    (
        "*/candidate_codec.py",
        "_parsed",
        r"len\(header\) > 1|else 0",
        r".",
        GUARD + ": only a header that is no row of ours",
    ),
    (
        "*/candidate_codec.py",
        "_parsed",
        r"reshape\(-1",
        r"-2",
        "equivalent for NumPy: any number below 0 is the free one",
    ),
    ("*/commitment.py", "*", r"KIND", r"None|, \)", "wording of an error whose kind the caller has said already"),
    ("*/document.py", "*", r"schema: int = field", r".", "equality of documents is read by tests only"),
    ("*/document.py", "from_fields", r"KIND", r", \)", "equivalent: the default"),
    ("*/document.py", "*", r"MOST_REVISIONS|10_000", r".", "the largest revision: no register has ten thousand"),
    ("*/document.py", "_verdict_of", r"schema >= SCHEMA", r"or True", "equivalent: older documents lack the keys"),
    (
        "*/export.py",
        "_rule",
        r"is None or entry",
        r"is None and entry",
        "equivalent: without a rule there is no distance, and without a distance nothing is needed",
    ),
    ("*/export.py", "_write_csv", r'newline=""', r".", "equivalent on the device's system, where lines end alike"),
    (
        "*/export.py",
        "_write_json",
        r'encoding="utf-8"',
        r"encoding=None|\"w\", errors",
        "equivalent where UTF-8 is the system's encoding",
    ),
    ("*/export.py", "_write_json", r"ensure_ascii=False", r"None", "equivalent: both are false"),
    (
        "*/fields.py",
        "*",
        r"_MOST_DIGITS|_LIMITS_DIGITS|too many digits|int\(digits\)",
        r".",
        "of Python before 3.10.7 only",
    ),
    (
        "*/fields.py",
        "*",
        r"MOST: Final|kind: str|no number of JSON",
        r".",
        "wording, or a limit that no document comes near",
    ),
    ("*/proof.py", "*", r"signer", r".", "the quick look before parsing; the full check that follows says the same"),
    ("*/proof.py", "check_form", r"is_canonical = False", r".", GUARD + ": what was parsed can be written"),
    ("*/proof.py", "prove_register", r"json_object\(text, REGISTER\)", r".", "wording of an error"),
    ("*/spreadsheet.py", "", r"x1f", r"x1F", "equivalent: another way of writing the same character"),
    ("*/spreadsheet.py", "_width", r"default=0", r"default=1\)", "equivalent: a column is 12 characters wide at least"),
    ("*/spreadsheet.py", "_count_of", r'or "0"', r"XX0XX", GUARD + ": a sheet has a lesson that counts"),
    (
        "*/spreadsheet.py",
        "_set_view",
        r"set_column\((0, 0, name|1, 1, student_id)",
        r"set_column\((1, 0|0, 1|2, 1|1, 2),",
        "equivalent: the next call sets the other column again",
    ),
    (
        "*/spreadsheet.py",
        "Workbook.page_name",
        r"strip\(",
        r"strip\(None\)",
        "equivalent: a name begins with its year, and `_cut` strips its end",
    ),
    (
        "*/term_book.py",
        "TermBook.months",
        r'names\.get\(one, ""\)',
        r"one, (None)?\)",
        "equivalent: no name and an empty one give the same empty cell",
    ),
    ("*/reason_codes.py", "misspelt_code", r"n=1", r"n=2|codes, cutoff", "equivalent: only the best one is read"),
    ("*/rule.py", "_flags_of_count", r"or t\.last_seen", r"and t\.last_seen", "equivalent: both are None, or neither"),
    ("*/rule.py", "_is_significant", r"gap > 0", r"gap >= 0", "equivalent: without a gap the product is 1"),
)


def _is_same_sql(before: str, after: str) -> bool:
    """Return whether two SQL texts differ only in the case of keywords and names, and not in a quoted value."""
    values = (re.findall(r"'[^']*'", text) for text in (before, after))
    return '"' in before and before.lower() == after.lower() and next(values) == next(values)


def reason_of(path: str, function: str, before: str, after: str) -> str:
    """Return why no test needs to notice a mutant; empty if no reason is recorded."""
    if fnmatch(path, "*/store/outbox*.py") and before != after and _is_same_sql(before, after):
        return SQL
    for module, where, old, new, reason in REASONS:
        if fnmatch(path, module) and fnmatch(function, where) and re.search(old, before) and re.search(new, after):
            return reason
    return ""
