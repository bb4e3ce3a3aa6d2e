"""The offer to have systemd run feedwatch for the person who asks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from feedwatch.config.places import config_home
from feedwatch.starting.dialogue import Dialogue
from feedwatch.starting.placing import replace_file, show_path
from feedwatch.starting.unit import (
    IS_ACTIVE,
    LINGER,
    NAME,
    RELOAD,
    RESTART,
    START,
    compose_unit,
    find_command,
    run,
)


def offer_service(dialogue: Dialogue, file: Path) -> bool:
    """Offer to have systemd run it for this person; whether it runs now."""
    dialogue.head("As a service")
    if not shutil.which("systemctl"):
        dialogue.say("There is no systemd here. Have whatever starts programs at your place start this:")
        dialogue.show([" ".join([*find_command(), "--config", str(file), "run"])])
        return False
    place = config_home(os.environ) / "systemd" / "user" / NAME
    dialogue.say("systemd can run it for you, without root, and start it again whenever it ends.")
    if not dialogue.confirm(f"Write {show_path(place)} and start it?"):
        dialogue.say("README.md says how to do that later.", indent="  ")
        return False
    if not _write_unit(dialogue, place, compose_unit(find_command(), str(file))):
        return False
    return _start_service(dialogue)


def _write_unit(dialogue: Dialogue, place: Path, unit: str) -> bool:
    try:
        if place.is_file() and place.read_text(encoding="utf-8", errors="replace") == unit:
            return True
        kept = replace_file(place, unit)
    except OSError as error:
        dialogue.say(f"It cannot be written: {error.strerror}.", indent="  ")
        return False
    if kept:
        dialogue.say(f"The one before is kept: {show_path(kept)}", indent="  ")
    return True


def _start_service(dialogue: Dialogue) -> bool:
    anew = (RESTART,) if run(IS_ACTIVE) is None else ()
    for command in (RELOAD, START, *anew):
        if problem := run(command):
            dialogue.say(f"{' '.join(command)} did not work: {problem}", indent="  ")
            dialogue.say("When systemd can be reached (log in anew, not by su or sudo), type:")
            dialogue.show([" ".join(RELOAD), " ".join(START)])
            return False
    dialogue.say("It runs. While you are not logged in it does so too, once you have typed:")
    dialogue.show([" ".join(LINGER)])
    return True
