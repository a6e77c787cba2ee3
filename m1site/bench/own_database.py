"""A database of a benchmark's own beside the configured one, on the same server, gone at the end."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection


@contextmanager
def own_database() -> Iterator[None]:
    """Have this process's connection lead to a new, empty database until the block ends."""
    with tempfile.TemporaryDirectory(prefix="m1-bench-") as place:
        if connection.vendor == "sqlite":
            connection.settings_dict["TEST"]["NAME"] = str(Path(place) / "bench.sqlite3")
        else:
            connection.settings_dict["TEST"]["NAME"] = f"{settings.DATABASES['default']['NAME']}_bench"
        before = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            yield
        finally:
            connection.creation.destroy_test_db(before, verbosity=0)


def url() -> str:
    """Return where the connection leads, as DATABASE_URL says it to other processes."""
    facts = connection.settings_dict
    name = quote(str(facts["NAME"]), safe="/")
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    person = ":".join(quote(str(facts[part]), safe="") for part in ("USER", "PASSWORD") if facts[part])
    options = {key: value for key, value in facts.get("OPTIONS", {}).items() if isinstance(value, str)}
    place = f"{quote(facts['HOST'] or 'localhost', safe='')}{':' + str(facts['PORT']) if facts['PORT'] else ''}"
    return f"postgres://{person + '@' if person else ''}{place}/{name}{'?' + urlencode(options) if options else ''}"
