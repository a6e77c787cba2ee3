"""Why the demo does not start."""

from audit.errors import M1Error


class DemoError(M1Error):
    """{why}"""

    code = "demo"
    http_status = 500
