#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many processes at once on a file system, until it is gone or a number of rounds is done.

storm.py MOUNT CALLERS ROUNDS [PID]

Each caller keeps files of its own, whose bytes it compares, and works on names that it shares with the others, where only the
kind of errors is looked at. With PID it is that of the file system: after a moment it is killed, and each caller has to get
an error within a time. Prints one line; the exit code is 0 if all was well.
"""
import errno
import mmap
import os
import random
import signal
import sys
import time

# Now and then the driver refuses to rename with EACCES while others use the names; why is not known yet.
RACES = {errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR, errno.ESTALE, errno.EBUSY}
GONE = {errno.ENOTCONN, errno.ECONNABORTED, errno.EIO, errno.ENODEV}


class Wrong(Exception):
    pass


def shared(top, choose):
    """A call on a name that others use, too."""
    def name():
        return f"{top}/shared/{choose.randrange(6)}"

    what = choose.randrange(9)
    if what == 0:
        os.mkdir(name())
    elif what == 1:
        os.rmdir(name())
    elif what == 2:
        os.unlink(name())
    elif what == 3:
        os.rename(name(), name())
    elif what == 4:
        for entry in os.scandir(top + "/shared"):
            entry.stat(follow_symlinks=False)
    elif what == 5:
        os.symlink("x", name())
    elif what == 6:
        os.truncate(name(), choose.randrange(10000))
    elif what == 7:
        os.stat(name())
    else:
        fd = os.open(name(), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            os.pwrite(fd, b"x" * choose.randrange(1, 5000), choose.randrange(5000))
            os.pread(fd, 5000, 0)
            os.fstat(fd)
        finally:
            os.close(fd)


def own(top, me, choose, model):
    """A call on a file that nobody else touches: its bytes are known."""
    path = f"{top}/own{me}/{choose.randrange(3)}"
    data = model.setdefault(path, bytearray())
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if bytes(data) != os.pread(fd, 200000, 0):
            raise Wrong(f"{path} is not what was written")
        at, piece = choose.randrange(20000), bytes([choose.randrange(256)]) * choose.randrange(1, 20000)
        if choose.randrange(3) or at + len(piece) > len(data):
            os.pwrite(fd, piece, at)
            data.extend(bytes(max(0, at + len(piece) - len(data))))
        else:
            with mmap.mmap(fd, 0) as view:
                view[at:at + len(piece)] = piece
        data[at:at + len(piece)] = piece
        if choose.randrange(8) == 0:
            os.ftruncate(fd, at)
            del data[at:]
            data.extend(bytes(at - len(data)))
        if choose.randrange(8) == 0:
            os.fsync(fd)
    finally:
        os.close(fd)
    if choose.randrange(8) == 0:
        os.rename(path, path + "x")
        model[path + "x"] = model.pop(path)
        os.rename(path + "x", path)
        model[path] = model.pop(path + "x")


def caller(top, me, rounds):
    """@return an exit code: 0 all rounds done, 1 wrong, 3 the file system is gone"""
    choose = random.Random(me)
    model = {}
    try:
        os.mkdir(f"{top}/own{me}")
        while rounds:
            rounds -= 1
            try:
                shared(top, choose)
            except OSError as e:
                if e.errno not in RACES:
                    raise
            own(top, me, choose, model)
    except OSError as e:
        if rounds < 0 and e.errno in GONE:
            return 3
        line = e.__traceback__
        while line.tb_next:
            line = line.tb_next
        print(f"caller {me}, line {line.tb_lineno}: {e}", file=sys.stderr)
        return 1
    except Wrong as e:
        print(f"caller {me}: {e}", file=sys.stderr)
        return 1
    return 0


def main(top, callers, rounds, pid=0):
    os.mkdir(top + "/shared")
    children = {}
    for me in range(callers):
        child = os.fork()
        if child == 0:
            # A mapping of a file that is gone is this signal, not an error number.
            signal.signal(signal.SIGBUS, lambda *_: os._exit(3 if pid else 4))
            os._exit(caller(top, me, rounds if not pid else -1))
        children[child] = me
    expected = 0
    if pid:
        time.sleep(0.5)
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        expected = 3
    wrong = 0
    while children:
        child, status = os.wait()
        me = children.pop(child)
        if os.waitstatus_to_exitcode(status) != expected:
            print(f"caller {me} ended with {os.waitstatus_to_exitcode(status)}", file=sys.stderr)
            wrong += 1
    if pid:
        print(f"{callers} callers, the last one heard of it after {time.monotonic() - killed:.2f} s")
    else:
        print(f"{callers} callers, {rounds} rounds each")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
