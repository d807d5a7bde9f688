#!/usr/bin/env python3
"""units_test UNITS SYSTEMD OPTIONS: what holds for every unit. UNITS is the build's folder of them, SYSTEMD the source's, OPTIONS is
libgateway/options.def. Promise 41, as far as files show it; tests/e2e/systemd_test boots them."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

UNITS, SYSTEMD, OPTIONS = sys.argv[1:4]
SERVICES = ["artifactd.service", "bootsd.service", "bucketd.service", "executord.service", "gitlabd.service", "jobd@.service", "pdud.service", "saladd.service"]
COMPANIONS = ["ci-gateway-dns.service"]
ENVIRONMENT = ["-/etc/base_config.env", "-/config/config.env", "-/config/minio/minio.env"]
OF_BOOTSD = {"CAP_NET_BIND_SERVICE", "CAP_NET_RAW"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def settings(unit, name):
    folder = UNITS if os.path.exists(f"{UNITS}/{unit}") else SYSTEMD
    return re.findall(rf"^{name}=(.*)$", read(f"{folder}/{unit}"), re.M)


def default_of(option):
    return re.search(rf', {option}, \w+, "([^"]*)"', read(OPTIONS))[1]


class Units(unittest.TestCase):
    def test_every_service_is_looked_at(self):
        self.assertEqual(sorted(name for name in os.listdir(UNITS) if name.endswith(".service")), sorted(SERVICES + COMPANIONS))

    def test_nothing_is_left_to_fill_in(self):
        for unit in SERVICES + COMPANIONS:
            self.assertNotRegex(read(f"{UNITS}/{unit}"), r"@[a-z]+@")

    def test_promise_41_the_exposure_of_each_service_is_at_most_2(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is missing: ./bootstrap")
        with tempfile.TemporaryDirectory() as folder:
            for source in (UNITS, SYSTEMD):
                for name in os.listdir(source):
                    if re.search(r"\.(service|socket|target)$", name):
                        shutil.copy(f"{source}/{name}", folder)
            for unit in SERVICES + COMPANIONS:
                said = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"{folder}/{unit}"], check=False,
                                      capture_output=True, text=True)
                level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said.stdout)
                self.assertIsNotNone(level, said.stderr)
                self.assertLessEqual(float(level[1]), 2.0, said.stdout)
                self.assertNotIn("Unknown key", said.stderr)

    def test_promise_41_no_service_is_root_and_none_but_bootsd_has_capabilities(self):
        for unit in SERVICES:
            user = unit.split(".")[0]
            self.assertEqual(settings(unit, "User"), [] if unit == "jobd@.service" else [user])
            self.assertEqual(settings(unit, "DynamicUser"), ["yes"] if unit == "jobd@.service" else [])
            self.assertEqual(settings(unit, "Group"), ["executor"])
            given = OF_BOOTSD if unit == "bootsd.service" else set()
            for setting in ("CapabilityBoundingSet", "AmbientCapabilities"):
                self.assertEqual([set(value.split()) for value in settings(unit, setting)], [given], unit)

    def test_the_folder_of_the_database_is_hidden_from_all_that_have_no_file_there(self):
        for unit in SERVICES:
            hidden = "-/config" in " ".join(settings(unit, "InaccessiblePaths")).split()
            self.assertEqual(hidden, unit not in ("executord.service", "bootsd.service", "bucketd.service"), unit)
        self.assertRegex(read(f"{SYSTEMD}/tmpfiles.conf"), r"(?m)^z /config/mars_db.yaml +0600 executord executord$")

    def test_each_reads_the_three_files_of_options_in_their_order(self):
        for unit in SERVICES:
            self.assertEqual(settings(unit, "EnvironmentFile"), ENVIRONMENT, unit)
            self.assertEqual(settings(unit, "UnsetEnvironment"), [] if unit == "bucketd.service" else ["MINIO_ROOT_USER MINIO_ROOT_PASSWORD"], unit)

    def test_each_has_a_watchdog_and_all_but_a_job_start_again(self):
        for unit in SERVICES:
            self.assertEqual(settings(unit, "WatchdogSec"), ["30"], unit)
            self.assertEqual(settings(unit, "Type"), ["notify"], unit)
            self.assertEqual(settings(unit, "Restart"), [] if unit == "jobd@.service" else ["on-failure"], unit)

    def test_sockets_have_the_names_that_the_options_have_by_default(self):
        for unit, option in (("executord.socket", "EXECUTOR_HTTP_IPv4_SOCKET_NAME"), ("bootsd-dhcp.socket", "BOOTS_DHCP_IPv4_SOCKET_NAME"),
                             ("bootsd-tftp.socket", "BOOTS_TFTP_IPv4_SOCKET_NAME")):
            self.assertEqual(settings(unit, "FileDescriptorName"), [default_of(option)])

    def test_every_user_is_made_and_owns_its_folder(self):
        made = set(re.findall(r"^u (\w+)", read(f"{SYSTEMD}/sysusers.conf"), re.M))
        self.assertEqual(made, {user for unit in SERVICES for user in settings(unit, "User")})
        for line in re.findall(r"^[df] .*$", read(f"{SYSTEMD}/tmpfiles.conf"), re.M):
            self.assertIn(line.split()[3], made | {"root"}, line)

    def test_saladd_reaches_serial_ports_and_the_switches_of_usb_hubs_and_no_other_service_a_device(self):
        for unit in SERVICES:
            saladd = unit == "saladd.service"
            self.assertEqual(settings(unit, "PrivateDevices")[-1], "no" if saladd else "yes", unit)
            self.assertEqual(settings(unit, "DevicePolicy"), ["closed"], unit)
            self.assertEqual(settings(unit, "DeviceAllow"), [f"char-{major} rw" for major in (4, 188, 166, 204)] if saladd else [], unit)
            self.assertEqual("/sys/devices" in settings(unit, "ReadWritePaths"), saladd, unit)
        group = re.search(r"chgrp -f (\w+) \$sys\$devpath/\*-port\*/disable", read(f"{SYSTEMD}/udev.rules"))[1]
        self.assertEqual(settings("saladd.service", "SupplementaryGroups"), [f"dialout {group}"])
        self.assertRegex(read(f"{SYSTEMD}/sysusers.conf"), rf"(?m)^u {group} ")

    def test_what_jobs_bring_for_their_buckets_is_open_to_bucketd_alone(self):
        group = re.search(r"(?m)^d /var/lib/executor/uploads +2750 executord (\w+)$", read(f"{SYSTEMD}/tmpfiles.conf"))[1]
        for unit in SERVICES:
            self.assertEqual(group in " ".join(settings(unit, "SupplementaryGroups")).split(), unit == "bucketd.service", unit)
        self.assertRegex(read(f"{SYSTEMD}/tmpfiles.conf"), r"(?m)^z /config/bucketd.yml +0600 bucketd ")

    def test_the_target_starts_them_all(self):
        wanted = set(settings("executor.target", "Wants")[0].split())
        self.assertEqual(wanted, set(SERVICES) - {"jobd@.service"} | {"jobd.socket"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
