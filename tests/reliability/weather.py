"""Everything a server can do to a poll: each fault bends one answer, or every answer while it lasts."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from front import Fault, Reply, Visit, with_body

from feedwatch.sandbox.documents import write_status

SILENCE = 5.0
"""Seconds that a server says nothing, or drips: longer than the polls of these runs wait."""
_ELSEWHERE = "http://127.0.0.2"


# ── the rows of the table: a status and what goes with it ─────────────────────────────────────────


def refuse(status: int, message: str = "Something", **headers: str) -> Fault:
    """Answer with a status document of the API."""

    async def answer(visit: Visit) -> bool:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await visit.send(
            Reply(status, {"content-type": "text/xml", **named}, _status(status, message)).write()
        )
        return True

    return answer


def _status(status: int, message: str) -> bytes:
    return write_status(status, message).encode()


def redirect(status: int) -> Fault:
    """Send to the same list at a longer address, which answers truly."""

    async def answer(visit: Visit) -> bool:
        if "hop=1" in visit.target:
            await visit.send(visit.truth.write())
            return True
        joint = "&" if "?" in visit.target else "?"
        there = f"{visit.front.base('news' if visit.name == 'news' else 'api')}{visit.target}{joint}hop=1"
        await visit.send(Reply(status, {"location": there}, b"").write())
        return True

    return answer


async def redirect_in_circles(visit: Visit) -> bool:
    """Send to itself."""
    door = "news" if visit.name == "news" else "api"
    await visit.send(Reply(302, {"location": visit.front.base(door) + visit.target}, b"").write())
    return True


async def redirect_elsewhere(visit: Visit) -> bool:
    """Send to another host, with all that the address holds."""
    await visit.send(Reply(307, {"location": _ELSEWHERE + visit.target}, b"").write())
    return True


def redirect_to(location: str) -> Fault:
    """Send to one and the same address, whatever was asked for."""

    async def answer(visit: Visit) -> bool:
        await visit.send(Reply(302, {"location": location}, b"").write())
        return True

    return answer


async def redirect_to_tls(visit: Visit) -> bool:
    """Send to the same port, as if TLS were spoken there."""
    there = visit.front.base("news").replace("http:", "https:")
    await visit.send(Reply(302, {"location": f"{there}/list"}, b"").write())
    return True


# ── the connection ────────────────────────────────────────────────────────────────────────────────


async def reset_at_once(visit: Visit) -> bool:
    """Cut the connection where the answer should begin."""
    visit.reset()
    return False


async def reset_in_head(visit: Visit) -> bool:
    """Cut it within the headers."""
    await visit.send(visit.truth.write()[:40])
    visit.reset()
    return False


async def reset_in_body(visit: Visit) -> bool:
    """Cut it in the middle of the list."""
    whole = visit.truth.write()
    await visit.send(whole[: len(whole) - len(visit.truth.body) // 2 - 1])
    visit.reset()
    return False


async def send_half(visit: Visit) -> bool:
    """End in order, but in the middle of the list."""
    whole = visit.truth.write()
    await visit.send(whole[: len(whole) - len(visit.truth.body) // 2 - 1])
    return False


async def promise_too_much(visit: Visit) -> bool:
    """Promise more bytes than there are."""
    await visit.send(visit.truth.write(content_length=str(len(visit.truth.body) + 1000)))
    return False


async def promise_too_little(visit: Visit) -> bool:
    """Promise half the bytes: what is read is half a document."""
    await visit.send(visit.truth.write(content_length=str(len(visit.truth.body) // 2)))
    return False


async def promise_nonsense(visit: Visit) -> bool:
    """Promise a number of bytes that is none."""
    await visit.send(visit.truth.write(content_length="-1"))
    return False


async def break_chunks(visit: Visit) -> bool:
    """Send the list in chunks whose lengths are wrong."""
    await visit.send(Reply(200, {}, b"").write(content_length=None, transfer_encoding="chunked"))
    await visit.send(b"ffff\r\n" + visit.truth.body[:100] + b"\r\nzz\r\n")
    return False


async def end_chunks_early(visit: Visit) -> bool:
    """Send half the list in one good chunk, and never the last one."""
    body = visit.truth.body[: len(visit.truth.body) // 2]
    await visit.send(Reply(200, {}, b"").write(content_length=None, transfer_encoding="chunked"))
    await visit.send(f"{len(body):x}\r\n".encode() + body + b"\r\n")
    return False


async def say_nothing(visit: Visit) -> bool:
    """Take the request, and no more."""
    await visit.wait_for_end(SILENCE)
    return False


async def stop_in_body(visit: Visit) -> bool:
    """Send half the list, and hold the connection."""
    whole = visit.truth.write()
    await visit.send(whole[: len(whole) - len(visit.truth.body) // 2 - 1])
    await visit.wait_for_end(SILENCE)
    return False


async def drip(visit: Visit) -> bool:
    """Send the list, a byte at a time."""
    for byte in visit.truth.write():
        await visit.send(bytes([byte]))
        await asyncio.sleep(0.02)
        if visit.writer.transport.is_closing():
            break
    return False


async def talk_without_end(visit: Visit) -> bool:
    """Send headers for ever."""
    await visit.send(b"HTTP/1.1 200 Said\r\n")
    for number in range(100_000):
        await visit.send(f"X-More-{number}: and more\r\n".encode())
        if visit.writer.transport.is_closing():
            break
    return False


async def speak_otherwise(visit: Visit) -> bool:
    """Answer in another protocol."""
    await visit.send(b"220 mail.example.org ESMTP\r\n")
    return False


# ── compression and size ──────────────────────────────────────────────────────────────────────────

_BOMB = zlib.compress(b" " * 50_000_000, 9)


async def send_bomb(visit: Visit) -> bool:
    """Send a few kilobytes that unpack to fifty megabytes."""
    await visit.send(Reply(200, {"content-encoding": "deflate"}, _BOMB).write())
    return True


async def send_cut_gzip(visit: Visit) -> bool:
    """Send a compressed list that ends too early."""
    packed = gzip.compress(visit.truth.body)
    await visit.send(Reply(200, {"content-encoding": "gzip"}, packed[: len(packed) // 2]).write())
    return True


async def send_false_gzip(visit: Visit) -> bool:
    """Call a list compressed that is not."""
    await visit.send(visit.truth.write(content_encoding="gzip"))
    return True


async def send_too_much(visit: Visit) -> bool:
    """Send more than anybody wants."""
    await visit.send(Reply(200, {}, b"").write(content_length=str(40_000_000)))
    for _ in range(40):
        if visit.writer.transport.is_closing():
            break
        await visit.send(b" " * 1_000_000)
    return False


# ── what is served is not the list ────────────────────────────────────────────────────────────────

_FOREIGN: Mapping[str, bytes] = {
    "an HTML page with 200": b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>?</body></html>",
    "an error document with 200": _status(500, "Internal error"),
    "an XML declaration alone": b'<?xml version="1.0" encoding="utf-8"?>\n',
    "an empty body": b"",
    "a foreign document with 200": b"<catalog><title>Nothing of yours</title></catalog>",
    "a cut document": b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><id>x</id><tit',
    "entities": b'<!DOCTYPE f [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><feed>&b;</feed>',
    "JSON that is no feed": b'{"error": "try again later"}',
    "bytes of no kind": bytes(range(256)) * 8,
}


def serve_foreign(body: bytes) -> Fault:
    """Answer 200 with something that is not the list."""

    async def answer(visit: Visit) -> bool:
        await visit.send(with_body(visit.truth, body).write())
        return True

    return answer


async def serve_empty_list(visit: Visit) -> bool:
    """Show an empty list that is not true, once."""
    with _as_if_empty(visit):
        await visit.send((await visit.ask_again()).write(etag=None))
    return True


async def serve_part_of_list(visit: Visit) -> bool:
    """Show a third of the queue as if it were all of it, once."""
    world = visit.front.sandbox.world
    with world.lock:
        whole, world.queue = world.queue, world.queue[: max(len(world.queue) // 3, 1)]
        try:
            part = await visit.ask_again()
        finally:
            world.queue = whole
    await visit.send(part.write(etag=None))
    return True


@contextmanager
def _as_if_empty(visit: Visit) -> Iterator[None]:
    world, news = visit.front.sandbox.world, visit.front.news
    lists = {name: getattr(world, name) for name in ("queue", "history", "ratings", "recommendations")}
    posts = news.posts
    with world.lock:
        try:
            news.posts = []
            for name in lists:
                setattr(world, name, [])
            yield
        finally:
            news.posts = posts
            for name, entries in lists.items():
                setattr(world, name, entries)


async def serve_stale(visit: Visit) -> bool:
    """Show what the list was a while ago, as a cache does that nobody told."""
    await visit.send((visit.front.recall(visit.name) or visit.truth).write(etag=None))
    return True


async def answer_unasked(visit: Visit) -> bool:
    """Answer 304 though no condition was made."""
    await visit.send(Reply(304, {}, b"").write())
    return True


async def latch(visit: Visit) -> bool:
    """Answer 304 to every condition, for ever; whoever makes none is served."""
    if "if-none-match" in visit.headers or "if-modified-since" in visit.headers:
        await visit.send(Reply(304, {"etag": '"latched"'}, b"").write())
        return True
    await visit.send(visit.truth.write(etag='"latched"'))
    visit.front.seen[visit.name] = visit.front.version(visit.name)
    return True


async def freeze_etag(visit: Visit) -> bool:
    """Serve truly, but under an etag that never changes, and never answer 304."""
    reply = visit.truth if visit.truth.status == 200 else await visit.front.ask(visit.target, {})
    await visit.send(reply.write(etag='"frozen"'))
    visit.front.seen[visit.name] = visit.front.version(visit.name)
    return True


STATUSES: Mapping[str, Fault] = {
    "400": refuse(400, "parameter is invalid"),
    "401 Bad feed token": refuse(401, "Bad feed token"),
    "403 Invalid feed token": refuse(403, "Invalid feed token"),
    "403 over a rate": refuse(403, "Over queries per second limit"),
    "403 for another reason": refuse(403, "Application is not allowed"),
    "404": refuse(404, "Resource not found"),
    "429": refuse(429, "Too many requests"),
    "429 with seconds": refuse(429, "Too many requests", Retry_After="1800"),
    "500": refuse(500, "Internal error"),
    "502": refuse(502, "Bad gateway"),
    "503": refuse(503, "Service unavailable"),
    "503 with a time": refuse(503, "Service unavailable", Retry_After="3600"),
    "504": refuse(504, "Gateway time-out"),
    "418": refuse(418, "A teapot"),
    "204": refuse(204, ""),
}
"""Every row of the design's section 7 that is a refusal (but 410, which is for good)."""

REDIRECTS: Mapping[str, Fault] = {
    **{f"redirect {status}": redirect(status) for status in (301, 302, 303, 307, 308)},
    "a redirect in circles": redirect_in_circles,
    "a redirect to another host": redirect_elsewhere,
    "a redirect to no address": redirect_to("javascript:alert(1)"),
    "a redirect to no host's name (DNS)": redirect_to("http://nowhere.invalid/list"),
    "a redirect to what speaks no TLS": redirect_to_tls,
}

CONNECTIONS: Mapping[str, Fault] = {
    "reset at once": reset_at_once,
    "reset within the headers": reset_in_head,
    "reset within the list": reset_in_body,
    "half a body": send_half,
    "a length too long": promise_too_much,
    "a length too short": promise_too_little,
    "a length that is none": promise_nonsense,
    "wrong chunks": break_chunks,
    "no last chunk": end_chunks_early,
    "headers without end": talk_without_end,
    "another protocol": speak_otherwise,
    "a gzip bomb": send_bomb,
    "a cut gzip": send_cut_gzip,
    "a false gzip": send_false_gzip,
    "forty megabytes": send_too_much,
}
SLOW: Mapping[str, Fault] = {
    "no answer": say_nothing,
    "half a list and silence": stop_in_body,
    "a slow drip": drip,
}
"""These take as long as a poll waits."""

UNTRUE: Mapping[str, Fault] = {
    **{name: serve_foreign(body) for name, body in _FOREIGN.items()},
    "304 unasked": answer_unasked,
}
DOUBTFUL: Mapping[str, Fault] = {
    "an empty list that is not true": serve_empty_list,
    "a third of the list": serve_part_of_list,
}
"""Believed only if seen twice: never played twice in a row."""
