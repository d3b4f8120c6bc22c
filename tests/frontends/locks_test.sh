#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# POSIX (fcntl), OFD and BSD locks among processes. They are the Linux kernel's own (docs/architecture.md).
. "$(dirname "$0")/mount.sh"
start_memfs || exit 1
cat >"$T/locks.py" <<'END'
import errno, fcntl, os, signal, struct, sys, time

os.chdir(sys.argv[1])
F_OFD_SETLK, F_OFD_SETLKW = 37, 38

def lock(kind, start, length):
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)

def posix(fd, kind, start, length, wait=False):
    fcntl.fcntl(fd, fcntl.F_SETLKW if wait else fcntl.F_SETLK, lock(kind, start, length))

def ofd(fd, kind, start, length, wait=False):
    fcntl.fcntl(fd, F_OFD_SETLKW if wait else F_OFD_SETLK, lock(kind, start, length))

def bsd(fd, kind, start, length, wait=False):
    how = {fcntl.F_RDLCK: fcntl.LOCK_SH, fcntl.F_WRLCK: fcntl.LOCK_EX, fcntl.F_UNLCK: fcntl.LOCK_UN}[kind]
    fcntl.flock(fd, how | (0 if wait else fcntl.LOCK_NB))

def refused(call, *arguments):
    try:
        call(*arguments)
    except OSError as e:
        return e.errno in (errno.EAGAIN, errno.EACCES)
    return False

class Child:
    """Runs a function in a process with an open file of its own; says when it is ready, waits to be told to go on."""
    def __init__(self, function, path="f"):
        self.ready, ready = os.pipe()
        go, self.go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.go)
            code = 1
            try:
                function(os.open(path, os.O_RDWR), lambda: (os.write(ready, b"r"), os.read(go, 1)))
                code = 0
            except OSError as e:
                code = e.errno
            finally:
                os._exit(code)
        os.close(ready)
        os.close(go)
        assert os.read(self.ready, 1) == b"r", "child ended"

    def finish(self, how=None):
        if how:
            os.kill(self.pid, how)
        os.write(self.go, b"g") if not how else None
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.go)
        os.close(self.ready)
        return os.waitstatus_to_exitcode(status)

def waits_then_gets(kind):
    """A second process blocks until the first lets go."""
    def waiter(fd, ready):
        ready()
        kind(fd, fcntl.F_WRLCK, 0, 10, True)
    fd = os.open("f", os.O_RDWR)
    kind(fd, fcntl.F_WRLCK, 0, 10)
    child = Child(waiter)
    os.write(child.go, b"g")
    time.sleep(0.1)
    assert os.waitpid(child.pid, os.WNOHANG) == (0, 0), "did not wait"
    kind(fd, fcntl.F_UNLCK, 0, 10)
    assert os.waitpid(child.pid, 0)[1] == 0
    os.close(fd)

def waiting_is_interrupted(kind):
    def waiter(fd, ready):
        signal.signal(signal.SIGALRM, lambda *a: (_ for _ in ()).throw(InterruptedError(errno.EINTR, "alarm")))
        ready()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        kind(fd, fcntl.F_WRLCK, 0, 10, True)
    fd = os.open("f", os.O_RDWR)
    kind(fd, fcntl.F_WRLCK, 0, 10)
    start = time.time()
    child = Child(waiter)
    assert child.finish() == errno.EINTR and time.time() - start < 2
    killed = Child(lambda fd, ready: (ready(), kind(fd, fcntl.F_WRLCK, 0, 10, True)))
    os.write(killed.go, b"g")
    time.sleep(0.05)
    assert killed.finish(signal.SIGKILL) == -signal.SIGKILL and time.time() - start < 3
    os.close(fd)

def death_releases(kind):
    def holder(fd, ready):
        kind(fd, fcntl.F_WRLCK, 0, 10)
        ready()
    child = Child(holder)
    fd = os.open("f", os.O_RDWR)
    assert refused(kind, fd, fcntl.F_WRLCK, 0, 10), "is not locked"
    child.finish(signal.SIGKILL)
    kind(fd, fcntl.F_WRLCK, 0, 10)
    os.close(fd)

def ranges_split_and_merge(kind):
    fd = os.open("f", os.O_RDWR)
    kind(fd, fcntl.F_WRLCK, 0, 100)
    kind(fd, fcntl.F_UNLCK, 40, 20)
    kind(fd, fcntl.F_RDLCK, 80, 20)
    def probe(other, ready):
        ready()
        assert refused(kind, other, fcntl.F_RDLCK, 0, 40)
        kind(other, fcntl.F_WRLCK, 40, 20)
        assert refused(kind, other, fcntl.F_RDLCK, 79, 1)
        kind(other, fcntl.F_RDLCK, 80, 20)
        assert refused(kind, other, fcntl.F_WRLCK, 80, 20)
    assert Child(probe).finish() == 0
    os.close(fd)

def deadlock_is_found():
    fd = os.open("f", os.O_RDWR)
    posix(fd, fcntl.F_WRLCK, 0, 1)
    def other(fd, ready):
        posix(fd, fcntl.F_WRLCK, 1, 1)
        ready()
        posix(fd, fcntl.F_WRLCK, 0, 1, True)
    child = Child(other)
    os.write(child.go, b"g")
    time.sleep(0.1)
    try:
        posix(fd, fcntl.F_WRLCK, 1, 1, True)
        raise SystemExit("no deadlock found")
    except OSError as e:
        assert e.errno == errno.EDEADLK, e
    os.close(fd) # lets the other one go on
    assert os.waitpid(child.pid, 0)[1] == 0

def any_close_drops_posix_locks():
    fd = os.open("f", os.O_RDWR)
    posix(fd, fcntl.F_WRLCK, 0, 10)
    os.close(os.open("f", os.O_RDONLY))
    assert Child(lambda other, ready: (ready(), posix(other, fcntl.F_WRLCK, 0, 10))).finish() == 0
    ofd(fd, fcntl.F_WRLCK, 0, 10)
    os.close(os.open("f", os.O_RDONLY))
    def probe(other, ready):
        ready()
        assert refused(ofd, other, fcntl.F_WRLCK, 0, 10)
    assert Child(probe).finish() == 0
    os.close(fd)

def locks_do_not_stop_io():
    fd = os.open("f", os.O_RDWR)
    posix(fd, fcntl.F_WRLCK, 0, 10)
    def writer(other, ready):
        ready()
        assert os.pwrite(other, b"x", 0) == 1 and os.pread(other, 1, 0) == b"x"
    assert Child(writer).finish() == 0
    os.close(fd)

def counter_under(kind):
    """Several processes count to a number; without mutual exclusion some of it would be lost."""
    with open("count", "w") as count:
        count.write("0")
    def work(fd, ready):
        ready()
        for _ in range(50):
            kind(fd, fcntl.F_WRLCK, 0, 0, True)
            n = int(os.pread(fd, 20, 0))
            os.pwrite(fd, b"%d" % (n + 1), 0)
            kind(fd, fcntl.F_UNLCK, 0, 0)
    children = [Child(work, "count") for _ in range(4)]
    for child in children:
        os.write(child.go, b"g")
    assert all(os.waitpid(child.pid, 0)[1] == 0 for child in children)
    assert open("count").read() == "200", open("count").read()

open("f", "w").close()
for each in sys.argv[2:]:
    print(each, flush=True)
    test, _, kind = each.partition(":")
    globals()[test](*([globals()[kind]] if kind else []))
END
for kind in posix ofd bsd; do
    check "$kind locks: waiting, interrupted waiting, release at death, mutual exclusion" timeout 60 python3 "$T/locks.py" "$M" \
        {waits_then_gets,waiting_is_interrupted,death_releases,counter_under}:$kind
done
check "ranges split and merge" timeout 60 python3 "$T/locks.py" "$M" ranges_split_and_merge:{posix,ofd}
check "deadlocks are found, any close drops POSIX locks, locks are advisory" timeout 60 python3 "$T/locks.py" "$M" \
    deadlock_is_found any_close_drops_posix_locks locks_do_not_stop_io
finish
