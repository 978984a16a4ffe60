"""Files of rows in S3-compatible storage: `make s3-tests` runs the tests of storage against a server, moto's.

The server and boto3, which a site installs only if it keeps its files so, are downloaded into a temporary folder.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.support.smtp import free_port

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
# What a site installs that keeps its files so, and the server, which finds Flask and the rest among our packages.
CLIENT = ["boto3==1.44.8"]
SERVER = [
    *("--no-deps", "moto==5.2.5", "flask-cors==6.0.5", "py-partiql-parser==0.6.3", "pyyaml==6.0.4"),
    *("responses==0.26.3", "xmltodict==1.0.4"),
]


def main() -> int:
    """Run the tests; return the exit code of pytest."""
    with tempfile.TemporaryDirectory(prefix="s3_storage_") as name:
        server, client = Path(name) / "server", Path(name) / "client"
        for target, packages in ((server, SERVER), (client, CLIENT)):
            subprocess.run([*PIP, "--target", str(target), *packages], check=True)
        port = str(free_port())
        address = f"http://127.0.0.1:{port}"
        known = {
            "AWS_ACCESS_KEY_ID": "dinner",
            "AWS_SECRET_ACCESS_KEY": "party",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": address,
            "S3_TEST_BUCKET": "s3://dinner-party",
        }
        running = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", port],
            env={**os.environ, "PYTHONPATH": f"{server}{os.pathsep}{client}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(address)
            # A bucket is made by a PUT; moto checks no signature.
            requests.put(f"{address}/dinner-party", timeout=10).raise_for_status()
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/crud/test_storage.py"],
                env={**os.environ, **known, "PYTHONPATH": str(client)},
                check=False,
            )
            return done.returncode
        finally:
            running.terminate()
            running.wait()


def _wait_for(address: str) -> None:
    tries = requests.Session()
    tries.mount("http://", HTTPAdapter(max_retries=Retry(connect=20, backoff_factor=0.1)))
    tries.get(address, timeout=5)


if __name__ == "__main__":
    sys.exit(main())
