"""deploy/Dockerfile and deploy/compose.yaml, with Podman: no daemon is needed."""

import json
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pytest
import yaml

import config
from tests.deploy.machinery import DEPLOY, can_connect, wait_for
from tests.machines import CERTIFICATES
from tests.support.smtp import free_port

BASE, IMAGE, RELEASE = "docker.io/library/debian:trixie-slim", "dinnerparty-tested", "trixie"
FOLDER = Path.home() / ".cache" / "dinnerparty" / "servers"


def podman(*words, check=True):
    # runc knows every kind of control groups.
    done = subprocess.run(["podman", "--runtime=runc", *words], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image():
    """The image, on a Debian that was made here if there is none."""
    assert shutil.which("podman"), "apt-get install podman"
    if subprocess.run(["podman", "image", "exists", BASE], check=False).returncode:
        _make_base()
    build = ["build", "--network=host", "--isolation=chroot", "--format=docker", f"--tag={IMAGE}"]
    podman(*build, f"--file={DEPLOY / 'Dockerfile'}", str(config.ROOT))
    return IMAGE


def _make_base():
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        made = ["debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, folder]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        # What could be wrong with the network of this machine.
        shutil.copyfile(CERTIFICATES, f"{folder}/usr/local/share/ca-certificates/machine.crt")
        subprocess.run(["chroot", folder, "update-ca-certificates"], check=True, stdout=subprocess.DEVNULL)
        with subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE) as packed:
            subprocess.run(["podman", "import", "-", BASE], stdin=packed.stdout, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def options(image):
    """How compose.yaml runs the image, as options of Podman."""
    site = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["site"]
    assert site["read_only"]
    assert site["restart"] == "unless-stopped"
    return [
        "--read-only",
        # Otherwise Podman makes further folders writable.
        "--read-only-tmpfs=false",
        *(f"--tmpfs={path}" for path in site["tmpfs"]),
        *(f"--cap-drop={name}" for name in site["cap_drop"]),
        "--security-opt=no-new-privileges",
        f"--restart={site['restart']}",
        "--init",
        "--network=host",
        # Podman would raise these limits, and let systemd ask for the health, which are not there everywhere.
        "--ulimit=nofile=4096:4096",
        "--ulimit=nproc=4096:4096",
        "--no-healthcheck",
    ]


@pytest.fixture
def site(image, options):
    """A container that serves a site, and its port."""
    port, name = free_port(), f"dinnerparty-{free_port()}"
    volume = f"--volume={name}:/var/lib/dinnerparty"
    settings = [f"--env=PORT={port}", "--env=HOST=127.0.0.1", f"--env=PUBLIC_URL=http://localhost:{port}"]
    said = podman(
        "run", "--rm", *[o for o in options if "restart" not in o], volume, *settings, image, "flask", "setup"
    )
    assert "Administrator" in said
    podman("run", "--detach", f"--name={name}", *options, volume, *settings, image)
    try:
        wait_for(lambda: answers(port), lambda: podman("logs", name))
        yield name, port
    finally:
        podman("rm", "--force", "--time=30", name)
        podman("volume", "rm", "--force", name)


def answers(port, path="/login/"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def processes(name):
    return [line.split(maxsplit=1) for line in podman("top", name, "hpid", "args").splitlines()[1:]]


def test_it_runs_as_a_user_of_its_own_and_writes_nothing_but_its_data(site):
    name, port = site
    assert answers(port)
    assert podman("exec", name, "id", "--user") == "10001"
    for path in ("/opt/dinnerparty/app/x", "/etc/x", "/var/x"):
        assert "Read-only" in podman("exec", name, "sh", "-c", f"touch {path} 2>&1; true")
    podman("exec", name, "touch", "/var/lib/dinnerparty/x", "/tmp/x")  # noqa: S108
    assert podman("exec", name, "flask", "outbox", "status")
    assert not podman("exec", name, "sh", "-c", "ls -d /opt/dinnerparty/.git /opt/dinnerparty/tests 2>/dev/null; true")


def test_the_image_is_small(image):
    # Of this, Debian with Python is 250 MB here, where the base is not that of Docker.
    size = json.loads(podman("image", "inspect", image))[0]["Size"]
    base = json.loads(podman("image", "inspect", BASE))[0]["Size"]
    assert size - base < 250 * 1000**2


def test_its_health_is_known(site):
    name, port = site
    health = json.loads(podman("image", "inspect", IMAGE))[0]["Healthcheck"]["Test"]
    assert "/health/live" in health[-1]
    assert answers(port, "/health/live")
    podman("exec", name, *[word.replace(":8080", f":{port}") for word in health[1:]])


def test_killed_processes_come_back(site):
    name, port = site
    # The first is that of --init, the second is run.py.
    for number, _arguments in reversed(processes(name)[1:]):
        podman("exec", name, "true")
        subprocess.run(["kill", "-9", number], check=False)
        wait_for(lambda: answers(port), lambda: podman("logs", name))
    assert podman("inspect", "--format", "{{.State.Running}}", name) == "true"


def test_it_stops_when_it_is_asked_to(site):
    name, port = site
    podman("stop", "--time=30", name)
    assert not can_connect(f"127.0.0.1:{port}")
    assert podman("inspect", "--format", "{{.State.ExitCode}}", name) == "0"
