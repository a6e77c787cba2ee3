"""Logs as JSON, one line a record: no message can begin a new line, and no secret of M1's kinds stays in it."""

import json
import logging
import re
from datetime import UTC, datetime

MAX_CHARACTERS = 16_384
_SECRETS = re.compile(
    r"m1_[A-Za-z0-9_-]{20,}"  # an API key
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*"  # a JWT, or its first parts
    r"|sk-[A-Za-z0-9_-]{16,}"  # a model provider's key
    r"|(?<=Bearer )\S+|(?<=Basic )\S+|(?<=bearer )\S+"
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"  # user and password in an address
)


class LineFormatter(logging.Formatter):
    """One JSON object on one line; json.dumps escapes what could break the line or move the cursor."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": _clean(_message(record)),
        }
        if record.exc_info:
            fields["exception"] = _clean(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=True)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # a wrong format string must not cost the record
        return f"{record.msg!s} {record.args!r}"


def _clean(text: str) -> str:
    return _SECRETS.sub("[secret]", text[:MAX_CHARACTERS]).replace("\x7f", "\\x7f")
