"""A mail server for tests: aiosmtpd, told what to do by lines of JSON, telling what it took by lines of JSON."""

import email
import email.policy
import json
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

answers = {}


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = answers.get(address)
        if answer is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        part = lambda kind: (message.get_body(preferencelist=(kind,)) or message).get_content()
        say({
            "sender": envelope.mail_from,
            "receivers": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "names": [name.lower() for name in message.keys()],
            "text": part("plain"),
            "html": part("html"),
            "raw": envelope.content.decode("latin-1"),
            "is_encrypted": session.ssl is not None,
            "user": session.auth_data,
        })
        return "250 OK"


def say(fact):
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


def main():
    wanted = json.loads(sys.stdin.readline())
    settings = {"hostname": "127.0.0.1", "port": wanted["port"], "decode_data": False}
    if "certificate" in wanted:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(wanted["certificate"], wanted["key"])
        settings.update(tls_context=context, require_starttls=True)
    if "user" in wanted:
        known = (wanted["user"].encode(), wanted["password"].encode())

        def authenticate(server, session, envelope, mechanism, data):
            is_right = (data.login, data.password) == known
            return AuthResult(success=is_right, auth_data=wanted["user"] if is_right else None)

        settings.update(authenticator=authenticate, auth_required=True)
    controller = Controller(Handler(), **settings)
    controller.start()
    say({"port": controller.port})
    # Ends with the test, which holds the other end.
    for line in sys.stdin:
        answers.clear()
        answers.update(json.loads(line))
        say({"answers": len(answers)})
    controller.stop()


main()
