"""What a sync of a catalog of 100 MB takes, and what a second one of the same: `make bench`.

The command itself runs, in a process of its own, against a server on this machine. Beside it the floor: the
same download, unpacked and gone through by expat, which is told to do nothing with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from indexes import stream_index

SIZE = 100_000_000
AIM = 120
"""Megabytes that the syncing process may have resident."""
_ETAG = '"one"'
_PIECE = 256 * 1024
_PEAK = """
import atexit, re, sys, time
def say():
    found = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())
    print(f"peak {found[1] if found else 0} {time.process_time()}", file=sys.stderr)
atexit.register(say)
"""
_SYNC = f"{_PEAK}\nfrom feedwatch.cli import main\nmain()"
_FLOOR = f"""{_PEAK}
import sys, urllib.request, zlib
from xml.parsers.expat import ParserCreate
request = urllib.request.Request(sys.argv[1], headers={{"Accept-Encoding": "gzip"}})
parser, unpacker = ParserCreate(), zlib.decompressobj(31)
with urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(request) as reply:
    while piece := reply.read(65536):
        parser.Parse(unpacker.decompress(piece))
parser.Parse(unpacker.flush(), True)
"""


@dataclass
class Index:
    """The index as it is served, packed, and how often it was asked for."""

    path: Path
    titles: int = 0
    size: int = 0
    statuses: list[int] = field(default_factory=list)

    def pack(self) -> None:
        """Generate it."""
        packer = zlib.compressobj(6, wbits=31)
        with self.path.open("wb") as file:
            for piece in stream_index(SIZE):
                self.titles += piece.startswith(b"  <title_index_item>")
                self.size += len(piece)
                file.write(packer.compress(piece))
            file.write(packer.flush())


@dataclass(frozen=True, slots=True)
class Run:
    """What a process took, and what it said."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    said: str


@contextmanager
def serve(index: Index) -> Iterator[str]:
    """Serve the index; gives the server's address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            same = self.headers.get("If-None-Match") == _ETAG
            index.statuses.append(304 if same else 200)
            self.send_response(index.statuses[-1])
            self.send_header("ETag", _ETAG)
            if not same:
                self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(index.path.stat().st_size))
            self.end_headers()
            with index.path.open("rb") as file:
                while not same and (piece := file.read(_PIECE)):
                    self.wfile.write(piece)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(program: str, *words: str) -> Run:
    """Run a program in a process of its own."""
    started_at = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=600, check=False
    )
    took = time.perf_counter() - started_at
    said, _, took_up = done.stderr.rpartition("peak ")
    if done.returncode:
        raise SystemExit(f"it failed: {done.stdout}{said}")
    peak, cpu = took_up.split()
    return Run(took, float(cpu), int(peak) * 1024 / 1_000_000, (done.stdout + said).strip())


def show(run: Run) -> str:
    """What a run took."""
    return f"{run.seconds:5.1f} s ({run.cpu_seconds:.1f} s of CPU), {run.megabytes:4.0f} MB"


def configure(folder: Path, server: str) -> Path:
    """Write a configuration with one account at the server."""
    account = {"service": "netflix", "url": server, "consumer_key": "key", "consumer_secret": "secret"}
    config = folder / "config.yaml"
    config.touch(mode=0o600)
    config.write_text(json.dumps({"state": "feedwatch.db", "accounts": {"jane": account}}))
    return config


def main() -> None:
    """Print time, memory and room, beside the floor and the aim."""
    with tempfile.TemporaryDirectory(prefix="feedwatch-bench-") as name:
        folder = Path(name)
        index = Index(folder / "index.xml.gz")
        index.pack()
        with serve(index) as server:
            command = ("--config", str(configure(folder, server)), "catalog")
            floor = run(_FLOOR, f"{server}/catalog/titles/index")
            first = run(_SYNC, *command, "sync")
            before = len(index.statuses)
            second = run(_SYNC, *command, "sync")
            asked = index.statuses[before:]
            found = run(_SYNC, *command, "search", "silent", "harb", "1979")
        (catalog,) = (each.stat().st_size / 1_000_000 for each in folder.glob("*-catalog-*.db"))
        packed = index.path.stat().st_size / 1_000_000
    ratio = first.cpu_seconds / floor.cpu_seconds
    sys.stdout.write(
        f"an index of {index.size / 1_000_000:.0f} MB ({packed:.1f} MB packed), {index.titles:,} titles\n"
        f"  synced in {show(first)} resident (the aim is {AIM})\n"
        f"  the floor {show(floor)}; ratio {ratio:.1f} of CPU\n"
        f"  the catalog takes {catalog:.1f} MB; a search {found.seconds:.2f} s, start and all\n"
        f"  synced again: requests {asked}, {second.seconds:.2f} s, {second.megabytes:.0f} MB\n"
        f"    {second.said}\n"
    )
    if first.megabytes >= AIM or asked != [304]:
        raise SystemExit("that is not what it must show")


if __name__ == "__main__":
    main()
