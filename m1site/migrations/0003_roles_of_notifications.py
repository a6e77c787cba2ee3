"""The roles again, for the tables that came since: who sees which notification was sent."""

from django.db import migrations

from m1site.accounts.roles import install_in_migration


class Migration(migrations.Migration):
    """Give each role what it may do with new kinds of rows. Back again nothing is taken away."""

    dependencies = [("m1site", "0002_roles"), ("agents", "0004_notifications")]

    operations = [migrations.RunPython(install_in_migration, migrations.RunPython.noop)]
