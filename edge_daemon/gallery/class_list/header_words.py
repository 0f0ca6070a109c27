"""Column names that offices use in class lists, in English, German, French and Spanish."""

from __future__ import annotations

from typing import Final

# In the form of `columns.plain`: lower case without accents, words separated by one blank.
_WORDS: Final = {
    "student_id": (
        "student id", "student number", "student no", "student nr", "pupil id", "pupil number", "learner id", "sis id",
        "school id",
        "schuler id", "schulerid", "schuler nr", "schulernummer", "schuelernummer", "schueler id", "schueler nr",
        "schulerin nr", "matrikelnummer", "matrikelnr", "matrikel nr", "kennnummer", "ausweisnummer",
        "id eleve", "identifiant eleve", "numero eleve", "numero d eleve", "no eleve", "numero etudiant",
        "numero d etudiant", "identifiant etudiant", "matricule", "ine", "identifiant national",
        "id alumno", "id alumna", "id estudiante", "numero de alumno", "numero de estudiante", "numero de matricula",
        "matricula", "expediente", "numero de expediente", "codigo de alumno", "codigo alumno", "codigo estudiante",
    ),
    "name": (
        "student name", "pupil name", "full name", "display name", "last name first name",
        "schulername", "schuelername", "schuler", "schueler", "schulerin", "vollstandiger name", "vor und nachname",
        "nachname vorname", "name vorname", "vorname nachname",
        "nom complet", "nom et prenom", "nom prenom", "prenom nom", "prenom et nom", "eleve", "etudiant",
        "nombre completo", "nombre y apellidos", "apellidos y nombre", "apellidos nombre", "nombre apellidos", "alumno",
        "alumna", "estudiante",
    ),
    "given_name": (
        "first name", "firstname", "given name", "givenname", "forename", "vorname", "rufname", "prenom", "nombre",
        "nombres", "nombre de pila",
    ),
    "family_name": (
        "last name", "lastname", "surname", "family name", "familyname", "nachname", "familienname", "zuname", "nom",
        "nom de famille", "apellido", "apellidos", "primer apellido",
    ),
    "email": (
        "e mail", "mail", "email address", "e mail address", "mail address", "student email", "student e mail",
        "school email",
        "e mail adresse", "email adresse", "mailadresse", "mail adresse", "e mail schuler", "schuler e mail",
        "schuler mail", "e mail schueler", "schueler e mail",
        "courriel", "mel", "adresse e mail", "adresse email", "adresse mail", "adresse electronique", "courriel eleve",
        "e mail eleve", "email eleve", "mail eleve", "courriel de l eleve",
        "correo", "correo electronico", "correo alumno", "correo del alumno", "correo electronico del alumno",
        "email alumno", "correo institucional",
    ),
    "guardian_email": (
        "guardian email", "guardian e mail", "guardian mail", "parent email", "parent e mail", "parents email",
        "parents e mail", "parent guardian email", "email parents", "email guardian", "carer email",
        "e mail eltern", "email eltern", "mail eltern", "eltern e mail", "eltern email", "eltern mail",
        "e mail der eltern", "mail der eltern", "e mail erziehungsberechtigte", "e mail erziehungsberechtigter",
        "e mail der erziehungsberechtigten", "erziehungsberechtigte e mail", "email erziehungsberechtigte",
        "e mail sorgeberechtigte", "sorgeberechtigte e mail", "e mail der sorgeberechtigten",
        "courriel parents", "courriel des parents", "courriel parent", "e mail parents", "email parent", "mail parents",
        "mail parent", "e mail parent", "courriel responsable", "courriel du responsable",
        "courriel responsable legal", "courriel du responsable legal", "email responsable", "e mail responsable",
        "mail responsable", "mel responsable", "courriel du tuteur", "courriel tuteur",
        "correo padres", "correo de los padres", "correo tutor", "correo del tutor", "correo electronico del tutor",
        "correo electronico tutor", "correo electronico de los padres", "correo familia", "correo de la familia",
        "email padres", "email tutor", "e mail tutor", "correo tutor legal", "correo del tutor legal",
    ),
    "consent": (
        "consent given", "consents", "agreed", "agreement", "biometric consent", "face consent",
        "einwilligung", "einverstandnis", "einverstandniserklarung", "zustimmung", "einwilligung liegt vor",
        "einwilligung erteilt",
        "consentement", "accord", "autorisation", "consentement donne",
        "consentimiento", "autorizacion", "conformidad", "acuerdo",
    ),
    "teacher_email": (
        "teacher e mail", "teacher mail", "teachers email", "email teacher", "instructor email",
        "e mail lehrkraft", "lehrkraft e mail", "e mail lehrer", "lehrer e mail", "lehrer email", "lehrkraft email",
        "courriel enseignant", "courriel de l enseignant", "e mail enseignant", "email enseignant", "mel enseignant",
        "courriel professeur", "correo profesor", "correo del profesor", "email profesor", "correo docente",
    ),
    "courses": ("course list", "kurse", "cours", "cursos", "asignaturas"),
}  # fmt: skip
HEADER_WORDS: Final = {word: field for field, words in _WORDS.items() for word in words}

LAST_RESORT: Final = {
    **dict.fromkeys(("id", "nr", "no", "number", "nummer", "numero", "num", "identifier", "identifiant"), "student_id"),
    **dict.fromkeys(("identificador", "kennung"), "student_id"),
}
"""Words that apply only if no other column has the meaning."""
FOOTERS: Final = (
    "total", "sum", "count", "records", "rows", "end", "exported", "generated", "printed", "page", "source", "report",
    "summe", "gesamt", "gesamtzahl", "anzahl", "stand", "erstellt", "exportiert", "seite", "ende", "gedruckt", "datum",
    "somme", "nombre", "effectif", "exporte", "imprime", "fin", "edite",
    "numero", "suma", "exportado", "generado", "impreso", "pagina", "fecha",
)  # fmt: skip
"""First words of lines that follow a list and do not name students."""
