"""Lists as offices and spreadsheets write them: read, with a remark for each guess, or refused with the row."""

from __future__ import annotations

import pytest

from edge_daemon.errors import RosterError
from edge_daemon.gallery.class_list.cells import one_address
from edge_daemon.gallery.class_list.columns import understood
from edge_daemon.gallery.class_list.decoding import decoded
from edge_daemon.gallery.class_list.student_ids import damage, lost_zeros, maybe_lost_zeros
from edge_daemon.gallery.pulled_roster import parse_pulled_roster
from edge_daemon.gallery.roster import Roster, read_names, read_roster

HEADER = "student_id,name,email,guardian_email,consent\n"
PLAIN = HEADER + "S1,Zoë Müßig,z@x.example,,yes\nS2,Bo Ångström,b@x.example,p@x.example,no\n"


@pytest.fixture
def read(tmp_path):
    def roster_of(content: str | bytes) -> Roster:
        path = tmp_path / "roster.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_roster(path)

    return roster_of


def names(roster: Roster) -> dict[str, str]:
    return {row.student.student_id: row.student.name for row in roster.rows}


def remarks_of(roster: Roster) -> str:
    return "\n".join(map(str, roster.remarks))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (PLAIN.encode(), ""),
        (b"\xef\xbb\xbf" * 2 + PLAIN.encode(), ""),
        (PLAIN.replace("\n", "\r").encode(), ""),
        (PLAIN.replace("\n", "\n\r").encode(), ""),
        (PLAIN.encode() + b"\x1a", ""),
        (PLAIN.encode("utf-16"), "read as UTF-16"),
        (PLAIN.encode("utf-16-be"), "read as UTF-16"),
        (PLAIN.encode("utf-16-le"), "read as UTF-16"),
        (PLAIN.encode("cp1252"), "read as Windows-1252 by guess: 'S1,Zoë Müßig,"),
        (PLAIN.encode("mac_roman"), "read as Mac Roman by guess"),
        (PLAIN.encode("cp850"), "read as MS-DOS (850) by guess"),
        (PLAIN.replace(",", ";").encode(), "separated by ';'"),
        (PLAIN.replace(",", "\t").encode(), "separated by a tab"),
        (PLAIN.replace(",", "|").encode(), "separated by '|'"),
        (b"sep=,\r\n" + PLAIN.encode(), ""),
        (b"sep=;\r\n" + PLAIN.replace(",", ";").encode(), "separated by ';'"),
        (b"sep=\t\r\n" + PLAIN.replace(",", "\t").encode(), "separated by a tab"),
        (b'"sep=;"\r\n' + PLAIN.replace(",", ";").encode(), "separated by ';'"),
        (("Class 7a\n\nTerm 1;;;\n" + PLAIN).encode(), "above the header on line 4 is left out"),
        ((PLAIN + "\nTotal: 2 students\n").encode(), "line 5: is not a student"),
        ((PLAIN.replace("S2", HEADER.strip() + "\nS2", 1)).encode(), "the header is repeated"),
        (b"# exported by the SIS\r\n" + PLAIN.encode(), "above the header on line 2"),
        ((PLAIN + "Summe,2,,,\n").encode(), "line 4: is not a student"),
        ((PLAIN + ",,,,\n---\n").encode(), "line 5: is not a student"),
    ],
)
def test_every_form_of_the_same_list_gives_the_same_students(read, content, word):
    roster = read(content)
    assert names(roster) == {"S1": "Zoë Müßig", "S2": "Bo Ångström"}
    assert [row.student.consent for row in roster.rows] == [True, False]
    assert roster.rows[1].student.guardian_email == "p@x.example"
    assert roster.left_out == ()
    assert word in remarks_of(roster)
    assert bool(word) == bool(roster.remarks)


def test_one_line_of_another_encoding_damages_no_other_line(read):
    roster = read(HEADER.encode() + "S1,Zoë,,,yes\n".encode() + "S2,Jörg,,,yes\n".encode("cp1252"))
    assert names(roster) == {"S1": "Zoë", "S2": "Jörg"}
    assert "'S2,Jörg,,,yes'" in remarks_of(roster)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("René,François,Žofie,Élodie Lefèvre", "cp1252"),
        ("Łukasz Żółć,Michał Dąbrowski", "cp1250"),
        ("Jürgen Groß,Änne Öztürk", "mac_roman"),
        ("José Muñoz,Núria Peñalver", "cp850"),
        ("José Muñoz,Núria Peñalver", "mac_roman"),
        ("Søren Kjær,Åse Bjørnstad", "cp1252"),
    ],
)
def test_the_code_page_is_the_one_that_makes_names(text, code):
    assert decoded(text.encode(code))[0] == text


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("Schüler-ID;Name;E-Mail;E-Mail der Eltern;Einwilligung", "'Einwilligung' is consent"),
        ("Matrikelnummer;Nachname, Vorname;E-Mail-Adresse;Erziehungsberechtigte E-Mail;Einverständnis", "Matrikel"),
        ("Identifiant élève;Nom complet;Courriel;Courriel des parents;Consentement", "'Courriel' is email"),
        ("Numéro d'élève;Élève;Adresse e-mail;Courriel du responsable légal;Autorisation", "Autorisation"),
        ("N° matrícula;Nombre y apellidos;Correo electrónico;Correo del tutor;Consentimiento", "Correo del tutor"),
        ("Student ID;Full Name;E-mail address;Parent Email;Consent given", "'Parent Email' is guardian_email"),
        ("student id; name ;EMAIL;Guardian-Email; Consent ", "'student id' is student_id"),
        ("ID;Name;Mail;Eltern-Mail;Zustimmung", "'ID' is student_id"),
    ],
)
def test_headers_in_four_languages(read, header, word):
    if "matrícula" in header:
        header = header.replace("N° matrícula", "Número de matrícula")
    roster = read(f"{header}\nS1;Ann Lee;a@x.example;p@x.example;ja\n")
    (row,) = roster.rows
    student = row.student
    assert (student.student_id, student.name, student.email, student.guardian_email, student.consent) == (
        "S1", "Ann Lee", "a@x.example", "p@x.example", True,
    )  # fmt: skip
    assert word in remarks_of(roster)


@pytest.mark.parametrize("header", ["Vorname;Nachname", "Prénom;Nom", "First name;Last name", "Nombre;Apellidos"])
def test_a_name_in_two_columns_is_put_together(read, header):
    roster = read(f"ID;{header};E-Mail;Parent email;Consent\nS1;Ann;Lee;;;x\n")
    assert names(roster) == {"S1": "Ann Lee"}
    assert roster.rows[0].extra == {}


def test_name_beside_vorname_is_the_family_name(read):
    assert names(read("Schüler-Nr.;Name;Vorname;E-Mail;Eltern-E-Mail;Einwilligung\nS1;Lee;Ann;;;ja\n")) == {
        "S1": "Ann Lee"
    }


def test_a_list_with_our_own_names_keeps_every_other_column_as_it_is(read):
    roster = read("student_id,name,email,guardian_email,consent,Vorname,Klasse,ID\nS1,Ann Lee,,,yes,Ann,7a,9\n")
    assert roster.rows[0].extra == {"Vorname": "Ann", "Klasse": "7a", "ID": "9"}
    assert roster.rows[0].student.name == "Ann Lee"
    assert roster.remarks == ()


def test_a_class_is_no_course_for_a_lesson_of_another_name_would_lose_the_student(read):
    roster = read("Schüler-ID;Name;E-Mail;Eltern-E-Mail;Einwilligung;Klasse;Kurse\nS1;Ann;;;ja;7a;Kunst\n")
    assert roster.rows[0].student.courses == ("Kunst",)
    assert roster.rows[0].extra == {"Klasse": "7a"}


def test_two_columns_that_may_both_be_the_id_are_a_question():
    columns = understood(["Matrikelnummer", "Schüler-ID", "Name", "Email", "Eltern-Mail", "Einwilligung"])
    assert "'Matrikelnummer' and 'Schüler-ID' may both be the student_id" in columns.unclear


def test_missing_columns_are_named_with_our_names(read):
    with pytest.raises(RosterError, match="the columns guardian_email, consent are missing"):
        read("Schüler-ID;Name;E-Mail\nS1;Ann;a@x.example\n")


@pytest.mark.parametrize("word", ["ja", "OUI", "WAHR", "Verdadero", "VRAI", "Sí", "x", "X", "1", "✓"])
def test_words_for_yes(read, word):
    assert read(f"{HEADER}S1,Ann,,,{word}\n").rows[0].student.consent


@pytest.mark.parametrize("word", ["nein", "NON", "FALSCH", "falso", "Faux", "0", "-", "no", "☐"])
def test_words_for_no(read, word):
    assert not read(f"{HEADER}S1,Ann,,,{word}\n").rows[0].student.consent


@pytest.mark.parametrize("word", ["✗", "vielleicht", "n/a", "?", "pending"])
def test_a_word_that_is_neither_refuses_the_list(read, word):
    with pytest.raises(RosterError, match="line 2: consent is"):
        read(f"{HEADER}S1,Ann,,,{word}\nS2,Bo,,,yes\n")


def test_cells_that_excel_dropped_at_the_end_are_empty_and_no_consent(read):
    roster = read(HEADER + "S1,Ann,a@x.example,,yes\nS2,Ben,b@x.example\nS3\nS4,Di,d@x.example,,yes,,,\n")
    assert {row.student.student_id: row.student.consent for row in roster.rows} == {
        "S1": True, "S2": False, "S3": False, "S4": True,
    }  # fmt: skip
    assert "cells are missing at the end of lines 3, 4" in remarks_of(roster)


def test_a_row_whose_cells_are_shifted_is_left_out_and_named(read):
    roster = read(HEADER + "S1,Ann,,yes\nS2,Lee, Ben,b@x.example,,yes\nS3,Cat,c@x.example,,yes\n")
    assert list(names(roster)) == ["S3"]
    assert [str(one) for one in roster.left_out] == [
        "line 2: 4 fields where the header has 5",
        "line 3: 6 fields where the header has 5",
    ]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ('S1, "Lee, Ann",a@x.example,,yes', "Lee, Ann"),
        ('S1,"Lee, Ann" ,a@x.example,,yes', "Lee, Ann"),
        (r'S1,"Ann \"Nan\" Lee",a@x.example,,yes', 'Ann "Nan" Lee'),
        ('S1,"Ann ""Nan"" Lee",a@x.example,,yes', 'Ann "Nan" Lee'),
        ('S1,Ann "Nan" Lee,a@x.example,,yes', 'Ann "Nan" Lee'),
        ('S1,"Ann\r\nLee",a@x.example,,yes', "Ann Lee"),
        ("S1,Ann\tLee,a@x.example,,yes", "Ann Lee"),
    ],
)
def test_quotation_marks_and_line_breaks_as_programs_write_them(read, row, name):
    roster = read(f"{HEADER}{row}\nS2,Bo,,,yes\n")
    assert names(roster) == {"S1": name, "S2": "Bo"}
    assert roster.rows[0].student.email == "a@x.example"


def test_a_quotation_mark_that_is_never_closed_costs_its_own_line_only(read):
    roster = read(HEADER + 'S1,Ann,,,yes\n"S2,Ben,,,yes\nS3,Cat,,,yes\nS4,"Di,,,yes\nS5,Ed,,,yes\nS6,"Flo,,,yes\n')
    assert list(names(roster)) == ["S1", "S3", "S5"]
    assert [one.line for one in roster.left_out] == [3, 5, 7]


@pytest.mark.parametrize(
    "student_id",
    ["2.0261E+11", "2,0261E+11", "1E+05", '="00123"', "=00123", "03/07/2026", "3.7.26", "2026-07-03", "2026/7/3",
     "2026.07.03", "07-Mar",
     "Mär 26", "2026-07-03 00:00:00", "#NAME?", "#BEZUG!", "####", "12345.0", "1234567890123450000", "\u200bS1",
     "S1\ufeff", "S\u00ad1", "S\u00a01", "S\ufffd1", "GrÃ¶ÃŸe"],
)  # fmt: skip
def test_ids_that_a_spreadsheet_damaged_are_named_at_their_row_and_enrol_no_student(read, student_id):
    assert damage(student_id)
    quoted = student_id.replace('"', '""')
    roster = read(f'{HEADER}"{quoted}",Ann,a@x.example,,yes\nS9,Bo,,,yes\n')
    assert list(names(roster)) == ["S9"]
    (left_out,) = roster.left_out
    assert left_out.line == 2
    assert "student_id" in left_out.text


@pytest.mark.parametrize(
    "student_id",
    ["S1", "00123", "202612345678", "123456789012345", "7/2026", "2026/17", "2026/13/031", "7E1", "1E5",
     "u@school.example", "Größe.9", "{0A1B-CD}", "x" * 300, "a b", "12.345.678-9",
     "March", "May", "😀👩‍👧", "نی‌نا", "12345678901234567", "10.5"],
)  # fmt: skip
def test_ids_of_real_schools_are_not_taken_for_damage(student_id):
    assert damage(student_id) == ""


def test_ids_that_lost_zeros_show_beside_those_that_kept_them(read):
    roster = read(HEADER + "00123,A,,,yes\n124,B,,,yes\n01250,C,,,yes\n98765,D,,,yes\n")
    assert list(names(roster)) == ["00123", "01250", "98765"]
    assert str(roster.left_out[0]) == "line 3: the student_id '124' lost zeros in front: '00124'?"


def test_lost_zeros_need_a_witness():
    assert lost_zeros(["1", "12", "123"]) == {}
    assert lost_zeros(["123", "S1"], padded=["00123", "00999"]) == {"123": "00123"}
    assert lost_zeros(["123", "00123"], padded=["00123"]) == {"123": "00123"}  # by those of the list
    assert lost_zeros(["01", "001", "7"]) == {}
    assert lost_zeros(["007", *map(str, range(10, 40))]) == {}, "one odd id says nothing of thirty"
    assert lost_zeros(["123"], padded=["00123", "123"]) == {}, "it is enrolled as it is"
    assert maybe_lost_zeros(["123456", "234567", "345678", "456789", "98765"]) == ("98765",)
    assert maybe_lost_zeros([str(n) for n in range(995, 1005)]) == ()


def test_the_same_student_in_several_rows_has_all_courses(read):
    roster = read(HEADER.replace("\n", ",courses\n") + "S1,Ann,,,yes,Art\nS2,Bo,,,yes,Art\nS1,Ann,,,yes,Maths\n")
    assert [row.student.courses for row in roster.rows] == [("Art", "Maths"), ("Art",)]
    assert "line 4: student_id 'S1' is already on line 2 with the same cells" in remarks_of(roster)


def test_ids_that_differ_in_capitals_alone_are_remarked_on(read):
    roster = read(HEADER + "s1,Ann,,,yes\nS1,Bo,,,yes\n")
    assert list(names(roster)) == ["s1", "S1"]
    assert "line 3: the student_ids 's1' and 'S1' differ only in capitals" in remarks_of(roster)


@pytest.mark.parametrize(
    ("cell", "address", "word"),
    [
        ("a@x.example", "a@x.example", ""),
        ("", "", ""),
        ("a@x.example; b@x.example", "a@x.example", "has 2 mail addresses"),
        ("a@x.example,b@x.example,c@x.example", "a@x.example", "has 3 mail addresses"),
        ("a@x.example\nb@x.example", "a@x.example", "has 2 mail addresses"),
        ("a@x.example / b@x.example", "a@x.example", "has 2 mail addresses"),
        ("Ann Lee <a@x.example>", "a@x.example", "is read as 'a@x.example'"),
        ("Ann <a@x.example>; Bo <b@x.example>", "a@x.example", "has 2 mail addresses"),
        ("mailto:a@x.example", "a@x.example", "is read as"),
        ("a@x.example;", "a@x.example", "is read as"),
        ("not an address", "", "is not one mail address"),
        ("a@b@c", "", "is not one mail address"),
        ("a@x.example; nobody", "", "is not one mail address"),
    ],
)
def test_mail_addresses_of_a_cell(cell, address, word):
    found, odd = one_address(cell)
    assert found == address
    assert word in odd
    assert bool(word) == bool(odd)


def test_a_bad_address_costs_the_address_and_not_the_student(read):
    roster = read(f'{HEADER}S1,Ann,not an address,"p@x.example; q@x.example",yes\n')
    (row,) = roster.rows
    assert (row.student.email, row.student.guardian_email) == ("", "p@x.example")
    assert "line 2: the email is not one mail address" in remarks_of(roster)
    assert "line 2: the guardian_email has 2 mail addresses; the first one is used" in remarks_of(roster)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("=A2,Al,,,yes", "the student_id is a formula ('=A2')"),
        ("＝A2,Al,,,yes", "the student_id is a formula ('＝A2')"),
        ("=Sheet1!$A$2,Al,,,yes", "the student_id is a formula ('=Sheet1!$A$2')"),
        ("=VLOOKUP(A2;B:C;2),Al,,,yes", "the student_id is a formula ('=VLOOKUP(A2;B:C;2)')"),
        ("nan,nan,,,", "the student_id is what a program writes for an empty cell ('nan')"),
        ("Total,,,,28", "'Total' is a line of totals and no student"),
        ("Subtotal 7a,15,12,12,12", "'Subtotal 7a' is a line of totals and no student"),
    ],
)
def test_a_row_without_a_valid_id_is_left_out_and_named(read, row, words):
    roster = read(HEADER + f"S1,Al,,,yes\n{row}\nS2,Bo,,,yes\n")
    assert [str(one) for one in roster.left_out] == [f"line 3: {words}"]
    assert [one.student.student_id for one in roster.rows] == ["S1", "S2"]


@pytest.mark.parametrize("student_id", ["suma.patel", "suma_rao@school.in", "sum-01", "total.war", "Suma", "somme 1"])
def test_an_id_that_begins_like_a_line_of_totals_is_a_student(read, student_id):
    roster = read(HEADER + f"{student_id},Suma,,,yes\n")
    assert [one.student.student_id for one in roster.rows] == [student_id]
    assert not roster.left_out


def test_a_name_that_was_read_in_the_wrong_encoding_is_remarked_on(read):
    roster = read(HEADER + "S1,ZoÃ« MÃ¼ÃŸig,,,yes\n")
    assert "line 2: the name was saved in one encoding and read in another" in remarks_of(roster)


@pytest.mark.parametrize("content", ["<html><table>", "<!DOCTYPE html>", '<?xml version="1.0"?>'])
def test_a_web_page_under_the_name_of_a_list_is_called_so(read, content):
    with pytest.raises(RosterError, match="is a web page or XML"):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode("cp1252"),
        PLAIN.encode("utf-16"),
        PLAIN.replace(",", ";").encode(),
        b"sep=;\n" + PLAIN.replace(",", ";").encode(),
        (PLAIN + "Total: 2 students\n").encode(),
        (PLAIN + "2.0261E+11,Ann,,,yes\n").encode(),
        (PLAIN + "S3,Ann\n").encode(),
        (PLAIN + "S3,Ann,,,ja\n").encode(),
        (PLAIN + "S3,Ann,a@x.example;b@x.example,,yes\n").encode(),
        (PLAIN + '"S3,Ann,,,yes\n').encode(),
        PLAIN.replace("consent", "Einwilligung").encode(),
        b"Class 7a\n" + PLAIN.encode(),
    ],
)
def test_a_pulled_roster_is_never_guessed_at(content):
    with pytest.raises(RosterError) as caught:
        parse_pulled_roster(content)
    assert caught.value.line().startswith("roster.csv")
    assert [row.student.student_id for row in parse_pulled_roster(PLAIN.encode())] == ["S1", "S2"]


@pytest.mark.parametrize(
    "content",
    [
        "student_id,name\nS1,Ann\n",
        "Schüler-ID;Vorname;Nachname\nS1;Ann;\n",
        "name\tID\nAnn\tS1\n",
        "sep=;\nid;name\nS1;Ann",
    ],
)
@pytest.mark.parametrize("code", ["utf-8", "utf-16", "cp1252"])
def test_names_need_two_columns_only_in_any_form(tmp_path, content, code):
    path = tmp_path / "names.csv"
    path.write_bytes(content.encode(code))
    assert read_names(path) == {"S1": "Ann"}


def test_a_list_of_quotation_marks_is_read_in_no_time(read):
    """Each of them might be closed far below: what was read ahead is not read again for every line."""
    rows = "".join(f'S{n},"Name {n},,,yes\n' for n in range(20_000))
    with pytest.raises(RosterError, match=r"and 199\d\d more: lines \d\d-20001"):
        read(HEADER + rows)
