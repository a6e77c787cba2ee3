"""The roles: requester, approver, policy author, policy publisher, operator, auditor, administrator, break-glass."""

from django.db import migrations

from m1site.accounts.roles import install_in_migration


class Migration(migrations.Migration):
    """Make the groups. Back again they stay: people are in them, and may have given them more."""

    dependencies = [
        ("m1site", "0001_answers_and_attacks"),
        ("accounts", "0003_limit_windows"),
        ("agents", "0002_approval_authority"),
        ("policy", "0002_draft_of_the_next_policy"),
        ("audit", "0001_trail"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(install_in_migration, migrations.RunPython.noop)]
