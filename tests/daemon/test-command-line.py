# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: options, exit codes, and what --check-config and --dump-config say."""

import os
import subprocess
import tempfile
import unittest

import migoffd


def run(*arguments, config=None):
    """Returns status, standard output, standard error; @FILE@ in these stands for the configuration."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/migoffd.conf"
        if config is not None:
            with open(path, "w", encoding="utf-8") as f:
                f.write(config)
            arguments += (f"--config={path}",)
        p = subprocess.run([migoffd.MIGOFFD, *arguments], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, check=False, timeout=migoffd.TIMEOUT)
        return p.returncode, p.stdout.replace(path, "@FILE@"), p.stderr.replace(path, "@FILE@")


class CommandLine(unittest.TestCase):
    maxDiff = None

    def check(self, config, status, message, *arguments):
        self.assertEqual(run("--check-config", *arguments, config=config), (status, "", message))

    def test_help_and_version(self):
        """Both are written to standard output, and are a success."""
        status, out, err = run("--help")
        self.assertEqual((status, err), (0, ""))
        for option in ("--config=", "--check-config", "--dump-config", "--socket=", "--strict",
                       "--log-level=", "--version", "--help"):
            self.assertIn(option, out)
        self.assertEqual(run("--version"), (0, "migoffd 0.1.0\n", ""))

    def test_wrong_usage(self):
        """Wrong usage is status 2, and says where to find help."""
        for arguments in (["--frob"], ["file"], ["--log-level=loud"], ["--config"], ["-x"]):
            status, out, err = run(*arguments)
            self.assertEqual((status, out), (2, ""), arguments)
            self.assertTrue(err.endswith("Try 'migoffd --help'.\n"), err)

    def test_good(self):
        """What is right needs no words."""
        self.check("", 0, "")
        self.check("[policy]\ndeadline=2s\n", 0, "")

    def test_unknown_key(self):
        """A key that is not known is a warning, with --strict an error."""
        self.check("[policy]\nspeed=9\n", 0, "warning: @FILE@:2: [policy] has no key speed=\n")
        self.check("[policy]\nspeed=9\n", 3, "error: @FILE@:2: [policy] has no key speed=\n",
                   "--strict")

    def test_wrong_values(self):
        """All that is wrong is named, with its place and what would be right."""
        self.check("[policy]\ndeadline=5parsec\nmin-folio=3K\n", 3,
                   "error: @FILE@:2: [policy] deadline=5parsec: expected a time from 1ms to 10s\n"
                   "error: @FILE@:3: [policy] min-folio=3K: expected a size from 4K to 2M\n")
        self.check("[policy]\ndeadline=2s\nmax-page-blocked=3s\n", 3,
                   "error: @FILE@:3: [policy] max-page-blocked=3s: has to be less than deadline=\n")
        self.check("[engine]\nfault=hang\n", 3,
                   "error: @FILE@:2: [engine] fault=hang: expected faults such as error:every=7 or "
                   "delay:us=50\n")

    def test_unreadable(self):
        """A file that cannot be read is named, with the reason."""
        self.assertEqual(run("--check-config", "--config=/nonexistent"),
                         (3, "", "error: /nonexistent: cannot be read: No such file or directory\n"))
        self.assertEqual(run("--check-config", "--config=/dev"),
                         (3, "", "error: /dev: cannot be read: Is a directory\n"))

    @unittest.skipIf(os.geteuid() == 0, "root can read every file")
    def test_forbidden(self):
        """So is one that we may not read."""
        with tempfile.NamedTemporaryFile() as f:
            os.chmod(f.name, 0)
            self.assertEqual(run("--check-config", f"--config={f.name}"),
                             (3, "", f"error: {f.name}: cannot be read: Permission denied\n"))

    def test_does_not_start(self):
        """With a wrong configuration the daemon does not start, and says why."""
        status, out, err = run("--socket=/nonexistent/socket", config="[policy]\ndeadline=0\n")
        self.assertEqual((status, out), (3, ""))
        self.assertEqual(err, "<3>@FILE@:2: [policy] deadline=0: expected a time from 1ms to 10s\n")

    def test_dump(self):
        """What --dump-config writes reads as the same configuration."""
        status, out, err = run("--dump-config", config="[policy]\ndeadline=1.5s\n")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("[policy]\n", out)
        self.assertIn("# @FILE@:2\ndeadline=1500ms\n", out)
        again = run("--dump-config", "--strict", config=out)
        self.assertEqual([line for line in again[1].splitlines() if line[:1] != "#"],
                         [line for line in out.splitlines() if line[:1] != "#"])


if __name__ == "__main__":
    migoffd.main()
