"""Starts the program as the systemd units would, as far as system calls go: under their SystemCallFilter, RestrictAddressFamilies,
UMask and Environment, as a user without rights, with the libraries that the program needs on this machine.

Called by deploy/validate: python3 validate-units.py PROGRAM SILO_UNIT MIGRATE_UNIT. The silo starts its private PostgreSQL in a
folder of its own, has to say at /readyz that it is ready, and is stopped by SIGTERM; meanwhile the other unit's program finds its
schema up to date. And whoever is confined as the silo is has to find the machine's networks, for a silo of a cluster takes its address
from them. The filters are made as systemd makes them from what systemd-analyze lists, but for what it does not know, which
is EPERM here. What else a unit says (its view of the file system, of /proc, of users) is not tried.
"""
import errno
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import seccomp

DEADLINE_SECONDS = 120


class Unit:
    def __init__(self, path):
        self.values = {}
        for line in pathlib.Path(path).read_text().splitlines():
            if '=' in line and not line.startswith(('#', ';')):
                key, value = line.split('=', 1)
                self.values.setdefault(key, []).append(value)

    def words(self, key):
        return [word for value in self.values.get(key, []) for word in value.split()]

    def calls(self):
        """What SystemCallFilter leaves: later lines take away (~) or give back."""
        allowed = expand(['@default'])
        for value in self.values['SystemCallFilter']:
            names = expand(value.removeprefix('~').split())
            allowed = allowed - names if value.startswith('~') else allowed | names
        return allowed

    def families(self):
        return {int(getattr(socket, name)) for name in self.words('RestrictAddressFamilies')}

    def confine(self, calls, families):
        os.umask(int(self.words('UMask')[0], 8))
        addresses = seccomp.SyscallFilter(seccomp.ALLOW)
        refused = seccomp.ERRNO(errno.EAFNOSUPPORT)
        for family in set(range(max(families))) - families:
            addresses.add_rule(refused, 'socket', seccomp.Arg(0, seccomp.EQ, family))
        addresses.add_rule(refused, 'socket', seccomp.Arg(0, seccomp.GT, max(families)))
        rest = seccomp.SyscallFilter(seccomp.ERRNO(getattr(errno, self.words('SystemCallErrorNumber')[0])))
        for name in calls:
            # Those of other processors have no number here.
            if seccomp.resolve_syscall(seccomp.Arch(), name) >= 0:
                rest.add_rule(seccomp.ALLOW, name)
        # The second has to let the first be loaded.
        addresses.load()
        rest.load()


def expand(names):
    found = set()
    for name in names:
        if name.startswith('@'):
            listed = subprocess.run(['systemd-analyze', 'syscall-filter', name], check=True, capture_output=True, text=True).stdout
            found |= expand([line.strip() for line in listed.splitlines()[1:] if line.strip() and not line.strip().startswith('#')])
        else:
            found.add(name)
    return found


def start(unit, program, arguments, folder, said):
    unit = Unit(unit)
    calls, families = unit.calls(), unit.families()
    environment = {key: os.environ[key] for key in ('PATH', 'DOTNET_ROOT') if key in os.environ}
    environment |= dict(setting.split('=', 1) for setting in unit.words('Environment')) | {'HOME': folder}
    # As root it is to be nobody: the unit's user need not exist here.
    account = {} if os.getuid() != 0 else {'user': 'nobody', 'group': pwd.getpwnam('nobody').pw_gid, 'extra_groups': []}
    return subprocess.Popen(
        [os.path.abspath(program), *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
        preexec_fn=lambda: unit.confine(calls, families), **account)


def wait_until(what, look, process):
    until = time.monotonic() + DEADLINE_SECONDS
    while not (found := look()):
        if process.poll() is not None:
            raise SystemExit(f'the program ended ({process.returncode}) before {what}')
        if time.monotonic() > until:
            raise SystemExit(f'not within {DEADLINE_SECONDS} s: {what}')
        time.sleep(0.2)
    return found


def is_ready(url):
    try:
        with urllib.request.urlopen(f'{url}/readyz', timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def stop(silo, data):
    """However it went: what was started here ends, its PostgreSQL too."""
    if silo.poll() is None:
        silo.send_signal(signal.SIGTERM)
        try:
            silo.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            silo.kill()
            silo.wait()
    left = data / 'postgres' / 'data' / 'postmaster.pid'
    if left.exists():
        os.kill(int(left.read_text().split()[0]), signal.SIGQUIT)


def main(program, silo_unit, migrate_unit):
    folder = pathlib.Path(tempfile.mkdtemp(prefix='orleans-policy-units.'))
    if os.getuid() == 0:
        shutil.chown(folder, 'nobody')
    data, log = folder / 'data', folder / 'said'
    said = log.open('w')
    try:
        silo = start(silo_unit, program, ['--urls', 'http://127.0.0.1:0', '--data', str(data)], str(folder), said)
        try:
            listening = wait_until('it listened', lambda: re.search(r'listening\s+(http://\S+)', log.read_text()), silo)
            wait_until('it was ready', lambda: is_ready(listening[1]), silo)
            looked = start(silo_unit, sys.executable, ['-c', 'import socket; socket.if_nameindex()'], str(folder), said)
            if looked.wait(DEADLINE_SECONDS) != 0:
                raise SystemExit("the machine's networks cannot be read: a silo of a cluster would not find its address")
            connection = f'Host={data}/postgres/socket;Username=policy;Database=policy'
            migrated = start(migrate_unit, program, ['--migrate-only', '--connection-string', connection], str(folder), said)
            if migrated.wait(DEADLINE_SECONDS) != 0:
                raise SystemExit(f'--migrate-only ended with {migrated.returncode}')
        finally:
            stop(silo, data)
        if silo.returncode != 0:
            raise SystemExit(f'the silo ended with {silo.returncode} on SIGTERM')
    finally:
        print(log.read_text(), end='')
        shutil.rmtree(folder, ignore_errors=True)


main(*sys.argv[1:])
