"""Adds the lines of the page Ed-Fi. PostgreSQL shows a connection only the lines of its own school."""

from django.db import migrations, models

from edge_daemon_office.registers.row_security import open_again, secure

TABLES = ("interfaces_coursesection",)


class Migration(migrations.Migration):
    dependencies = [("interfaces", "0002_row_security")]
    operations = [
        migrations.CreateModel(
            name="CourseSection",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "school", "line_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("school", models.CharField(max_length=40)),
                ("line_id", models.CharField(max_length=16)),
                ("course", models.CharField(max_length=200)),
                ("local_course_code", models.CharField(max_length=60)),
                ("section_identifier", models.CharField(max_length=255)),
                ("session_name", models.CharField(max_length=60)),
                ("school_year", models.IntegerField()),
                ("class_period", models.CharField(blank=True, help_text="Empty: events have none.", max_length=60)),
                ("weekday", models.CharField(blank=True, help_text="Such as mon; empty: any.", max_length=3)),
                (
                    "start",
                    models.CharField(blank=True, help_text="Such as 08:00, at the school; empty: any.", max_length=5),
                ),
                ("first_day", models.DateField(help_text="Null: from the beginning.", null=True)),
                ("last_day", models.DateField(help_text="Null: without an end.", null=True)),
            ],
            options={"indexes": [models.Index(fields=["school", "course"], name="section_course")]},
        ),
        migrations.RunPython(
            lambda _apps, schema_editor: secure(schema_editor, TABLES),
            lambda _apps, schema_editor: open_again(schema_editor, TABLES),
        ),
    ]
