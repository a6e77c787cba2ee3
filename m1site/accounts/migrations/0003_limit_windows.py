from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_api_key_scope_policy")]

    operations = [
        migrations.CreateModel(
            name="LimitWindow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(help_text="What is counted; names are digests.", max_length=200, unique=True)),
                ("count", models.PositiveIntegerField(default=0)),
                ("ends_at", models.DateTimeField(help_text="When counting begins anew.")),
                ("used_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["ends_at"], name="limit_window_by_end")],
            },
        ),
    ]
