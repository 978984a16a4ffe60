#!/usr/bin/env bash
# aiosmtpd 1.4.6: its LMTP server gives one answer to a message with several recipients.
#
# RFC 2033, 4.2: after the final "." of a message, an LMTP server returns one reply for each recipient that it accepted.
# aiosmtpd.lmtp.LMTP sends the one text that handle_DATA returns. A mail server that hands over a message for two recipients
# waits for the second reply until it runs into its timeout, and then delivers the message again. A handler helps itself by
# returning several lines.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq aiosmtpd==1.4.6
cd "$folder"
cat >deliver.py <<'PYTHON'
import smtplib
import socket

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP


class Lmtp(Controller):
    def factory(self):
        return LMTP(self.handler)


class OneAnswer:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"


class OneForEach:
    async def handle_DATA(self, server, session, envelope):
        return "\r\n".join("250 OK" for _ in envelope.rcpt_tos)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


for handler in (OneAnswer(), OneForEach()):
    port = free_port()
    controller = Lmtp(handler, hostname="127.0.0.1", port=port)
    controller.start()
    client = smtplib.LMTP("127.0.0.1", port, timeout=2)
    client.ehlo()
    client.docmd("MAIL", "FROM:<a@example.org>")
    for recipient in ("b@example.org", "c@example.org"):
        client.docmd("RCPT", f"TO:<{recipient}>")
    client.docmd("DATA")
    client.send(b"Subject: Soup\r\n\r\nThere is soup.\r\n.\r\n")
    answers = 0
    try:
        while client.getreply()[0] == 250:
            answers += 1
    except (TimeoutError, smtplib.SMTPServerDisconnected):
        pass
    print(f"{type(handler).__name__}: {answers} answers for 2 recipients")
    controller.stop()
PYTHON
output=$("$folder/venv/bin/python" -W ignore deliver.py)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
OneAnswer: 1 answers for 2 recipients
OneForEach: 2 answers for 2 recipients
EXPECTED
echo "as written here"
