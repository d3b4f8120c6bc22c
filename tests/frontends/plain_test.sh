#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Volumes that can less than MEMFS: no security, no links, no attributes, no POSIX delete and rename; case ignored.
. "$(dirname "$0")/mount.sh"

# start_plain WITHOUT...
start_plain() {
    [ -f "$T/memfs.log" ] && check_log
    "$BIN/plain_volume" "$M" "$@" >"$T/memfs.log" 2>&1 </dev/null &
    memfs_pid=$!
    for _ in $(seq 200); do
        mounted && grep -q '^memfs ' "$T/memfs.log" && return 0
        sleep 0.05
    done
    return 1
}

cat >"$T/open_files.py" <<'END'
import os, shutil, sys
d = sys.argv[1] + "/d"
os.mkdir(d)
f = os.open(d + "/a", os.O_CREAT | os.O_RDWR)
os.write(f, b"hello")
os.unlink(d + "/a")
assert os.listdir(d) == [] and os.fstat(f).st_nlink == 0
g = os.open(d + "/a", os.O_CREAT | os.O_EXCL | os.O_RDWR)
os.write(g, b"new")
assert os.pread(f, 9, 0) == b"hello" and os.pread(g, 9, 0) == b"new"
with open(d + "/b", "w") as b:
    b.write("b")
os.rename(d + "/b", d + "/a") # over an open file
assert os.pread(g, 9, 0) == b"new" and open(d + "/a").read() == "b" and os.listdir(d) == ["a"]
os.unlink(d + "/a")
os.rmdir(d)
assert os.listdir(sys.argv[1]) == [], os.listdir(sys.argv[1])
os.write(f, b"more")
assert os.pread(f, 20, 0) == b"hellomore"
os.close(f)
os.close(g)
# a tree that was looked at moves, and goes
os.makedirs(d + "/p/q/r")
for at, dirs, files in os.walk(d):
    open(at + "/file", "w").write(at)
for at, dirs, files in os.walk(d):
    assert open(at + "/file").read() == at
os.mkdir(d + "/empty")
os.rename(d + "/p", d + "/o")
os.rename(d + "/o", d + "/empty")
shutil.rmtree(d)
END

cat >"$T/case.py" <<'END'
import os, sys
os.chdir(sys.argv[1])
open("hello", "w").close()
os.rename("hello", "HELLO")
assert os.listdir() == ["HELLO"]
os.rename("hello", "Hello")
assert os.listdir() == ["Hello"], os.listdir()
os.mkdir("Dir")
os.rename("dir", "DIR")
open("other", "w").write("x")
os.rename("other", "HELLO")
assert sorted(os.listdir()) == ["DIR", "HELLO"] and open("hello").read() == "x"
END

work() {
    "$BIN/exercise_data" "$M" 1 2000 && python3 "$T/open_files.py" "$M" &&
        mkdir "$M/work" && cd "$M/work" && git init -q . && echo a >a && git add a &&
        git -c user.name=t -c user.email=t@example.org commit -q -m a && git gc -q && [ -z "$(git status --porcelain)" ] &&
        cp -r /usr/include/linux/netfilter_arp . && diff -r /usr/include/linux/netfilter_arp netfilter_arp &&
        mv netfilter_arp moved && rm -r "$M/work"
}
for without in posix "acl reparse ea" "posix acl reparse ea"; do
    # shellcheck disable=SC2086
    start_plain $without || exit 1
    check "ordinary work on a volume without $without" work
    cd /
    stop_memfs || not_ok "ends with 0"
done
start_plain case posix || exit 1
check "a name changes in case only" python3 "$T/case.py" "$M"
finish
