"""PostgreSQL: marks are partitioned by month and school. The columns stay; SQLite is unchanged."""

from django.db import migrations

from edge_daemon_office.registers.partitions import TABLE, create
from edge_daemon_office.registers.row_security import open_again, secure

_INDEXES = (
    f"CREATE INDEX mark_student ON {TABLE} (school, student_id, day)",
    f"CREATE INDEX mark_day ON {TABLE} (school, day, course)",
)
_KEY = f"ALTER TABLE {TABLE} ADD CONSTRAINT {TABLE}_pkey PRIMARY KEY (school, month, lesson_id, student_id)"


def _put_aside(schema_editor):
    """Rename the table, and remove its key and indexes, so that the new table can have their names."""
    open_again(schema_editor, [TABLE])  # a migration copies the rows of all schools
    schema_editor.execute(f"ALTER TABLE {TABLE} RENAME TO {TABLE}_before")
    schema_editor.execute(f"ALTER TABLE {TABLE}_before DROP CONSTRAINT {TABLE}_pkey")
    schema_editor.execute("DROP INDEX mark_student")
    schema_editor.execute("DROP INDEX mark_day")


def _take_over(schema_editor):
    """Copy the rows of the old table, and remove it."""
    schema_editor.execute(f"INSERT INTO {TABLE} SELECT * FROM {TABLE}_before")  # noqa: S608
    schema_editor.execute(f"DROP TABLE {TABLE}_before")
    schema_editor.execute(_KEY)
    for statement in _INDEXES:
        schema_editor.execute(statement)
    secure(schema_editor, [TABLE])


def divide(_apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    _put_aside(schema_editor)
    schema_editor.execute(f"CREATE TABLE {TABLE} (LIKE {TABLE}_before INCLUDING DEFAULTS) PARTITION BY LIST (month)")
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT month FROM {TABLE}_before ORDER BY month")  # noqa: S608
        months = [row[0] for row in cursor.fetchall()]
    for month in months:
        create(month, schema_editor.execute, schema_editor)
    _take_over(schema_editor)


def unite(_apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree(%s) WHERE level > 0", [TABLE])
        parts = [row[0] for row in cursor.fetchall()]
    open_again(schema_editor, parts)
    _put_aside(schema_editor)
    schema_editor.execute(f"CREATE TABLE {TABLE} (LIKE {TABLE}_before INCLUDING DEFAULTS)")
    _take_over(schema_editor)


class Migration(migrations.Migration):
    dependencies = [("registers", "0004_room_listing")]
    operations = [migrations.RunPython(divide, unite)]
