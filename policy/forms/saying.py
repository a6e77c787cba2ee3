"""Problems of a document as sentences that stand beside the box with the problem."""

from policy.reading import Path


def sentence(rest: Path, problem: str) -> str:
    """Return what is wrong in a box.

    rest  what of the path lies within the box: empty for all of it, a number for an entry of its list
    """
    numbers = [step for step in rest if isinstance(step, int)]
    if numbers:
        return f"Entry {numbers[0] + 1} {problem}."
    return f"{'These' if problem.startswith('are ') else 'This'} {problem}."
