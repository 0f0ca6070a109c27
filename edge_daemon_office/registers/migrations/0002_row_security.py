"""PostgreSQL: every table with a school shows a connection the rows of its school only (edge_daemon_office/scope.py)."""

from django.db import migrations

TABLES = (
    *("registers_lesson", "registers_mark", "registers_daytally", "registers_revision", "registers_signedchange"),
    *("registers_commitment", "registers_promise", "registers_heartbeat", "registers_problem", "registers_source"),
    *("registers_student", "decisions_decision", "decisions_excuse", "decisions_publication", "people_activity"),
)
_OWN = "school = current_setting('office.school', true)"


def secure(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            schema_editor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            schema_editor.execute(f"CREATE POLICY own_school ON {table} USING ({_OWN}) WITH CHECK ({_OWN})")


def open_again(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"DROP POLICY own_school ON {table}")
            schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            schema_editor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


class Migration(migrations.Migration):
    dependencies = [("registers", "0001_initial"), ("people", "0001_initial"), ("decisions", "0001_initial")]
    operations = [migrations.RunPython(secure, open_again)]
