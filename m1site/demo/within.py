"""Run one step of the demo's set-up in a process of its own: Django first, then the step, which imports models."""

import sys
from importlib import import_module

import django

if __name__ == "__main__":
    django.setup()
    import_module(f"m1site.demo.{sys.argv[1]}").main(*sys.argv[2:])
