"""E-mail: one message, plain text, through the server that `M1_EMAIL_URL` names."""

from __future__ import annotations

import os
import re
import smtplib
import unicodedata
from typing import Annotated
from uuid import UUID

import environ
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email

from policy.declare import Answer, Length, Preview, ToolError, tool

SERVER_TIMEOUT_SECONDS = 15
REFUSALS = (
    smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError, smtplib.SMTPHeloError,
    smtplib.SMTPNotSupportedError,
)  # fmt: skip
"""The server's answers that leave no doubt that nothing was sent."""

Address = Annotated[str, "A bare address, `name@example.org`", Length(3, 254)]
Recipients = Annotated[list[Address], "Who gets the message", Length(1, 20)]
Subject = Annotated[str, "The subject, one line", Length(1, 200)]
Body = Annotated[str, "The message, as plain text", Length(0, 50_000)]


def preview_send(to: Recipients, subject: Subject, body: Body) -> Answer:
    """Return the message as its readers will see it."""
    message = _message(to, subject, body)
    headers = f"From: {message.from_email}\nTo: {', '.join(to)}\nSubject: {subject}\n"
    headers += f"Message-ID: {message.extra_headers['Message-ID']}"
    summary = f"One message to {len(to)} recipient{'s' * (len(to) > 1)}, {len(body):,} characters"
    return Preview("message", summary, f"{headers}\n\n{body}").as_answer()


@tool(
    "email.send", headline='Send "{subject}" to {to}', risk="high", external=True, timeout_seconds=60,
    environment=("M1_EMAIL_URL", "M1_EMAIL_FROM"), preview=preview_send,
)  # fmt: skip
def send(to: Recipients, subject: Subject, body: Body) -> Answer:
    """Send an e-mail in plain text. It cannot be called back."""
    message = _message(to, subject, body)
    message.connection = connection = _connected()
    try:
        message.send()
    except REFUSALS as exc:
        raise ToolError(f"The mail server refused the message ({type(exc).__name__}); nothing was sent.") from None
    finally:
        connection.close()
    return {"message_id": message.extra_headers["Message-ID"], "to": to, "from": message.from_email}


def _message(to: list[str], subject: str, body: str) -> EmailMessage:
    sender = os.environ.get("M1_EMAIL_FROM", "")
    for address in (sender, *to):
        _check_address(address)
    if len({address.casefold() for address in to}) != len(to):
        raise ToolError("`to` names the same recipient twice.")
    _check_line("subject", subject)
    message_id = f"<{_request_id()}@{sender.rpartition('@')[2]}>"
    return EmailMessage(subject, body, sender, to, headers={"Message-ID": message_id})


def _check_address(address: str) -> None:
    """Refuse what is not exactly one plain address: a display name may hide another, a line break adds a header."""
    _check_line("to", address)
    try:
        validate_email(address)
    except ValidationError:
        raise ToolError("Each address must be one bare e-mail address, without a name or brackets.") from None


def _check_line(field: str, value: str) -> None:
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in value):
        raise ToolError(f"`{field}` holds a line break or a control character.")


def _request_id() -> UUID:
    """Return the idempotency key: two attempts at one request carry one Message-ID, and a reader's server may tell."""
    try:
        return UUID(os.environ.get("M1_REQUEST_ID", ""))
    except ValueError:
        raise ToolError("M1_REQUEST_ID is missing; the message would have no stable identity.") from None


def _connected() -> BaseEmailBackend:
    """Connect before anything is handed over, so that a failure here is known to have sent nothing."""
    settings.configure(**_server(), EMAIL_TIMEOUT=SERVER_TIMEOUT_SECONDS, USE_TZ=True)
    try:
        connection: BaseEmailBackend = get_connection()
        connection.open()
    except (OSError, smtplib.SMTPException, ImproperlyConfigured) as exc:
        raise ToolError(f"The mail server cannot be used ({type(exc).__name__}); nothing was sent.") from None
    return connection


def _server() -> dict[str, object]:
    """Return the settings of Django that `M1_EMAIL_URL` stands for."""
    url = os.environ.get("M1_EMAIL_URL", "")
    if not re.match(r"(filemail|consolemail|smtp|smtps|smtp\+tls|smtp\+ssl)://", url):
        raise ToolError("E-mail is not set up: M1_EMAIL_URL must be an address such as smtp+tls://user:pass@host:587.")
    values: dict[str, object] = environ.Env.email_url_config(url)
    if path := str(values["EMAIL_FILE_PATH"]):
        values["EMAIL_FILE_PATH"] = f"/{path.lstrip('/')}"  # django-environ drops the slash that makes it absolute
    return values
