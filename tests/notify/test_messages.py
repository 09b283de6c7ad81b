"""Messages arrive: by mail at a real SMTP server, by web hook at a real HTTP server."""

import asyncio
import json
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from wheelyard.errors import NotifyError
from wheelyard.notify.messages import AppriseNotifier


class Mailbox:
    """Takes mail, unless it is told not to."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.refuses = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuses:
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((envelope.rcpt_tos, mail))
        return "250 taken"


class AnyPort(Controller):
    """A server on whatever port is free."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    box = Mailbox()
    controller = AnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        yield box, f"mailto://127.0.0.1:{controller.port}?from=farm@example.org&format=text"
    finally:
        controller.stop()


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    taken: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_address[1]}/hook", taken
        server.shutdown()


def send(notifier: AppriseNotifier, address: str) -> None:
    asyncio.run(notifier.send(address, "flask for cp312: done", "3 wheels are there\n\nflask.whl"))


def test_mail_arrives_as_it_was_written(mailbox: tuple[Mailbox, str]) -> None:
    box, server = mailbox
    send(AppriseNotifier(mail_server=server), "mailto:ann@example.org")

    ((recipients, mail),) = box.mails
    assert recipients == ["ann@example.org"]
    assert mail["Subject"] == "flask for cp312: done"
    assert "farm@example.org" in mail["From"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").strip() == "3 wheels are there\n\nflask.whl"


def test_a_web_hook_is_called(hook: tuple[str, list[dict[str, str]]]) -> None:
    address, taken = hook
    send(AppriseNotifier(), address)

    assert [(one["title"], one["message"]) for one in taken] == [
        ("flask for cp312: done", "3 wheels are there\n\nflask.whl")
    ]


def test_mail_that_is_not_taken_is_an_error(mailbox: tuple[Mailbox, str]) -> None:
    box, server = mailbox
    box.refuses = True
    with pytest.raises(NotifyError, match="did not take the message"):
        send(AppriseNotifier(mail_server=server), "mailto:ann@example.org")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("mailto:ann@example.org", "needs a mail server"),
        ("mailto:ann", "not a mail address"),
        ("pigeon://home", "is no kind of address"),
    ],
)
def test_addresses_that_lead_nowhere_say_so(address: str, reason: str) -> None:
    with pytest.raises(NotifyError, match=reason):
        send(AppriseNotifier(), address)


def test_no_error_quotes_a_password() -> None:
    with pytest.raises(NotifyError) as error:
        send(AppriseNotifier(), "jsons://ann:secret@127.0.0.1:1/hook")
    assert "secret" not in error.value.message + error.value.hint
