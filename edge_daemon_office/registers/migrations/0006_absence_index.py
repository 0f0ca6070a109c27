"""PostgreSQL: an index of the absences of a day, which *Today* and the alerts read.

Without the index they read all marks of the day. SQLite gets no such index. It uses an index with a condition only if
the query has the same condition as plain text.
"""

from django.db import migrations

from edge_daemon_office.registers.partitions import TABLE

_CREATE = f"CREATE INDEX mark_absence ON {TABLE} (school, day, start) WHERE standing = 'absent' AND is_counted"


def add(_apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_CREATE)


def remove(_apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX mark_absence")


class Migration(migrations.Migration):
    dependencies = [("registers", "0005_mark_partitions")]
    operations = [migrations.RunPython(add, remove)]
