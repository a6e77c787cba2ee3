"""Long texts of a drill, written short: a list of pieces, each of them once or many times."""

from collections.abc import Callable
from typing import Any

MOST_TIMES, MOST_CHARACTERS = 2_000, 200_000


def whole(value: Any, error: Callable[[str], Exception]) -> Any:
    """Return a value of an argument; `{joined: [text, {text: …, times: 480}]}` is the text that the pieces make.

    Raises what `error` makes of a sentence.
    """
    if not isinstance(value, dict) or value.keys() != {"joined"}:
        return value
    pieces = value["joined"]
    if not isinstance(pieces, list) or not all(map(_is_piece, pieces)):
        raise error(f"joined must be a list of texts and of {{text, times}}, {MOST_TIMES} times at most")
    text = "".join(one if isinstance(one, str) else one["text"] * one["times"] for one in pieces)
    if len(text) > MOST_CHARACTERS:
        raise error(f"the joined text has more than {MOST_CHARACTERS} characters")
    return text


def _is_piece(piece: Any) -> bool:
    if isinstance(piece, str):
        return True
    if not isinstance(piece, dict) or piece.keys() != {"text", "times"} or not isinstance(piece["text"], str):
        return False
    return type(piece["times"]) is int and 1 <= piece["times"] <= MOST_TIMES
