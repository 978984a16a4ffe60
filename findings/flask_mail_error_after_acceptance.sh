#!/usr/bin/env bash
# Flask-Mail 0.10.0: Mail.send() raises an error although the mail server has accepted the e-mail.
#
# After the server's "250 OK" come the receivers of email_dispatched, and then QUIT. Where the connection is lost by then,
# send() raises, as if the e-mail were not sent. Whoever catches the error and tries again, as a queue does, sends it
# twice. Here the server closes the connection after each e-mail that it has accepted, and a receiver takes a moment.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq flask-mail==0.10.0 flask==3.1.3 aiosmtpd==1.4.6
cd "$folder"
cat >send.py <<'PYTHON'
import smtplib
import socket
import time

from aiosmtpd.controller import Controller
from flask import Flask
from flask_mail import Mail, Message, email_dispatched


class Server:
    accepted = 0

    async def handle_DATA(self, server, session, envelope):
        self.accepted += 1
        server.loop.call_later(0.1, server.transport.abort)
        return "250 OK"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def take_a_moment(_app, message):
    time.sleep(0.5)


server, port = Server(), free_port()
controller = Controller(server, hostname="127.0.0.1", port=port)
controller.start()
app = Flask("site")
app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=port, MAIL_DEFAULT_SENDER="a@example.org")
mail = Mail(app)
email_dispatched.connect(take_a_moment)
with app.app_context():
    for attempt in (1, 2):
        try:
            mail.send(Message("Soup", ["b@example.org"], "There is soup."))
        except smtplib.SMTPServerDisconnected:
            print(f"attempt {attempt} failed; e-mails accepted by the server: {server.accepted}")
controller.stop()
PYTHON
output=$("$folder/venv/bin/python" -W ignore send.py)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
attempt 1 failed; e-mails accepted by the server: 1
attempt 2 failed; e-mails accepted by the server: 2
EXPECTED
echo "as written here"
