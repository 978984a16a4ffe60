"""docs/operations.md, followed to the letter on an empty Debian server, and what becomes of the site when things end there."""

import re
import shlex
import subprocess
import time

import pytest

import config
from tests.deploy.debian import empty_server
from tests.deploy.machinery import can_connect, wait_for

PAGE = config.ROOT / "docs" / "operations.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HOST = "dinner.example.org"
# What the page promises, in seconds.
TEN_MINUTES = 600
CURL = f"curl --silent --show-error --cacert /root/ca.crt --connect-to {HOST}:443:127.0.0.1:443"
# Caddy signs by itself here: the authorities of the internet cannot reach this server.
INTERNAL = "sed --in-place '/^{$SITE_ADDRESS/a tls internal' /etc/caddy/Caddyfile; "
ROOT_CERTIFICATE = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"


def blocks(title):
    """Return the commands below a title of the page."""
    section = re.split(r"^#+ ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    (found,) = [text for text in section if text.startswith(f"{title}\n")]
    return BLOCK.findall(found)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    taken = [port for port in (80, 443, 8080) if can_connect(f"127.0.0.1:{port}")]
    assert not taken, f"the server has the ports of this machine, and {taken} are taken"
    with empty_server("bookworm") as server:
        subprocess.run(
            [
                "git",
                "-c",
                "safe.directory=*",
                "clone",
                "--quiet",
                "--no-hardlinks",
                config.ROOT,
                server.root / "srv/git",
            ],
            check=True,
        )
        yield server


@pytest.fixture(scope="module")
def said(server):
    """What the commands of the page printed, from nothing to https."""
    began = time.monotonic()
    script = "".join(blocks("An empty server"))
    script = script.replace("systemctl reload caddy", f"{INTERNAL}systemctl reload caddy")
    script = script.replace("https://git.example.org/dinnerparty.git", "/srv/git")
    printed = server.run(script)
    server.run(
        f"for second in $(seq 30); do test -e {ROOT_CERTIFICATE} && break; sleep 1; done; cp {ROOT_CERTIFICATE} /root/ca.crt"
    )
    wait_for(lambda: status(server) == "200", lambda: server.run("journalctl --no-pager --lines=50"))
    took = time.monotonic() - began
    print(f"from nothing to https in {took:.0f} s")  # noqa: T201 - the figure of the page
    assert took < TEN_MINUTES
    return printed


@pytest.fixture
def site(server, said):
    """The server that serves the site."""
    wait_for(lambda: status(server) == "200")
    return server


def status(server, path="/login/", *options):
    return server.run(
        f"{CURL} --output /dev/null --write-out %{{http_code}} {' '.join(options)} https://{HOST}{path}", check=False
    )


def main_process(server):
    return int(server.run("systemctl show --property=MainPID --value dinnerparty-site"))


def processes(server):
    """Return the numbers of the site's processes, its first one at the beginning."""
    group = server.run("systemctl show --property=ControlGroup --value dinnerparty-site").strip()
    return [int(number) for number in server.run(f"cat /sys/fs/cgroup{group}/cgroup.procs").split()]


def test_the_page_leads_to_https_and_the_printed_password_logs_in(site, said):
    name, password = re.search(r"Administrator: (\S+)\n\s+Password:\s+(\S+)", said).groups()
    jar = f"{CURL} --cookie /root/jar --cookie-jar /root/jar"
    page = site.run(f"{jar} https://{HOST}/login/")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    form = (
        f"--data-urlencode username={name} --data-urlencode 'password={password}' --data-urlencode csrf_token={token}"
    )
    landed = site.run(
        f"{jar} --location --output /dev/null --write-out '%{{url_effective}} %{{http_code}}' "
        f"--header 'Origin: https://{HOST}' {form} 'https://{HOST}/login/?next=/account/devices/'"
    )
    assert '"status":"ok"' in site.run(f"{CURL} https://{HOST}/health/ready")
    assert landed.startswith(f"https://{HOST}/")
    assert landed.endswith(" 200")
    assert "/login" not in landed


def test_nobody_but_root_reads_the_settings_and_the_site_cannot_change_itself(site):
    assert site.run("stat --format %a /etc/dinnerparty/environment").strip() == "600"
    assert site.run("stat --format '%a %U' /var/lib/dinnerparty").strip() == "700 dinnerparty"
    owner = site.run("stat --format %U /opt/dinnerparty/app /opt/dinnerparty/.venv").split()
    assert owner == ["root", "root"]
    user = site.run(f"stat --format %U /proc/{main_process(site)}")
    assert user.strip() == "dinnerparty"


def test_the_units_are_valid_and_well_protected(site):
    told = site.run(
        "systemd-analyze verify /etc/systemd/system/dinnerparty-*.service /etc/systemd/system/dinnerparty-*.socket 2>&1"
    )
    assert "dinnerparty" not in told
    for unit in ("dinnerparty-site", "dinnerparty-worker", "dinnerparty-celery"):
        exposure = site.run(f"systemd-analyze security {unit} | tail -1")
        assert float(re.search(r"(\d+\.\d)", exposure)[1]) < 3, exposure


def test_the_command_runs_with_the_settings_and_the_sandbox_of_the_site(site):
    assert site.run("dinnerparty outbox status").strip()
    assert site.run("dinnerparty no-such-command || echo $?").strip().endswith("2")


def test_lists_are_read_in_the_sandbox(site):
    """They are read by a process that limits itself, which a sandbox may forbid."""
    program = "from app.parties.invitations.lists.process import read; print(read('Name,Email\\nAda,ada@example.org'))"
    assert "ada@example.org" in site.run(f"echo {shlex.quote(program)} | dinnerparty shell")


@pytest.mark.parametrize("which", ["the first", "every"])
def test_killed_processes_come_back(site, which):
    before = processes(site)
    assert len(before) >= 4
    killed = before if which == "every" else [main_process(site)]
    site.run(f"kill -9 {' '.join(map(str, killed))}")
    # The socket is systemd's: the request waits for the site.
    assert status(site, "/login/", "--max-time 60") == "200"
    wait_for(lambda: len(processes(site)) >= 4)
    assert main_process(site) not in before


def test_each_single_process_comes_back(site):
    main = main_process(site)
    for number in processes(site):
        if number != main:
            site.run(f"kill -9 {number}", check=False)
            assert status(site, "/login/", "--max-time 60") == "200"
    wait_for(lambda: len(processes(site)) >= 5)
    assert main_process(site) == main


def test_the_site_never_gives_up(site):
    """More deaths in a row than systemd's usual limit, and than that of sockets."""
    for _death in range(8):
        site.run("systemctl kill --signal=KILL dinnerparty-site; sleep 0.2", check=False)
        site.run("systemctl restart dinnerparty-site --no-block")
    assert status(site, "/login/", "--max-time 60") == "200"
    assert site.run("systemctl is-active dinnerparty-site dinnerparty-site.socket").split() == ["active", "active"]


def test_a_site_that_cannot_start_starts_as_soon_as_it_can(site):
    """A wrong setting, long enough for more attempts than systemd's limits allow."""
    site.run("echo WORKERS=none >> /etc/dinnerparty/environment; systemctl restart dinnerparty-site")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        site.run("curl --silent --max-time 1 http://127.0.0.1:8080/", check=False)
    assert "WORKERS must be a whole number" in site.run("journalctl --unit dinnerparty-site --lines 20 --output cat")
    site.run("sed --in-place '/WORKERS=none/d' /etc/dinnerparty/environment")
    wait_for(lambda: status(site, "/login/", "--max-time 20") == "200")


def test_nobody_is_refused_while_the_site_is_restarted(site):
    site.run("systemctl restart dinnerparty-site --no-block")
    assert [status(site, "/login/", "--max-time 60") for _request in range(3)] == ["200"] * 3


def test_after_a_power_cut_the_site_comes_up_by_itself(server, site):
    server.cut_power()
    server.boot()
    wait_for(lambda: status(server) == "200", lambda: server.run("journalctl --no-pager --lines=50"))


def test_the_page_leads_to_postgresql_and_the_site_outlives_its_outage(site):
    site.run("".join(blocks("PostgreSQL")))
    wait_for(lambda: status(site) == "200")
    assert "postgresql" in site.run("echo 'print(db.engine.url)' | dinnerparty shell")
    site.run("systemctl stop postgresql")
    wait_for(lambda: status(site, "/") == "503")
    site.run("systemctl kill --signal=KILL dinnerparty-site")
    wait_for(lambda: status(site, "/", "--max-time 20") == "503")
    site.run("systemctl start postgresql")
    wait_for(lambda: status(site, "/") == "200")


def test_the_page_updates_the_site(site):
    site.run("".join(blocks("Updates")))
    assert status(site, "/login/", "--max-time 60") == "200"


def test_the_page_leads_to_nginx(site):
    """Certbot would ask the authorities of the internet: the certificate is signed by itself here."""
    script = "".join(blocks("Another web server"))
    folder = f"/etc/letsencrypt/live/{HOST}"
    own = (
        f"mkdir -p {folder}; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={HOST} "
        f"-addext subjectAltName=DNS:{HOST} -keyout {folder}/privkey.pem -out {folder}/fullchain.pem 2>/dev/null\n"
    )
    script, replaced = re.subn(r"^certbot .*\n", own, script, flags=re.MULTILINE)
    assert replaced == 1
    site.run("systemctl disable --now caddy")
    site.run(f"SITE={HOST}\n{script}")
    site.run(f"cp {folder}/fullchain.pem /root/ca.crt")
    wait_for(lambda: status(site) == "200", lambda: site.run("journalctl --no-pager --lines=50"))
