from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_users_and_api_keys")]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="scopes",
            field=models.JSONField(default=list, help_text="What it may do: read, propose, decide, operate, policy."),
        ),
    ]
