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


COMMA = (
    "bg bs ca cs da de el es et eu fi fr gl hr hu id is it kk lt lv mk nb nl nn no pl pt ro ru sk sl sq sr sv tr uk vi"
)
POINT = "ar bn cy en fa ga he hi ja km ko lo ms mt my si sw ta th tl ur zh"


def test_the_languages_that_write_a_comma_and_those_that_write_a_point():
    assert {one: form_of(one) for one in COMMA.split()} == dict.fromkeys(COMMA.split(), CsvForm(";", ","))
    assert {one: form_of(one) for one in POINT.split()} == dict.fromkeys(POINT.split(), CsvForm(",", "."))


@pytest.mark.parametrize(
    ("locales", "form"),
    [
        ("de-CH de_LI de_CH@euro it-CH", CsvForm(";", ".")),
        ("en-ZA", CsvForm(";", ",")),
        ("es-DO es-GT es-HN es_MX.UTF-8 es-NI es-PA es-PE es-PR es-SV es-US", CsvForm(",", ".")),
        ("fr-CH es-ES es-AR es-CL en-US", None),
    ],
)
def test_a_country_may_differ_from_its_language(locales, form):
    for locale in locales.split():
        assert form_of(locale) == (form or form_of(locale[:2]))


@pytest.mark.parametrize("locale", ["", "xx", "deutsch", "C", "POSIX"])
def test_an_unknown_language_is_refused_in_one_line(locale):
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
