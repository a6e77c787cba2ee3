"""The steps by which another key comes to sign: begin, switch, retire. Each can be called again after anything.

A step writes its event and, within the same transaction, replaces its file. Should the commit be lost after that, the
next call finds the file done and only makes up for the event.
"""

from collections.abc import Iterable
from dataclasses import replace

from django.db import transaction

from agents import keys_in_use
from audit import clock, trail
from audit.models import AuditEvent
from m1site.key_files import NEXT, SIGNING, KeyDirectory, Keys, RotationError
from policy.keys import VerifyingKey
from policy.models import ApprovalToken

MOST_LISTED = 20
WAYS_OUT = (
    "Wait until they end, revoke them, or say --force: then execution tokens die, and their calls go back to people; "
    "pre-authorisations end, and must be given anew."
)


def begin(directory: KeyDirectory, *, actor: str, algorithm: str = "", is_first: bool = False) -> Keys:
    """Make the next key and list it beside the present one, so that every process can learn it before it signs.

    algorithm   of the new key: EdDSA or HS256; "" for that of the present one
    is_first    make the first key of an empty directory, which signs at once
    """
    with directory.locked() as held, transaction.atomic(durable=True):
        if held.signing is None or (is_first and not held.next):
            return _begin_first(directory, held, actor, algorithm, is_first=is_first)
        if held.next is None and held.earlier:
            kids = ", ".join(key.kid for key in held.earlier)
            raise RotationError(why=f"The rotation before this is not over: retire {kids} first.")
        new = held.next or directory.write_key(NEXT, algorithm or held.signing.algorithm)
        listed = {kid: key for kid, key in held.listed.items() if held.next or key.retired_at is None}
        _tell("key.added", [new], actor, algorithm=new.algorithm)
        directory.write_list(listed | {key.kid: key for key in (held.signing, new)})
    return directory.read()


def switch(directory: KeyDirectory, *, actor: str) -> Keys:
    """Let the next key sign. The private half of the present one is gone from then on."""
    with directory.locked() as held, transaction.atomic(durable=True):
        if held.next is None:
            if held.signing is None or not held.earlier:
                raise RotationError(why="There is no next key: begin first.")
            _tell("key.switched", [held.signing], actor)
        elif held.next.kid not in held.listed:
            raise RotationError(why="The next key is not in the list yet, since `begin` was interrupted: begin again.")
        else:
            _tell("key.switched", [held.next], actor, earlier=held.signing.kid if held.signing else None)
            directory.promote()
    return directory.read()


def retire(directory: KeyDirectory, *, actor: str, is_forced: bool = False) -> Keys:
    """Take the earlier keys out of service as of now. Raises RotationError while tokens of them count.

    is_forced   let those tokens die: their calls go back to people, their pre-authorisations end
    """
    with directory.locked() as held, transaction.atomic(durable=True):
        if held.next is not None:
            raise RotationError(why="The next key does not sign yet: switch first.")
        gone = [key for key in held.listed.values() if key.retired_at is not None]
        if not held.earlier and not gone:
            raise RotationError(why="No key but the one that signs is listed: there is nothing to retire.")
        now = clock.now()
        dying = [token for key in held.earlier for token in keys_in_use.live_tokens(key.kid, now)]
        if dying and not is_forced:
            raise RotationError(why=_why_not_yet(dying))
        _tell("key.retired", gone, actor)
        retired = {key.kid: replace(key, retired_at=now) for key in held.earlier}
        _tell("key.retired", retired.values(), actor, retired_at=now, dying=len(dying))
        directory.write_list({**held.listed, **retired})
    return directory.read()


def _begin_first(directory: KeyDirectory, held: Keys, actor: str, algorithm: str, *, is_first: bool) -> Keys:
    if not is_first:
        raise RotationError(
            why=f"{directory.path / SIGNING} is missing. Put the key that signs now there; or, where none does, "
            "make one: begin --first."
        )
    key = held.signing or directory.write_key(SIGNING, algorithm or "EdDSA")
    _tell("key.added", [key], actor, algorithm=key.algorithm)
    directory.write_list({**held.listed, key.kid: key})
    return directory.read()


def _tell(action: str, keys: Iterable[VerifyingKey], actor: str, **facts: object) -> None:
    """Write the event of a step for each key, once, however often the step is called."""
    for key in keys:
        subject = f"key:{key.fingerprint}"
        if not AuditEvent.objects.filter(action=action, subject=subject).exists():
            trail.append(action, actor=actor, subject=subject, kid=key.kid, **facts)


def _why_not_yet(dying: list[ApprovalToken]) -> str:
    lines = [
        f"{token.jti}  {token.kind} of {token.person}, until {token.expires_at:%Y-%m-%d %H:%M} UTC"
        for token in dying[:MOST_LISTED]
    ]
    more = [f"… and {len(dying) - MOST_LISTED} more"] if len(dying) > MOST_LISTED else []
    return "\n  ".join([f"{len(dying)} tokens of the earlier key still count. {WAYS_OUT}", *lines, *more])
