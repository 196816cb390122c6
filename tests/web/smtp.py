"""Keeps each mail that it is handed as a file of a Maildir, and knows nobody whose address begins with `gone.`."""

from aiosmtpd.handlers import Mailbox


class Post(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone."):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"
