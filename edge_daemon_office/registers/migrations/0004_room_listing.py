"""Adds the table that records when each device's folder was listed as a whole. Later runs read the day indexes."""

from django.db import migrations, models

from edge_daemon_office.registers.row_security import open_again, secure

TABLES = ("registers_roomlisting",)


class Migration(migrations.Migration):
    dependencies = [("registers", "0003_revision_arrival")]
    operations = [
        migrations.CreateModel(
            name="RoomListing",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "school", "folder", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("school", models.CharField(max_length=40)),
                ("folder", models.CharField(max_length=200)),
                ("listed_at", models.DateTimeField()),
                (
                    "indexes",
                    models.JSONField(
                        default=dict, help_text="Time of change in ns and size in bytes, by name of the file."
                    ),
                ),
            ],
        ),
        migrations.RunPython(
            lambda _apps, schema_editor: secure(schema_editor, TABLES),
            lambda _apps, schema_editor: open_again(schema_editor, TABLES),
        ),
    ]
