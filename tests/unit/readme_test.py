#!/usr/bin/env python3
"""readme_test EXECUTORCTL README: the README's configuration table is what `executorctl options` prints, to the letter. With README_UPDATE=1
in the environment it is put there."""
import os
import re
import subprocess
import sys

executorctl, readme = sys.argv[1:]
table = subprocess.run([executorctl, "options"], check=True, capture_output=True, text=True).stdout
with open(readme, encoding="utf-8") as file:
    text = file.read()
found = re.search(r"(?:^\| option .*\n)(?:^\|.*\n)+", text, re.MULTILINE)
if not found:
    sys.exit(f"{readme} has no table of options")
if found[0] == table:
    sys.exit(0)
if os.environ.get("README_UPDATE") == "1":
    with open(readme, "w", encoding="utf-8") as file:
        file.write(text[: found.start()] + table + text[found.end() :])
    sys.exit(0)
for line in set(table.splitlines()) ^ set(found[0].splitlines()):
    print("differs:", line, file=sys.stderr)
sys.exit(f"{readme}'s table is not what `executorctl options` prints; README_UPDATE=1 puts it there")
