"""An empty Debian server that systemd boots, in a folder: made by debootstrap, run by systemd-nspawn."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.machines import CERTIFICATES

# What every server has.
PACKAGES = "systemd-sysv,dbus,ca-certificates,curl"
FOLDER = Path.home() / ".cache" / "dinnerparty" / "servers"
BOOT_SECONDS = 60
# The namespaces of this machine have no unified hierarchy of control groups everywhere; systemd 256 knows no other.
BOOT = "mount --make-rprivate / && mount -t cgroup2 none /sys/fs/cgroup && exec systemd-nspawn {options} --directory={root} --boot"
NAMESPACES = ("--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd")
OPTIONS = "--quiet --register=no --keep-unit --resolv-conf=copy-host --link-journal=no"


class Server:
    """A server in `root`. It has the network of this machine, so its ports must be free here."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def boot(self) -> None:
        """Boot it, and wait until systemd says that it runs."""
        command = BOOT.format(options=OPTIONS, root=shlex.quote(str(self.root)))
        with (self.root.parent / f"{self.root.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + BOOT_SECONDS
        while not self._is_up():
            assert self._process.poll() is None, "it did not boot"
            assert time.monotonic() < deadline, "it did not boot in time"
            time.sleep(0.2)

    def _is_up(self) -> bool:
        assert self._process is not None
        for child in psutil.Process(self._process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if child.name() == "systemd" and Path(f"/proc/{child.pid}/root").readlink() == Path("/"):
                    self._leader = child.pid
                    return self.run("systemctl is-system-running", check=False).strip() in {"running", "degraded"}
        return False

    def cut_power(self) -> None:
        """End everything at once."""
        assert self._process is not None
        os.kill(self._leader, signal.SIGKILL)
        self._process.wait(BOOT_SECONDS)

    def run(self, script: str, *, check: bool = True, **environ: str) -> str:
        """Run a script in bash as root, and return what it prints."""
        # How this machine reaches packages.
        network = {name: value for name, value in os.environ.items() if name.startswith("PIP_") and "LINKS" not in name}
        known = {
            "HOME": "/root",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
        }
        settings = [f"{name}={value}" for name, value in {**known, **network, **environ}.items()]
        entered = ["nsenter", f"--target={self._leader}", *NAMESPACES]
        done = subprocess.run(
            [*entered, "env", "-i", *settings, "bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@contextlib.contextmanager
def empty_server(release: str) -> Iterator[Server]:
    """Make an empty server and boot it; at the end it is removed."""
    base, root = FOLDER / f"{release}-base", FOLDER / f"{release}-server"
    if not (base / "usr/bin/curl").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", release, str(base)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "--archive", "--reflink=auto", str(base), str(root)], check=True)
    shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    server = Server(root)
    server.boot()
    try:
        yield server
    finally:
        server.cut_power()
        shutil.rmtree(root, ignore_errors=True)
