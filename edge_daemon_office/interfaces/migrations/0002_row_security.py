"""PostgreSQL: tokens and events are seen by connections of their school only."""

from django.db import migrations

from edge_daemon_office.registers.row_security import open_again, secure

TABLES = ("interfaces_apitoken", "interfaces_edfievent")


class Migration(migrations.Migration):
    dependencies = [("interfaces", "0001_initial")]
    operations = [
        migrations.RunPython(
            lambda _apps, schema_editor: secure(schema_editor, TABLES),
            lambda _apps, schema_editor: open_again(schema_editor, TABLES),
        )
    ]
