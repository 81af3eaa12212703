# /// script
# requires-python = ">=3.8"
# dependencies = []
# ///
"""Prints the first primes. It needs no package, and so no network."""

import os
import sys


def primes(count):
    found = []
    candidate = 2
    while len(found) < count:
        if all(candidate % p for p in found):
            found.append(candidate)
        candidate += 1
    return found


print("Python", sys.version.split()[0], "in run", os.environ.get("CDKTR_RUN_ID", "(none)"))
print(*primes(10))
