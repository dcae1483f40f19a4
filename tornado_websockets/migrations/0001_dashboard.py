"""The permissions of the live monitor: a model without a table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Dashboard",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
            options={
                "verbose_name": "live monitor",
                "verbose_name_plural": "live monitor",
                "permissions": [
                    ("close_connections", "Can close connections"),
                    ("send_event", "Can send events to clients"),
                    ("view_metrics", "Can read the metrics"),
                    ("view_payloads", "Can view what clients and the server send"),
                ],
                "managed": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
            },
        ),
    ]
