"""The page of a digest as it reaches a mail server: its pictures, its tiles, and its plain text."""

from __future__ import annotations

from inventing import DIGEST, invent_change
from sinks import MailSink

from feedwatch.core.messages import Delivered, Outgoing, OwedDelivery, Picture
from feedwatch.core.render import compose_message
from feedwatch.notify import Notifier
from feedwatch.sandbox.art import draw_box_art
from feedwatch.scribe import compile_templates


async def test_a_digest_arrives_as_a_page_with_its_pictures_and_its_twin() -> None:
    """A picture that was fetched is in the mail and on the page; one that failed has left its tile."""
    scribe, _ = compile_templates({})
    changes = [
        invent_change(n, title=title, picture=f"https://films.example/{n}.png")
        for n, title in enumerate(("Paper Boats", "Harbour Lights"), start=1)
    ]
    owed = [OwedDelivery(change.id, "mail/1", change) for change in changes]
    with MailSink() as sink:
        notifier = Notifier()
        style = notifier.style_of(sink.url)
        made = compose_message(owed, style, batch=DIGEST, scribe=scribe)
        came = Picture(made.pictures[0].name, "image/png", draw_box_art(1))
        message = Outgoing(made.title, made.body, made.markup, made.twin, pictures=(came,))
        assert await notifier.send("mail/1", sink.url, message) == Delivered()
        (mail,) = sink.wait_for(1)
    assert "<!doctype html>" in mail.html
    assert mail.html.count("<img") == 1
    assert 'src="cid:picture-1.png"' in mail.html
    assert ">H</div>" in mail.html
    assert all(change.title in mail.html for change in changes)
    assert "added Harbour Lights (1961) at 3" in mail.text
