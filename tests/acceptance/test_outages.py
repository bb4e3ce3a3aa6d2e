"""What becomes of messages while a target is broken: nothing is lost, reordered, doubled or held up."""

from __future__ import annotations

from daemons import Scene
from sinks import MailSink, Reply, WebhookSink

pytest_plugins = ("playing",)

_QUICK_RETRIES = "retry: {first: 50ms, most: 200ms, give_up: 1h}\n"


def test_ten_refusals_then_all_arrives_in_order_once(small: Scene, hook: WebhookSink) -> None:
    """A webhook answers 500 ten times while things happen: then everything comes, in order, once."""
    small.configure({"hook": hook.url}, _QUICK_RETRIES)
    small.poll()
    hook.script(*[500] * 10)
    names: list[str] = []
    statuses = []
    while len(hook.messages) < 3:
        if len(names) < 4:
            names.append(small.world.add().name)
        statuses.append(small.do("poll").status)
    assert statuses.count(1) == 10, "each poll that told nobody says so"
    assert statuses[-1] == 0
    told = [message["message"] for message in hook.messages[1:]]
    order = [name for text in told for line in text.splitlines() for name in names if name in line]
    assert order == names
    refused = [each.json["message"] for each in hook.received if each.status == 500]
    assert len(refused) == 10
    assert set(refused) == {told[0]}, "what was refused is sent again unchanged"


def test_a_hanging_or_failing_target_delays_no_other(small: Scene, hook: WebhookSink) -> None:
    """One says nothing, one always fails: a third gets all at once, and nothing overtakes what hangs."""
    with (
        WebhookSink(after_script=Reply(hang=True)) as silent,
        WebhookSink(after_script=500) as failing,
    ):
        urls = {"silent": silent.url, "failing": failing.url, "hook": hook.url}
        small.configure(urls, _QUICK_RETRIES)
        daemon = small.start("run")
        for sink in (silent, failing, hook):
            sink.wait_for(1)
        for number in range(1, 3):
            name = small.world.add().name
            assert name in hook.wait_for(1 + number)[-1].json["message"]
        assert len(silent.received) == 1
        assert len(failing.received) >= 2
        daemon.kill()


def test_a_dead_target_keeps_its_deliveries(small: Scene, hook: WebhookSink) -> None:
    """Nobody listens at one target: `poll` says so and ends with 1; it gets all once it is back."""
    with WebhookSink() as gone:
        url = gone.url
    small.configure({"dead": url, "hook": hook.url}, _QUICK_RETRIES)
    done = small.do("poll")
    assert done.status == 1
    assert "dead/1" in done.err
    assert len(hook.messages) == 1
    waiting = small.do("outbox", "--json").rows
    assert [(row["state"], row["reason"]) for row in waiting if row["target"] == "dead/1"] == [
        ("pending", "unreachable")
    ]
    with WebhookSink() as back:
        small.configure({"dead": back.url, "hook": hook.url}, _QUICK_RETRIES)
        small.poll()
        assert [m["message"] for m in back.messages] == [m["message"] for m in hook.messages]


def test_a_feed_that_hangs_delays_no_other(small: Scene, hook: WebhookSink) -> None:
    """While one feed never ends its reply, the others are polled again and again, and told of."""
    small.configure({"hook": hook.url}, "")
    small.poll()
    polls = dict(small.world.requests["queue"])
    small.world.fail(feed="ratings", fault="drip", times=100)
    small.start("run")
    for number in range(1, 3):
        name = small.world.add().name
        assert name in hook.wait_for(1 + number, within=10)[-1].json["message"]
    assert small.world.requests["queue"]["all"] >= polls["all"] + 2


def test_the_same_change_comes_by_mail(small: Scene, hook: WebhookSink) -> None:
    """Over real SMTP: a subject that says it, readable text, and HTML with the title's link."""
    with MailSink() as mailbox:
        small.configure({"hook": hook.url, "mail": mailbox.url})
        small.poll()
        mailbox.wait_for(1)
        title = small.world.move(start=20, to=1)
        small.poll()
        mail = mailbox.wait_for(2)[-1]
    told = hook.messages[-1]["message"]
    assert title.name in told
    assert mail.sender == "feedwatch@example.org"
    assert mail.recipients == ("jane@example.org",)
    words = f"{title.name} ({title.year}) moved from 20 to 1"
    assert words in mail.subject
    assert words in mail.text
    assert "<li>" not in mail.text
    assert title.name in mail.html
    assert "<li>" in mail.html
