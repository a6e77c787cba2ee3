"""The garbage collector, told what stays."""

import gc

YOUNG, MIDDLE, OLD = 10_000, 20, 20
"""Objects before the collector looks at the young ones; rounds of that before it looks at the middle, then the old."""


def settle() -> None:
    """Leave all that is loaded by now out of every later collection. A process calls it once, when it is set up.

    A hundred thousand objects of code and settings never become garbage; looking through them again and again is a
    pause of 40 ms each time, in the middle of somebody's request. What a request makes dies by itself when it ends;
    the collector is for the rare circle, and can come less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
