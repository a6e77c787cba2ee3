"""`m1 token rotate`: another key for tokens, in three steps; each says which process needs what, and what is next."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from m1site import rotation
from m1site.cli.operator import ACTOR, told
from m1site.cli.output import as_json, say, show, table
from m1site.key_files import ALGORITHMS, LIST, NEXT, SIGNING, KeyDirectory, Keys

COLUMNS = (("key", "kid"), ("algorithm", "algorithm"), ("state", "state"), ("retired at", "retiredAt"))
directory_option = click.option(
    "--directory", required=True, help="Where the keys are kept.",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)  # fmt: skip
SECRET = {"EdDSA": "M1_JWT_PRIVATE_KEY_FILE", "HS256": "M1_JWT_SECRET_FILE"}


@click.group(help="Change the key that signs tokens: begin, switch, retire; status says which step is next.")
def rotate() -> None:
    """Nothing but the commands."""


@rotate.command(help="Make the next key and list it, so that every process learns it before it signs.")
@directory_option
@click.option("--algorithm", type=click.Choice(ALGORITHMS), default=None, help="As the present key's, unless said.")
@click.option("--first", "is_first", is_flag=True, help="Make the first key of an empty directory.")
@as_json
@told
def begin(directory: Path, algorithm: str | None, is_first: bool, is_json: bool) -> None:
    """Make a key."""
    files = KeyDirectory(directory)
    _show(directory, rotation.begin(files, actor=ACTOR, algorithm=algorithm or "", is_first=is_first), is_json)


@rotate.command(help="Let the next key sign; what the earlier one signed still counts.")
@directory_option
@as_json
@told
def switch(directory: Path, is_json: bool) -> None:
    """Switch to the next key."""
    _show(directory, rotation.switch(KeyDirectory(directory), actor=ACTOR), is_json)


@rotate.command(help="Take the earlier key out of service; refused while tokens of it still count.")
@directory_option
@click.option("--force", "is_forced", is_flag=True, help="Let those tokens die: the key has leaked.")
@as_json
@told
def retire(directory: Path, is_forced: bool, is_json: bool) -> None:
    """Retire every key that does not sign."""
    _show(directory, rotation.retire(KeyDirectory(directory), actor=ACTOR, is_forced=is_forced), is_json)


@rotate.command(help="Say which keys there are and which step is next.")
@directory_option
@as_json
@told
def status(directory: Path, is_json: bool) -> None:
    """Read the directory."""
    _show(directory, KeyDirectory(directory).read(), is_json)


def _show(directory: Path, keys: Keys, is_json: bool) -> None:
    rows, todo = [_row(kid, keys) for kid in _kids(keys)], _todo(directory, keys)
    if is_json:
        signing, following = (key.kid if key else None for key in (keys.signing, keys.next))
        show({"signing": signing, "next": following, "keys": rows, "todo": todo}, is_json, "")
        return
    table(rows, COLUMNS, is_json, f"{directory} holds no keys.")
    for number, line in enumerate(todo, start=1):
        say(f"{number}. {line}")


def _kids(keys: Keys) -> Sequence[str]:
    own = [key.kid for key in (keys.signing, keys.next) if key]
    return [*own, *(kid for kid in keys.listed if kid not in own)]


def _row(kid: str, keys: Keys) -> dict[str, Any]:
    key = keys.listed.get(kid) or next(one for one in (keys.signing, keys.next) if one and one.kid == kid)
    if key.retired_at:
        state = "retired"
    elif keys.signing and keys.signing.kid == kid:
        state = "active"
    else:
        state = "next" if keys.next and keys.next.kid == kid else "verify-only"
    retired_at = key.retired_at.isoformat() if key.retired_at else None
    return {"kid": kid, "algorithm": key.algorithm, "state": state, "retiredAt": retired_at}


def _todo(directory: Path, keys: Keys) -> list[str]:
    """Return what the operator does next, line by line."""
    call = "m1 token rotate {} --directory " + str(directory)
    everybody = f"Give {LIST} to planner, executor and web (M1_JWT_KEYS_FILE) and restart them, in this order."
    if keys.signing is None:
        return [f"Put the key that signs now there as {SIGNING}; or make the first one: {call.format('begin')} --first"]
    if keys.next:
        if keys.next.kid not in keys.listed:
            return [f"{NEXT} is not in {LIST} yet; call again: {call.format('begin')}"]
        return [everybody, f"When every one of them has restarted: {call.format('switch')}"]
    secret = f"Give {SIGNING} to web ({SECRET[keys.signing.algorithm]}"
    web = f"{secret}, M1_JWT_ALGORITHM={keys.signing.algorithm}) and restart it."
    if keys.earlier:
        return [web, f"When what the earlier key signed has ended: {call.format('retire')}"]
    if any(key.retired_at for key in keys.listed.values()):
        return [everybody, f"The rotation is over then. The next one: {call.format('begin')}"]
    return [everybody, web, f"To change the key: {call.format('begin')}"]
