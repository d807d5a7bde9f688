#!/usr/bin/env python3
"""hardening_test PROGRAM...: promise 42, on the built files of the gateway's programs."""
import os
import platform
import re
import subprocess
import sys
import unittest

PROGRAMS = sys.argv[1:]
SHELLS = {"system", "popen", "wordexp"}


def readelf(program, *what):
    said = subprocess.run(["readelf", "--wide", *what, program], check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    return said.stdout


def imported(program):
    return {name.split("@")[0] for name in re.findall(r"UND (\S+)", readelf(program, "--dyn-syms"))}


class Promise42(unittest.TestCase):
    def each(self):
        self.assertGreaterEqual(len(PROGRAMS), 8)
        return PROGRAMS

    def test_promise_42_position_independent(self):
        for program in self.each():
            self.assertIn("Type:                              DYN (Position-Independent Executable file)", readelf(program, "--file-header"))

    def test_promise_42_full_relro(self):
        for program in self.each():
            self.assertIn("GNU_RELRO", readelf(program, "--segments"))
            self.assertRegex(readelf(program, "--dynamic"), r"\(FLAGS_1\).*\bNOW\b")

    def test_promise_42_no_segment_is_writable_and_executable_nor_is_the_stack(self):
        for program in self.each():
            segments = readelf(program, "--segments")
            self.assertNotRegex(segments, r"\bRWE\b")
            self.assertRegex(segments, r"GNU_STACK .* RW  0x")

    def test_promise_42_stack_protector(self):
        for program in self.each():
            self.assertIn("__stack_chk_fail", imported(program))

    # Debian's C library marks no program for it (its start files are without), so the code is looked at instead of the note.
    @unittest.skipUnless(platform.machine() == "x86_64", "CET is x86's")
    def test_promise_42_functions_begin_with_a_landing_for_indirect_branches(self):
        for program in self.each():
            code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "--disassemble=main", program], check=True, capture_output=True, text=True)
            self.assertRegex(code.stdout, r"<main>:\n\s*[0-9a-f]+:\s*endbr64")

    def test_promise_42_fortified_unless_sanitizers_do_more(self):
        for program in self.each():
            symbols = imported(program)
            self.assertTrue("__asan_init" in symbols or any(name.endswith("_chk") for name in symbols - {"__stack_chk_fail"}))

    def test_promise_42_no_relocation_of_code_and_no_library_path(self):
        for program in self.each():
            self.assertNotRegex(readelf(program, "--dynamic"), r"TEXTREL|RPATH|RUNPATH")

    def test_promise_42_no_shell_and_no_setuid(self):
        for program in self.each():
            self.assertEqual(imported(program) & SHELLS, set())
            self.assertEqual(os.stat(program).st_mode & 0o6000, 0)


class Libraries(unittest.TestCase):
    # libcurl brings two dozen libraries with it, 3 to 4 MiB of each process: who reads URLs and fetches none has liburiparser (libgateway/url.c).
    def test_who_fetches_nothing_does_not_load_libcurl(self):
        quiet = [program for program in PROGRAMS if os.path.basename(program) in {"executord", "bootsd", "pdud", "saladd"}]
        self.assertEqual(len(quiet), 4)
        for program in quiet:
            self.assertNotIn("libcurl", readelf(program, "--dynamic"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
