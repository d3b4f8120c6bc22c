#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a FUSE program hears of what applications do, on two libraries.

calls.py record MOUNT LOG OUT       does the actions on the mount of the program calls, which writes LOG
calls.py compare NAME A B EXPECTED  compares two recordings, but for the differences that EXPECTED explains

A recording is, for each action, the lines of the log in a form in which two runs can be compared (see `normal`).
EXPECTED has lines "RECORDING ACTION LINE...", patterns of fnmatch; a LINE begins with "- " (only on libfuse) or "+ " (only
on ours). One that is not needed any more is an error.
"""
import difflib
import errno
import fcntl
import fnmatch
import mmap
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time

ACTIONS = []


def action(function):
    ACTIONS.append(function)
    return function


def sh(command):
    subprocess.run(command, shell=True, cwd="/", check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def opened(path, flags, mode=0o644):
    class File:
        def __enter__(self):
            self.fd = os.open(path, flags, mode)
            return self.fd

        def __exit__(self, *_):
            os.close(self.fd)

    return File()


def put(path, data=b"hello\n"):
    with opened(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as fd:
        os.write(fd, data)


def refused(function, *arguments):
    try:
        function(*arguments)
    except OSError:
        pass


# What applications do. `d` is a directory of the action's own, `out` one outside of the mount. What `prepare` has made
# is not recorded.

@action
def look_at_a_file(d, out):
    os.stat(d + "/file")

@action
def look_for_nothing(d, out):
    refused(os.stat, d + "/nothing")

@action
def look_through_a_file(d, out):
    refused(os.stat, d + "/file/below")

@action
def touch_new(d, out):
    sh(f"touch {d}/new")

@action
def touch_old(d, out):
    sh(f"touch {d}/file")

@action
def touch_a_given_time(d, out):
    sh(f"touch -d 2001-02-03 {d}/file")

@action
def times_of_an_open_file(d, out):
    with opened(d + "/file", os.O_RDWR) as fd:
        os.utime(fd, (1, 2))

@action
def write_a_new_file(d, out):
    put(d + "/new")

@action
def overwrite_a_file(d, out):
    put(d + "/file", b"other\n")

@action
def append(d, out):
    for _ in range(3):
        with opened(d + "/file", os.O_WRONLY | os.O_APPEND) as fd:
            os.write(fd, b"more\n")

@action
def shell_appends(d, out):
    sh(f"echo more >>{d}/file")

@action
def read_a_file(d, out):
    with open(d + "/file", "rb") as f:
        f.read()

@action
def read_twice(d, out):
    for _ in range(2):
        with open(d + "/big", "rb") as f:
            f.read()

@action
def read_in_the_middle(d, out):
    with opened(d + "/big", os.O_RDONLY) as fd:
        os.pread(fd, 100, 50000)

@action
def write_in_the_middle(d, out):
    with opened(d + "/big", os.O_RDWR) as fd:
        os.pwrite(fd, b"x" * 100, 50000)

@action
def write_much(d, out):
    put(d + "/new", b"y" * 3000000)

@action
def write_to_a_hole(d, out):
    with opened(d + "/new", os.O_RDWR | os.O_CREAT) as fd:
        os.pwrite(fd, b"x", 1000000)
        os.lseek(fd, 0, os.SEEK_DATA)
        os.lseek(fd, 0, os.SEEK_HOLE)

@action
def direct_io(d, out):
    with opened(d + "/new", os.O_RDWR | os.O_CREAT | os.O_DIRECT) as fd:
        page = mmap.mmap(-1, 8192)
        os.pwritev(fd, [page], 0)
        os.preadv(fd, [page], 0)

@action
def create_exclusively(d, out):
    with opened(d + "/new", os.O_RDWR | os.O_CREAT | os.O_EXCL):
        pass
    refused(os.open, d + "/new", os.O_RDWR | os.O_CREAT | os.O_EXCL)

@action
def open_or_create(d, out):
    for _ in range(2):
        with opened(d + "/new", os.O_RDWR | os.O_CREAT):
            pass

@action
def open_nothing(d, out):
    refused(os.open, d + "/nothing", os.O_RDONLY)

@action
def open_a_directory_as_a_file(d, out):
    refused(os.open, d + "/sub", os.O_RDWR)

@action
def duplicate_and_close(d, out):
    with opened(d + "/file", os.O_RDWR) as fd:
        os.close(os.dup(fd))

@action
def stat_an_open_file(d, out):
    with opened(d + "/file", os.O_RDWR) as fd:
        os.fstat(fd)
        os.write(fd, b"x")
        os.fstat(fd)

@action
def truncate_by_name(d, out):
    os.truncate(d + "/big", 1000)

@action
def truncate_an_open_file(d, out):
    with opened(d + "/big", os.O_RDWR) as fd:
        os.ftruncate(fd, 1000)
        os.ftruncate(fd, 2000)

@action
def open_and_truncate(d, out):
    with opened(d + "/big", os.O_RDWR | os.O_TRUNC):
        pass

@action
def allocate(d, out):
    with opened(d + "/new", os.O_RDWR | os.O_CREAT) as fd:
        os.posix_fallocate(fd, 0, 100000)
    sh(f"fallocate -p -o 4096 -l 4096 {d}/new")

@action
def sync(d, out):
    with opened(d + "/file", os.O_RDWR) as fd:
        os.write(fd, b"x")
        os.fsync(fd)
        os.fdatasync(fd)
    with opened(d, os.O_RDONLY) as fd:
        os.fsync(fd)

@action
def chmod(d, out):
    os.chmod(d + "/file", 0o4751)
    with opened(d + "/file", os.O_RDONLY) as fd:
        os.fchmod(fd, 0o600)

@action
def chown(d, out):
    os.chown(d + "/file", 1000, 1001)
    os.chown(d + "/file", -1, 5)
    with opened(d + "/file", os.O_RDONLY) as fd:
        os.fchown(fd, 0, 0)

@action
def set_user_id_is_lost_by_a_write(d, out):
    os.chmod(d + "/file", 0o4755)
    with opened(d + "/file", os.O_RDWR) as fd:
        os.write(fd, b"x")

@action
def install(d, out):
    sh(f"install -m 750 -o 1000 {d}/file {d}/new")

@action
def make_directories(d, out):
    sh(f"mkdir -p {d}/a/b/c")

@action
def remove_a_directory(d, out):
    os.rmdir(d + "/empty")

@action
def remove_a_full_directory(d, out):
    refused(os.rmdir, d + "/sub")

@action
def remove_a_tree(d, out):
    sh(f"rm -rf {d}/sub")

@action
def remove_a_file(d, out):
    os.unlink(d + "/file")

@action
def remove_nothing(d, out):
    refused(os.unlink, d + "/nothing")

@action
def remove_an_open_file(d, out):
    with opened(d + "/file", os.O_RDWR) as fd:
        os.unlink(d + "/file")
        os.write(fd, b"x")
        os.fstat(fd)

@action
def replace_an_open_file(d, out):
    with opened(d + "/file", os.O_RDONLY) as fd:
        os.rename(d + "/big", d + "/file")
        os.read(fd, 10)

@action
def rename(d, out):
    os.rename(d + "/file", d + "/other")

@action
def rename_over(d, out):
    os.rename(d + "/file", d + "/big")

@action
def rename_to_another_directory(d, out):
    os.rename(d + "/file", d + "/sub/file")

@action
def rename_a_directory(d, out):
    os.rename(d + "/sub", d + "/other")
    os.stat(d + "/other/inner")

@action
def rename_an_open_file(d, out):
    with opened(d + "/file", os.O_RDWR) as fd:
        os.rename(d + "/file", d + "/other")
        os.write(fd, b"x")
        os.fstat(fd)

@action
def rename_what_is_below_an_open_file(d, out):
    with opened(d + "/sub/inner", os.O_RDWR) as fd:
        os.rename(d + "/sub", d + "/other")
        os.write(fd, b"x")

@action
def move_without_replacing(d, out):
    sh(f"mv -n {d}/file {d}/big; mv -n {d}/file {d}/other")

@action
def exchange(d, out):
    sh(f"python3 -c 'import ctypes; ctypes.CDLL(None).renameat2(-100, b\"{d}/file\", -100, b\"{d}/big\", 2)'")

@action
def symbolic_link(d, out):
    os.symlink("file", d + "/link")
    os.readlink(d + "/link")
    os.stat(d + "/link")
    with open(d + "/link", "rb") as f:
        f.read()

@action
def hard_link(d, out):
    os.link(d + "/file", d + "/link")
    os.stat(d + "/file")
    os.unlink(d + "/file")
    os.stat(d + "/link")

@action
def special_files(d, out):
    os.mkfifo(d + "/fifo")
    os.mknod(d + "/null", 0o20666, os.makedev(1, 3))
    s = socket.socket(socket.AF_UNIX)
    s.bind(d + "/s")
    s.close()
    os.stat(d + "/null")
    refused(os.open, d + "/fifo", os.O_RDONLY | os.O_NONBLOCK)

@action
def attributes(d, out):
    os.setxattr(d + "/file", "user.one", b"1")
    os.setxattr(d + "/file", "user.two", b"2" * 1000)
    refused(os.setxattr, d + "/file", "user.one", b"x", os.XATTR_CREATE)
    os.listxattr(d + "/file")
    os.getxattr(d + "/file", "user.two")
    refused(os.getxattr, d + "/file", "user.none")
    os.removexattr(d + "/file", "user.one")

@action
def attributes_of_an_open_file(d, out):
    with opened(d + "/file", os.O_RDWR) as fd:
        os.setxattr(fd, "user.one", b"1")
        os.getxattr(fd, "user.one")
        os.listxattr(fd)

@action
def access(d, out):
    os.access(d + "/file", os.R_OK | os.W_OK)
    os.access(d + "/file", os.X_OK)

@action
def file_system_size(d, out):
    os.statvfs(d)
    with opened(d + "/file", os.O_RDONLY) as fd:
        os.fstatvfs(fd)

@action
def list_a_directory(d, out):
    os.listdir(d + "/sub")

@action
def list_with_details(d, out):
    sh(f"ls -l {d}/sub")

@action
def list_many(d, out):
    os.listdir(d + "/many")

@action
def find(d, out):
    sh(f"find {d} -size +1k")

@action
def posix_locks(d, out):
    with opened(d + "/file", os.O_RDWR) as fd:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)
        fcntl.lockf(fd, fcntl.LOCK_UN, 10, 5)

@action
def flock(d, out):
    with opened(d + "/file", os.O_RDWR) as fd:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(fd, fcntl.LOCK_UN)
        fcntl.flock(fd, fcntl.LOCK_SH)

@action
def map_and_read(d, out):
    with opened(d + "/big", os.O_RDONLY) as fd, mmap.mmap(fd, 0, prot=mmap.PROT_READ) as m:
        m[70000]

@action
def map_and_write(d, out):
    with opened(d + "/big", os.O_RDWR) as fd, mmap.mmap(fd, 0) as m:
        m[5000] = 7
        m.flush()
        m[9000] = 8

@action
def run_a_program(d, out):
    sh(f"cp /bin/true {d}/true; {d}/true")

@action
def copy_in(d, out):
    sh(f"mkdir {d}/copy && cp -a {out}/tree/link {out}/tree/one {out}/tree/sub {d}/copy")

@action
def copy_out(d, out):
    sh(f"cp -a {d}/sub {out}/copied")

@action
def copy_within(d, out):
    sh(f"cp {d}/big {d}/copy")

@action
def copy_range(d, out):
    with opened(d + "/big", os.O_RDONLY) as a, opened(d + "/new", os.O_RDWR | os.O_CREAT) as b:
        refused(os.copy_file_range, a, b, 70000)

@action
def editor_saves(d, out):
    put(d + "/.file.swp", b"b0VIM" + bytes(4091))
    os.rename(d + "/file", d + "/file~")
    with opened(d + "/file", os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as fd:
        os.write(fd, b"changed\n")
        os.fsync(fd)
    shutil.copystat(d + "/file~", d + "/file")
    os.unlink(d + "/file~")
    os.unlink(d + "/.file.swp")

@action
def save_by_rename(d, out):
    sh(f"sed -i s/hello/bye/ {d}/file")

@action
def unpack(d, out):
    sh(f"tar -C {d} -xf {out}/tree.tar")

@action
def pack(d, out):
    sh(f"tar -C {d} -cf {out}/packed.tar sub")

@action
def git(d, out):
    sh(f"cd {d}/sub && export GIT_CONFIG_NOSYSTEM=1 HOME={out} GIT_AUTHOR_DATE='2001-02-03 00:00:00 +0000' "
       "GIT_COMMITTER_DATE='2001-02-03 00:00:00 +0000' && git init -q . && git add inner && "
       "git -c user.name=a -c user.email=a@b commit -q -m one")

@action
def database(d, out):
    db = sqlite3.connect(d + "/db")
    with db:
        db.execute("create table t (a)")
        db.executemany("insert into t values (?)", [(i,) for i in range(100)])
    db.execute("select count(*) from t").fetchall()
    db.close()

@action
def temporary_file(d, out):
    refused(os.open, d, os.O_RDWR | getattr(os, "O_TMPFILE"))

@action
def as_another_user(d, out):
    os.chmod(d, 0o777)
    sh(f"setpriv --reuid 1234 --regid 2345 --clear-groups sh -c 'umask 027; echo x >{d}/theirs; mkdir {d}/dir; cat {d}/theirs'")

@action
def long_name(d, out):
    put(d + "/" + "n" * 255)
    os.stat(d + "/" + "n" * 255)
    refused(os.stat, d + "/" + "n" * 256)

@action
def strange_names(d, out):
    for name in (b"a\\b", b"a:b", b"a*?<>|\"", b"\xff\xfe", "ä€😀".encode(), b" ", b"a ", b"a.", b"con", b"A", b"a"):
        path = d.encode() + b"/" + name
        put(path)
        os.stat(path)
    os.listdir(d)


# Recording.

def prepare(d, function):
    """Past the mount, so that nothing of it is recorded."""
    os.makedirs(d + "/sub")
    os.makedirs(d + "/empty")
    os.makedirs(d + "/many")
    put(d + "/file")
    put(d + "/big", b"z" * 100000)
    put(d + "/sub/inner")
    put(d + "/sub/large", b"l" * 5000)
    for i in range(600 if function in (list_many, find) else 3):
        put(f"{d}/many/name{i}", b"")
    os.utime(d + "/sub/inner", (7, 7))  # git looks again at what is as new as its index


def settled(lines):
    """Nothing that comes later: closes are told after the application has gone on."""
    count = {"open": 0, "dir": 0}
    for line in lines:
        call = line.split(" ", 1)[0]
        failed = not line.rstrip().endswith(("= 0", "= n"))
        if call in ("open", "create", "opendir") and not failed:
            count["dir" if call == "opendir" else "open"] += 1
        if call in ("release", "releasedir"):
            count["dir" if call == "releasedir" else "open"] -= 1
    hidden = sum(line.startswith("rename") and "/.fuse_hidden" in line for line in lines)
    shown = sum(line.startswith("unlink") and "/.fuse_hidden" in line for line in lines)
    return not any(count.values()) and hidden == shown


def merged(run):
    """Reads, or writes, next to each other: how they are cut depends on threads and on time."""
    ranges = {}
    for line in run:
        call, start, size, rest = re.match(r"(\S+) (\d+)\+(\d+) (.*)", line).groups()
        ranges.setdefault((call, rest), []).append((int(start), int(start) + int(size)))
    for (call, rest), pieces in sorted(ranges.items()):
        pieces.sort()
        joined = [pieces[0]]
        for start, end in pieces[1:]:
            if start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        for start, end in joined:
            yield f"{call} {start}-{end} {rest}"


def shown(lines):
    """Without the hiding of files that an application closes just before it removes them: then the close, which is told
    later, comes sometimes first and sometimes last."""
    result = []
    for line in lines:
        hiding = re.match(r"rename (.*) (\S*/\.fuse_hidden) 0 = 0$", line)
        if hiding and result and result[-1] == f"getattr {hiding[2]} - = ENOENT":
            result[-1] = f"unlink {hiding[1]} = 0"
        elif (over := re.match(r"rename .* (\S*) 0 = 0$", line)) and result and result[-1] == f"unlink {over[1]} = 0":
            result[-1] = line  # hidden in order to be replaced
        elif not re.match(r"unlink .*/\.fuse_hidden = 0$", line):
            result.append(line)
    return [re.sub(r"^release .* flags", "release flags", line) for line in result]


def normal(lines):
    calls, late, run = [], [], []
    for line in [re.sub(r"\.fuse_hidden[0-9a-f]+", ".fuse_hidden", line) for line in lines] + [""]:
        line = re.sub(r"(tmp_obj_|/sed|\.git/t)\w{6}\b", r"\1XXXXXX", line)
        if re.match(r"(read|write)(_buf)? ", line):
            if run and run[0].split(" ", 1)[0] != line.split(" ", 1)[0]:
                calls += merged(run)
                run = []
            run.append(line)
            continue
        if run:
            # What a write by its caller has done, the kernel may read ahead of.
            calls += merged(run)
            run = []
        # Who removes a directory does not wait for its last close; then it has no name.
        line = re.sub(r"^releasedir .* = ", "releasedir = ", line)
        if line.startswith(("release", "unlink")) and (line.startswith("release") or "/.fuse_hidden" in line):
            late.append(line)
        elif line:
            calls.append(line)
    return calls + sorted(late)


def record(mount, source, log, result):
    out = os.path.dirname(log) + "/out"
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out + "/tree/sub")
    put(out + "/tree/one", b"1" * 10000)
    put(out + "/tree/sub/two", b"2")
    os.symlink("one", out + "/tree/link")
    os.utime(out + "/tree/one", (5, 6))
    sh(f"tar -C {out} --sort=name -cf {out}/tree.tar tree")
    for number, function in enumerate(ACTIONS):
        prepare(f"{source}/{number}", function)
    with open(log, encoding="utf-8", errors="surrogateescape") as f, \
            open(result, "w", encoding="utf-8", errors="surrogateescape") as to:
        lines = []
        begun = ""  # a line that is being written

        def take(until):
            nonlocal begun
            deadline = time.monotonic() + 20
            while True:
                *new, begun = (begun + f.read()).split("\n")
                lines.extend(new)
                if until(lines):
                    return
                if time.monotonic() > deadline:
                    lines.append("this did not come to rest")
                    return
                time.sleep(0.001)

        take(lambda all: any(line.startswith("init") for line in all))
        to.write("# init\n" + "\n".join(lines) + "\n")
        for number, function in enumerate(ACTIONS):
            lines.clear()
            try:
                function(f"{mount}/{number}", out)
            except OSError as e:
                lines.append(f"the application got {errno.errorcode[e.errno]}")
            take(settled)
            calls = normal(lines)
            if function not in (remove_an_open_file, replace_an_open_file):
                calls = shown(calls)
                calls = [line for line in calls if not line.startswith("release")] + \
                    sorted(line for line in calls if line.startswith("release"))
            text = "\n".join(calls).replace(f"/{number}", "")
            to.write(f"# {function.__name__}\n{text}\n")


# Comparing.

def sections(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        return {part.split("\n", 1)[0]: part.split("\n")[1:-1] for part in ("\n" + f.read()).split("\n# ")[1:]}


def compare(name, system, ours, expected):
    """@return the differences that nobody expects, as text"""
    with open(expected, encoding="utf-8") as f:
        rules = [line.rstrip("\n").split(" ", 2) for line in f if line.strip() and not line.startswith("#")]
    rules = [rule for rule in rules if fnmatch.fnmatchcase(name, rule[0])]
    used = set()
    problems = []
    theirs, our = sections(system), sections(ours)
    for action_name, lines in theirs.items():
        found = []
        for line in difflib.unified_diff(lines, our[action_name], lineterm="", n=0):
            if line.startswith(("---", "+++", "@@")):
                continue
            line = line[0] + " " + line[1:]
            matching = [i for i, rule in enumerate(rules) if fnmatch.fnmatchcase(action_name, rule[1])
                        and fnmatch.fnmatchcase(line, rule[2])]
            used.update(matching)
            if not matching:
                found.append("  " + line)
        if found:
            problems += [action_name] + found
    problems += ["not needed: " + " ".join(rule) for i, rule in enumerate(rules) if i not in used]
    return problems, len(theirs)


if __name__ == "__main__":
    if sys.argv[1] == "record":
        record(*sys.argv[2:6])
    else:
        found_problems, count = compare(*sys.argv[2:6])
        print("\n".join(found_problems) if found_problems else f"{count} actions")
        sys.exit(1 if found_problems else 0)
