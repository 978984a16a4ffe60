"""A served site, the web servers in front of it as processes of their own, and a visitor who comes through them."""

import contextlib
import datetime as dt
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

import config
from tests.support.smtp import free_port

DEPLOY = config.ROOT / "deploy"
HOST, PATH_HOST = "dinner.example.org", "example.org"
ADMIN, PASSWORD = "boss", "a table that seats eight"
SECONDS = 60


# -- the certificate


@dataclass(frozen=True)
class Certificate:
    """A certificate of both hosts that visitors trust."""

    certificate: Path
    key: Path
    # Both, for HAProxy.
    both: Path


def make_certificate(folder: Path) -> Certificate:
    """Make a certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName(PATH_HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / "fullchain.pem", folder / "privkey.pem", folder / "both.pem")
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    made.certificate.write_bytes(public)
    made.key.write_bytes(private)
    made.both.write_bytes(public + private)
    return made


# -- the site


class Site:
    """A site in a folder of its own, which listens at `place`: `127.0.0.1:8080`, `[::1]:8080` or `unix:/path`."""

    def __init__(self, folder: Path, place: str, *, activated: bool = False, **environ: str) -> None:
        self.folder, self.place = folder, place
        self._activated = activated
        host, _, port = (place, "", "") if place.startswith("unix:") else place.rpartition(":")
        self._environ = {
            **os.environ,
            "INSTANCE_PATH": str(folder / "instance"),
            "SECRET_KEY": "deployed-0f8dM2zq-Yp3uWn7_kTgLx4RbVhJc6sE",
            "PUBLIC_URL": f"https://{HOST}",
            "TRUSTED_PROXY_COUNT": "1",
            **({} if activated else {"HOST": host.strip("[]"), **({"PORT": port} if port else {})}),
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def set_up(self) -> None:
        """Make the database and its administrator."""
        for command in (
            ["setup"],
            ["create-admin", "--username", ADMIN, "--email", "boss@example.org", "--password", PASSWORD],
        ):
            flask = [sys.executable, "-m", "flask", "--app", "app", *command]
            done = subprocess.run(
                flask, cwd=config.ROOT, env=self._environ, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Serve until `kill` or `stop`."""
        command = [sys.executable, "run.py"]
        if self._activated:
            command = [
                "systemd-socket-activate",
                f"--listen={self.place.removeprefix('unix:')}",
                *self._passed(),
                *command,
            ]
        with (self.folder / "site.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=config.ROOT, env=self._environ, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self.is_alive, self.log)

    def _passed(self) -> list[str]:
        return [f"--setenv={name}" for name in self._environ]

    def is_alive(self) -> bool:
        """Whether it answers, to what a load balancer asks: without a Host."""
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError), connect(self.place, SECONDS) as connection:
            connection.sendall(b"GET /health/live HTTP/1.0\r\n\r\n")
            return connection.recv(12).endswith(b" 200")
        return False

    def log(self) -> str:
        """Return what it has logged."""
        return (self.folder / "site.log").read_text("utf-8")

    def kill(self) -> None:
        """End all of its processes at once, as a power cut does."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        wait_for(lambda: not can_connect(self.place))

    def stop(self) -> None:
        """Stop it as an operator does."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(SECONDS)

    def last_address(self) -> str:
        """Return the address from which what was audited last was done."""
        path = self.folder / "instance" / "dinnerparty.db"
        with contextlib.closing(sqlite3.connect(path)) as database:
            return str(database.execute("SELECT address FROM audit_event ORDER BY id DESC").fetchone()[0])


def can_connect(place: str) -> bool:
    """Whether somebody listens at a place like those of `Site`."""
    with contextlib.suppress(OSError), connect(place, 1):
        return True
    return False


def connect(place: str, seconds: float) -> socket.socket:
    """Connect to a place like those of `Site`."""
    if not place.startswith("unix:"):
        host, _, port = place.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(seconds)
    try:
        made.connect(place.removeprefix("unix:"))
    except OSError:
        made.close()
        raise
    return made


def wait_for(condition: Any, log: Any = lambda: "") -> None:
    """Return when `condition` is true."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, log()
        time.sleep(0.05)


# -- the web servers


@dataclass
class Proxy:
    """A web server in front of a site, with a file of deploy/ in which places were replaced."""

    folder: Path
    certificate: Certificate
    site: str
    http: int = field(default_factory=free_port)
    https: int = field(default_factory=free_port)

    name = ""
    program = ""
    # How the file names a Unix socket.
    unix = "unix:{path}"

    def file(self, name: str, replaced: dict[str, str]) -> str:
        """Return a file of deploy/ with each of `replaced` in it, which must be there."""
        text = (DEPLOY / self.name / name).read_text("utf-8")
        for old, new in replaced.items():
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new)
        return text

    @property
    def upstream(self) -> str:
        """Where the site listens, as the file says it."""
        if self.site.startswith("unix:"):
            return self.unix.format(path=self.site.removeprefix("unix:"))
        return self.site

    def command(self, *, path: bool) -> list[str]:
        """Write its files and return how it is started."""
        raise NotImplementedError

    @contextlib.contextmanager
    def running(self, *, path: bool = False) -> Iterator["Proxy"]:
        """Serve; with `path` below /dinner of another site."""
        assert shutil.which(self.program), f"apt-get install {self.name}"
        command = self.command(path=path)
        log = self.folder / "proxy.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)},
            )
        try:
            wait_for(
                lambda: (
                    process.poll() is not None or all(can_connect(f"127.0.0.1:{p}") for p in (self.http, self.https))
                )
            )
            assert process.poll() is None, log.read_text("utf-8")
            yield self
        finally:
            process.terminate()
            process.wait(SECONDS)

    def visitor(self, host: str = HOST, address: str = "127.0.0.1") -> "Visitor":
        """Return somebody who comes through this proxy."""
        return Visitor(self, host, address)

    @contextlib.contextmanager
    def connection(self, host: str = HOST) -> Iterator[ssl.SSLSocket]:
        """Connect as a visitor who sends by hand."""
        context = ssl.create_default_context(cafile=str(self.certificate.certificate))
        with (
            socket.create_connection(("127.0.0.1", self.https), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as encrypted,
        ):
            yield encrypted


class Nginx(Proxy):
    name, program = "nginx", "nginx"
    main = """
        user root; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
        events {{}}
        http {{ include /etc/nginx/mime.types; access_log {folder}/access.log; {temporary} include {folder}/site.conf; }}
    """
    around_path = "server {{ listen {http}; listen {https} ssl; server_name example.org; {certificate} {snippet} }}"

    def command(self, *, path: bool) -> list[str]:
        pems = {
            "/etc/letsencrypt/live/dinner.example.org/fullchain.pem": str(self.certificate.certificate),
            "/etc/letsencrypt/live/dinner.example.org/privkey.pem": str(self.certificate.key),
        }
        if path:
            (certificate, key) = pems.values()
            text = self.around_path.format(
                http=self.http,
                https=self.https,
                certificate=f"ssl_certificate {certificate}; ssl_certificate_key {key};",
                snippet=self.file("dinnerparty-path.conf", {"127.0.0.1:8080": self.upstream}),
            )
        else:
            ports = {
                "listen 80;": f"listen {self.http};",
                "listen [::]:80;": f"listen [::1]:{self.http};",
                "listen 443 ": f"listen {self.https} ",
                "listen [::]:443 ": f"listen [::1]:{self.https} ",
            }
            text = self.file("dinnerparty.conf", {**pems, **ports, "127.0.0.1:8080": self.upstream})
        (self.folder / "site.conf").write_text(text)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        (self.folder / "nginx.conf").write_text(self.main.format(folder=self.folder, temporary=temporary))
        return ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-g", "daemon off;"]


class Caddy(Proxy):
    name, program = "caddy", "caddy"
    unix = "unix/{path}"

    def command(self, *, path: bool) -> list[str]:
        tls = f"tls {self.certificate.certificate} {self.certificate.key}"
        if path:
            site = "example.org {\n"
            replaced = {site: f"{site}{tls}\n", "127.0.0.1:8080": self.upstream}
        else:
            site = "{$SITE_ADDRESS:dinner.example.org} {\n"
            replaced = {site: f"{site}{tls}\n", "127.0.0.1:8080": self.upstream}
        ports = f"{{\nadmin off\nhttp_port {self.http}\nhttps_port {self.https}\n"
        text = self.file("Caddyfile-path", replaced) if path else self.file("Caddyfile", replaced)
        # One block has the options of the whole server.
        (self.folder / "Caddyfile").write_text(f"{ports}}}\n{text}" if path else text.replace("\n{\n", f"\n{ports}", 1))
        return ["caddy", "run", "--config", str(self.folder / "Caddyfile"), "--adapter", "caddyfile"]


class Apache(Proxy):
    name, program = "apache2", "apache2"
    unix = "unix:{path}|http://localhost"
    # Those of Debian's own start, and of the a2enmod line in the file.
    modules = (
        *("mpm_event", "authz_core", "alias", "mime", "socache_shmcb"),
        *("ssl", "http2", "headers", "proxy", "proxy_http", "reqtimeout", "env"),
    )
    main = """
        ServerRoot {folder}
        ServerName localhost
        PidFile {folder}/apache.pid
        DefaultRuntimeDir {folder}
        Mutex file:{folder} default
        User www-data
        Group www-data
        ErrorLog {folder}/error.log
        TypesConfig /etc/mime.types
        Listen {http}
        Listen {https}
    """

    def command(self, *, path: bool) -> list[str]:
        assert not path, "there is no such file"
        upstream = self.upstream if self.site.startswith("unix:") else f"http://{self.upstream}"
        text = (DEPLOY / "apache" / "dinnerparty.conf").read_text("utf-8")
        for old, new in {
            "*:80>": f"*:{self.http}>",
            "*:443>": f"*:{self.https}>",
            "/etc/letsencrypt/live/dinner.example.org/fullchain.pem": str(self.certificate.certificate),
            "/etc/letsencrypt/live/dinner.example.org/privkey.pem": str(self.certificate.key),
            "/var/www/html": str(self.folder),
            "http://127.0.0.1:8080/": f"{upstream}/",
        }.items():
            assert old in text, old
            text = text.replace(old, new)
        loaded = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in self.modules)
        main = self.main.format(folder=self.folder, http=self.http, https=self.https)
        (self.folder / "apache.conf").write_text(loaded + main + text)
        return ["apache2", "-f", str(self.folder / "apache.conf"), "-DFOREGROUND"]


class Haproxy(Proxy):
    name, program = "haproxy", "haproxy"
    unix = "unix@{path}"

    def command(self, *, path: bool) -> list[str]:
        assert not path, "there is no such file"
        replaced = {
            "bind :::80 ": f"bind :::{self.http} ",
            "bind :::443 ": f"bind :::{self.https} ",
            "/etc/haproxy/certs/dinner.example.org.pem": str(self.certificate.both),
            "server site 127.0.0.1:8080": f"server site {self.upstream}",
        }
        (self.folder / "haproxy.cfg").write_text(self.file("haproxy.cfg", replaced))
        return ["haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")]


PROXIES = {"nginx": Nginx, "caddy": Caddy, "apache": Apache, "haproxy": Haproxy}


# -- the visitor


class Visitor(requests.Session):
    """A browser that finds the hosts of the tests at a proxy's ports, and sends the Host of the usual ports."""

    def __init__(self, proxy: Proxy, host: str, address: str) -> None:
        super().__init__()
        self.trust_env = False
        self.url = f"https://{host}"
        self.mount("https://", _To(proxy, address))
        self.mount("http://", _To(proxy, address))

    def form(self, path: str, **fields: Any) -> requests.Response:
        """Open a page and send its form, following redirects."""
        page = self.get(self.url + path)
        assert page.status_code == 200, page.text
        sent = {**_hidden(page.text), **fields}
        return self.post(page.url, data=sent, headers={"Origin": self.url, "Referer": page.url})

    def log_in(self, path: str = "/login/", **headers: str) -> requests.Response:
        """Log the administrator in."""
        self.headers.update(headers)
        return self.form(path, username=ADMIN, password=PASSWORD)


def _hidden(page: str) -> dict[str, str]:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, page
    return {"csrf_token": found[1]}


class _To(HTTPAdapter):
    def __init__(self, proxy: Proxy, address: str) -> None:
        super().__init__()
        self._proxy, self._address = proxy, address

    def get_connection_with_tls_context(self, request: Any, *_args: Any, **_options: Any) -> Any:
        parts = urlsplit(request.url)
        if parts.scheme == "http":
            return HTTPConnectionPool(self._address, self._proxy.http)
        return HTTPSConnectionPool(
            self._address,
            self._proxy.https,
            server_hostname=parts.hostname,
            assert_hostname=parts.hostname,
            ca_certs=str(self._proxy.certificate.certificate),
        )

    def cert_verify(self, *_args: Any) -> None:
        """The pool verifies."""

    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        request.headers.setdefault("Host", urlsplit(request.url).netloc)
        return super().send(request, *args, **options)
