"""One measurement in a process of its own: `python -m m1site.bench.child MODULE ARGUMENTS`.

Calls the module's `main` with the arguments as texts, and prints what it returns as one line of JSON. Django is set up
first for every engine alike, and the heap settled as in M1's own processes, so that the collector's pauses are theirs.
"""

import importlib
import json
import os
import sys

import django

from m1site import heap

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "m1site.settings")
    django.setup()
    heap.settle()
    print(json.dumps(importlib.import_module(sys.argv[1]).main(*sys.argv[2:])))
