"""A file system that never answers: whoever asks it for a file waits in the kernel, where SIGKILL does not reach."""

import contextlib
import ctypes
import os
import select
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEVICE = Path("/dev/fuse")
_MNT_DETACH = 2
_ASKED = struct.Struct("<IIQQIIII")  # length, what, its number, node, user, group, process, padding
_ANSWERED = struct.Struct("<IiQ")
_INIT = 26
_libc = ctypes.CDLL(None, use_errno=True)


class SilentDisk:
    """The mounted file system; it speaks FUSE as far as the first hello."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._device = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0".encode()
        if _libc.mount(b"m1-silent", os.fsencode(place), b"fuse", 0, options):
            os.close(self._device)
            raise OSError(ctypes.get_errno(), "mount")
        what, number, _ = self._asked()
        assert what == _INIT
        hello = struct.pack("<IIIIHHII", 7, 31, 0, 0, 0, 0, 4096, 1).ljust(64, b"\0")
        os.write(self._device, _ANSWERED.pack(_ANSWERED.size + len(hello), 0, number) + hello)

    def victim(self, seconds: float) -> int:
        """Return the process that has asked for something; it gets no answer."""
        assert select.select([self._device], [], [], seconds)[0], "nobody asked"
        return self._asked()[2]

    def end(self) -> None:
        """Let everybody go: what they asked for has failed."""
        if self._device < 0:
            return
        os.close(self._device)
        self._device = -1
        _libc.umount2(os.fsencode(self.place), _MNT_DETACH)

    def _asked(self) -> tuple[int, int, int]:
        asked = os.read(self._device, 1 << 17)
        _, what, number, _, _, _, process, _ = _ASKED.unpack_from(asked)
        return what, number, process


@contextmanager
def silent_disk(place: Path) -> Iterator[SilentDisk]:
    """Have one there until the end of the block. Raises OSError where this machine does not allow it."""
    place.mkdir()
    disk = SilentDisk(place)
    try:
        yield disk
    finally:
        disk.end()


def why_none(place: Path) -> str:
    """Return "" if this machine allows it, else why not."""
    try:
        with silent_disk(place):
            return ""
    except OSError as error:
        with contextlib.suppress(OSError):
            place.rmdir()
        return f"needs FUSE and the right to mount: {error}"
