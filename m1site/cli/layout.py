"""Lines for a terminal: none wider than it, nothing cut, and what others wrote behind a bar at the left.

A line that a terminal folds by itself goes on at its edge, where only M1 writes, and could forge what M1 says there.
So M1 folds every line, and marks the rows that go on.
"""

from collections.abc import Iterator

from rich.cells import cell_len

from policy.reveal import reveal

LEAST_WIDTH = 30
BAR, GOES_ON = "│ ", "┆ "


def rows(text: str, width: int) -> Iterator[str]:
    """Yield a line of text in rows of so many cells at most, broken after a space where there is one.

    The rows put together are the text again.
    """
    begin, used, space = 0, 0, 0
    for position, character in enumerate(text):
        cells = cell_len(character)
        if used + cells > width and position > begin:
            cut = space if space > begin else position
            yield text[begin:cut]
            begin, used = cut, cell_len(text[cut:position])
        used += cells
        if character == " ":
            space = position + 1
    yield text[begin:]


def folded(text: str, width: int, first: str = "") -> Iterator[str]:
    """Yield a text of one line behind what comes first; rows that go on are marked, so that none passes for a first."""
    rest = GOES_ON.rjust(cell_len(first))
    room = max(width - cell_len(rest), LEAST_WIDTH)
    for number, row in enumerate(rows(reveal(text, one_line=True), room)):
        yield f"{rest if number else first}{row.rstrip()}"


def boxed(text: str, width: int, indent: str = "    ", mark: str = "") -> Iterator[str]:
    """Yield a text that others wrote, behind a bar; a row that goes on in the next has another bar below.

    mark   stands before the first bar, as the number of an item
    """
    room = max(width - cell_len(indent) - len(mark) - len(BAR), LEAST_WIDTH)
    for line in reveal(text).split("\n"):
        for number, row in enumerate(rows(line.expandtabs(8), room)):
            yield f"{indent}{mark}{GOES_ON if number else BAR}{row}"
            mark = " " * len(mark)
