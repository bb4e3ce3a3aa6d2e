"""A mail server and a mail program that go by the book: lines and headers, MIME, nothing from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

from aiosmtpd.smtp import SMTP, Envelope, Session
from sinks import MailSink
from strict_looks import BARE_LINK, Page, read_page, size_of_picture
from strict_server import Seen

LONGEST_LINE = 998
LONGEST_PAGE = 102 * 1024
"""More of a page than that is clipped by the largest of the mail services."""
_NEEDED = ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version")
_CID = re.compile(r"cid:(?P<id>.+)")


class StrictMailbox(MailSink):
    """Takes a mail if nothing is wrong with it; else answers `554` with what it is."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Seen] = []
        self.refusals: list[str] = []
        self.limited = 0
        self.takes_pictures = True  # there is none that does not

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Judge a mail."""
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        seen, faults = look_at(mail)
        faults = check_bytes(envelope.content) + faults
        if faults:
            self.refusals.append("; ".join(faults))
            return f"554 5.6.0 {faults[0]}".encode("ascii", "replace").decode()
        self.seen.append(seen)
        return await super().handle_DATA(server, session, envelope)


def check_bytes(content: bytes) -> list[str]:
    """What is wrong with a mail before anybody reads it."""
    faults: list[str] = []
    if re.search(rb"(?<!\r)\n|\r(?!\n)", content):
        faults.append("a line that does not end with CR LF")
    if any(len(line) > LONGEST_LINE for line in content.split(b"\r\n")):
        faults.append(f"a line of more than {LONGEST_LINE} octets")
    head, _, body = content.partition(b"\r\n\r\n")
    if not head.isascii():
        faults.append("a header that is not encoded")
    if not body.isascii():
        faults.append("a body of 8 bits that the server was not asked about")
    return faults


def look_at(mail: EmailMessage) -> tuple[Seen, list[str]]:
    """What a mail program shows, and all that is wrong with the mail."""
    faults = [f"no {name}" for name in _NEEDED if name not in mail]
    faults += [
        f"{len(mail.get_all(name, []))} of {name}" for name in _NEEDED if len(mail.get_all(name, [])) > 1
    ]
    faults += [f"defect: {type(defect).__name__}" for part in mail.walk() for defect in part.defects]
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    if plain is None:
        faults.append("no plain text")
    text = _content_of(plain)
    subject = str(mail["Subject"] or "")
    if rich is None:
        seen = Seen(subject, text.strip(), links=tuple(BARE_LINK.findall(text)), pictures=_enclosed(mail))
        return seen, faults
    html = _content_of(rich)
    page = read_page(html)
    faults += page.faults + [f"remote content: {each}" for each in page.fetches]
    if len(html.encode()) > LONGEST_PAGE:
        faults.append("a page that would be clipped")
    pictures, missing = _resolve(mail, page)
    faults += [f"a picture that is not there: {each}" for each in missing]
    seen = Seen(subject, page.text, links=tuple(page.links), pictures=pictures, size=len(html.encode()))
    return replace(seen, fetches=tuple(page.fetches), twin=text), faults


def _content_of(part: MIMEPart | None) -> str:
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _resolve(mail: EmailMessage, page: Page) -> tuple[tuple[bytes, ...], list[str]]:
    """The pictures that stand within the page, then those that hang on the mail; and what is missing."""
    by_id = {str(part["Content-ID"]).strip("<>"): part for part in mail.walk() if "Content-ID" in part}
    shown: list[bytes] = []
    missing: list[str] = []
    for source in page.pictures:
        found = _CID.fullmatch(source)
        part = by_id.get(found["id"]) if found else None
        content = part.get_payload(decode=True) if part is not None else None
        if isinstance(content, bytes) and size_of_picture(content):
            shown.append(content)
        else:
            missing.append(source)
    return (*shown, *(one for one in _enclosed(mail) if one not in shown)), missing


def _enclosed(mail: EmailMessage) -> tuple[bytes, ...]:
    contents = (
        part.get_payload(decode=True) for part in mail.walk() if part.get_content_maintype() == "image"
    )
    return tuple(content for content in contents if isinstance(content, bytes))
