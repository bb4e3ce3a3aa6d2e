"""Files and folders made beside a state: what root makes there belongs to whom the folder belongs to.

An administrator types a command beside a service that runs as a user of its own, and the service must be able
to open what that has left. Only what is certainly new is given away: another name of a file of root's, laid
there before, would give that file away.
"""

from __future__ import annotations

import os
from pathlib import Path


def open_beside(path: Path, flags: int, mode: int) -> int:
    """Open a file, made if there is none; gives its handle.

    Raises:
        OSError: it cannot be opened, or made.
    """
    try:
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return os.open(path, flags | os.O_CREAT, mode)
    try:
        _give_away(handle, path.parent)
    except BaseException:
        os.close(handle)
        raise
    return handle


def make_folder(path: Path) -> None:
    """Make a folder that nobody else may look into, and those on the way to it; one that is there stays.

    Raises:
        OSError: it cannot be made.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    if os.geteuid() == 0:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _give_away(handle, path.parent)
        finally:
            os.close(handle)


def _give_away(handle: int, folder: Path) -> None:
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(handle, owner.st_uid, owner.st_gid)
