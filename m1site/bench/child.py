"""One measurement in a process of its own: `python -m m1site.bench.child MODULE ARGUMENTS`.

Calls the module's `main` with the arguments as texts, and prints what it returns as one line of JSON. Django is set up
first for every engine alike: so the heap that the garbage collector walks is that of M1's own processes.
"""

import importlib
import json
import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "m1site.settings")
    django.setup()
    print(json.dumps(importlib.import_module(sys.argv[1]).main(*sys.argv[2:])))
