"""Adds a number to each revision: the order of arrival, in which the read API lists changes."""

from django.db import migrations, models


def number(_apps, schema_editor):
    """Number the existing revisions of each school in the order in which they were found."""
    is_secured = schema_editor.connection.vendor == "postgresql"
    if is_secured:  # the owner sees all schools' rows while the policy is not forced
        schema_editor.execute("ALTER TABLE registers_revision NO FORCE ROW LEVEL SECURITY")
    schema_editor.execute(
        "UPDATE registers_revision SET arrival = numbered.place FROM ("
        "SELECT school, lesson_id, revision, row_number() OVER "
        "(PARTITION BY school ORDER BY found_at, lesson_id, revision) AS place FROM registers_revision) AS numbered "
        "WHERE registers_revision.school = numbered.school AND registers_revision.lesson_id = numbered.lesson_id "
        "AND registers_revision.revision = numbered.revision"
    )
    if is_secured:
        schema_editor.execute("ALTER TABLE registers_revision FORCE ROW LEVEL SECURITY")


class Migration(migrations.Migration):
    dependencies = [("registers", "0002_row_security")]
    operations = [
        migrations.AddField(
            model_name="revision",
            name="arrival",
            field=models.BigIntegerField(
                default=0, help_text="Order in which revisions became visible; microseconds of 1970 or more."
            ),
            preserve_default=False,
        ),
        migrations.RunPython(number, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="revision",
            constraint=models.UniqueConstraint(fields=("school", "arrival"), name="revision_arrival"),
        ),
    ]
