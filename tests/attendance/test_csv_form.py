from __future__ import annotations

import io

import pytest

from edge_daemon.attendance.csv_form import CsvForm, form_of, write_rows
from edge_daemon.errors import RegisterError


@pytest.mark.parametrize(
    ("locale", "delimiter", "decimal"),
    [
        *(("de", ";", ","), ("de-AT", ";", ","), ("de_DE.UTF-8", ";", ","), ("DE", ";", ","), ("fr_CA@euro", ";", ",")),
        *(("de-CH", ";", "."), ("it_CH", ";", "."), ("en", ",", "."), ("en-GB", ",", "."), ("en_ZA", ";", ",")),
        *(("es", ";", ","), ("es-MX", ",", "."), ("zh-Hans-CN", ",", "."), ("ar", ",", "."), ("pt-BR", ";", ",")),
    ],
)
def test_the_signs_of_a_language(locale, delimiter, decimal):
    assert form_of(locale) == CsvForm(delimiter, decimal)


@pytest.mark.parametrize("locale", ["", "xx", "deutsch", "C", "POSIX"])
def test_a_language_that_nobody_knows_is_refused_in_one_line(locale):
    with pytest.raises(RegisterError) as error:
        form_of(locale)
    assert error.value.line() == (f"--locale {locale}: is not a known language; use one such as de, fr-CA or en")


def test_only_numbers_get_a_decimal_comma_and_a_text_with_the_sign_gets_quotes():
    file = io.StringIO()
    write_rows(file, form_of("de"), [("1.5 hours", 0.41, -3, "a;b", "a,b")])
    assert file.getvalue() == '1.5 hours;0,4100;-3;"a;b";a,b\r\n'
    file = io.StringIO()
    write_rows(file, CsvForm(), [("1.5 hours", 0.41, -3, "a;b", "a,b")])
    assert file.getvalue() == '1.5 hours,0.4100,-3,a;b,"a,b"\r\n'
