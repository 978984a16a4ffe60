"""The files of deploy/, each in use: `make deploy-tests`, as root. Not part of `make test`, because it needs Debian's packages.

    apt-get install --no-install-recommends nginx-light caddy apache2 haproxy curl systemd-container debootstrap
    apt-get install --no-install-recommends podman buildah runc catatonit

`proxies.py`: web servers on high ports. `server.py`: docs/operations.md on a Debian that boots, with the ports 80, 443 and
8080 of this machine. `containers.py`: the image. All of it takes a quarter of an hour.
"""
