#!/bin/bash
# SPDX-License-Identifier: MIT
#
# POSIX semantics of a mount, as root and as two other users.
#
#   posix_test.sh BIN
#
# Prints "ok" or "not ok" and the rule for each check; exits with 1 if one failed, 77 if it cannot run here.
memfs=${1:?usage: $0 BIN}/memfs
[ "$(id -u)" = 0 ] && [ -c /dev/fuse ] || { echo "skipped: needs root and /dev/fuse"; exit 77; }

base=$(mktemp -d)
mnt=$base/mnt
mkdir "$mnt"
chmod 755 "$base"
"$memfs" -n 200000 -s 1073741824 -m "$mnt" >"$base/log" 2>&1 &
pid=$!
finish() {
    kill -TERM $pid 2>/dev/null
    wait $pid 2>/dev/null
    mountpoint -q "$mnt" && umount -l "$mnt"
    rm -rf "$base"
}
trap finish EXIT
for _ in $(seq 300); do
    mountpoint -q "$mnt" && break
    sleep 0.1
done
mountpoint -q "$mnt" || { cat "$base/log"; echo "not ok - mounts"; exit 1; }
chmod 755 "$mnt"
cd "$mnt" || exit 1

failed=0
count=0
# check RULE COMMAND...: the command must succeed
check() {
    count=$((count + 1))
    local rule=$1
    shift
    if "$@" >"$base/out" 2>&1; then
        echo "ok $count - $rule"
    else
        echo "not ok $count - $rule"
        sed 's/^/#   /' "$base/out"
        failed=$((failed + 1))
    fi
}
refuse() {
    local rule=$1
    shift
    check "$rule" not "$@"
}
not() { ! "$@"; }
sh_() { bash -c "$1"; }
# Users 20001 and 20002; 20001 is also in groups 20100 and 20101.
alice() { setpriv --reuid 20001 --regid 20001 --groups 20100,20101 bash -c "$1"; }
bob() { setpriv --reuid 20002 --regid 20002 --clear-groups bash -c "$1"; }
is() { [ "$1" = "$2" ] || { echo "is '$1', not '$2'"; return 1; }; }
fails_with() { # TEXT COMMAND
    local out
    out=$(LC_ALL=C "${@:2}" 2>&1) && { echo "did not fail"; return 1; }
    [[ $out == *"$1"* ]] || { echo "said: $out"; return 1; }
}

# -- files and names
echo one >file
check "what is written is read" is "$(cat file)" one
check "append goes to the end" sh_ 'echo two >>file && [ "$(tail -n1 file)" = two ]'
check "truncation keeps the beginning" sh_ 'truncate -s 3 file && [ "$(cat file)" = one ]'
check "O_EXCL refuses what exists" fails_with "cannot overwrite" bash -c 'set -C; : >file'
check "missing name is ENOENT" fails_with "No such file" cat missing
check "file is no directory" fails_with "Not a directory" ls file/x
check "unlink of a directory is EISDIR" sh_ 'mkdir d1 && ! unlink d1 2>/dev/null && rmdir d1'
check "rmdir of a full directory is ENOTEMPTY" sh_ 'mkdir -p d2/x; LC_ALL=C rmdir d2 2>&1 | grep -q "not empty"; rm -r d2'
check "open file lives on after unlink" sh_ 'exec 3<>gone; echo alive >&3; rm gone; [ "$(cat /proc/self/fd/3)" = alive ] && [ "$(stat -L -c %h /proc/self/fd/3)" = 0 ]'
check "unlinked name is free at once" sh_ 'exec 3<>again; rm again; echo new >again; [ "$(cat again)" = new ]'
check "rename replaces a file that is open" sh_ 'echo a >ra; echo b >rb; exec 3<rb; mv ra rb; [ "$(cat rb)" = a ] && [ "$(cat <&3)" = b ]'
check "rename replaces an empty directory" sh_ 'mkdir -p e1/sub e2; mv -T e1 e2 && [ -d e2/sub ] && [ ! -e e1 ]'
check "rename onto a full directory is refused" sh_ 'mkdir -p f1 f2/x; ! mv -T f1 f2 2>/dev/null && [ -d f1 ] && [ -d f2/x ]'
check "rename with an open file inside" sh_ 'mkdir g1; echo x >g1/f; exec 3<g1/f; mv g1 g2 && [ "$(cat g2/f)" = x ]'
check "rename moves a tree" sh_ 'mkdir -p h1/a/b; echo deep >h1/a/b/c; mv h1 d3 && [ "$(cat d3/a/b/c)" = deep ]'
check "hard links are refused cleanly" fails_with "not permitted" ln file file2
check "symbolic links keep their text" sh_ 'ln -s "../a:b\\c" l1 && [ "$(readlink l1)" = "../a:b\\c" ] && [ "$(stat -c %s l1)" = 8 ]'
check "absolute symbolic links" sh_ "ln -s /usr/bin l2 && [ \"\$(readlink l2)\" = /usr/bin ] && [ -e l2/env ]"
check "fifo works" sh_ 'mkfifo p && { echo through >p & } && [ "$(cat p)" = through ]'
check "device numbers survive" sh_ 'mknod dev c 259 70000 && [ "$(stat -c %t:%T dev)" = 103:11170 ]'
for name in 'a:b' 'q?*' '"<>|' 'back\slash' 'CON' 'dot.' 'blank ' $'tab\there' $'\xff\xfe' '😀' 'é'; do
    check "name '$name'" sh_ "echo x >'$name' && ls | grep -qF -- '$name' && rm -- '$name'"
done
check "name of 255 characters" sh_ 'n=$(printf "%0255d" 0); echo x >$n && rm $n'
check "name of 256 characters is ENAMETOOLONG" sh_ 'n=$(printf "%0256d" 0); LC_ALL=C touch $n 2>&1 | grep -q "too long"'
check "sparse file of 512 MiB" sh_ 'truncate -s 512M sparse && [ "$(stat -c %s sparse)" = 536870912 ] && rm sparse'
check "directory listing is complete" sh_ 'mkdir many; (cd many; seq 5000 | xargs touch); [ "$(ls many | wc -l)" = 5000 ] && [ "$(find many -type f | wc -l)" = 5000 ]'
check "deleting while listing" sh_ 'rm -r many && [ ! -e many ]'

# -- times
check "times have 100 ns" sh_ 'touch -d "2001-02-03 04:05:06.123456789" t && [ "$(stat -c %y t | cut -c1-29)" = "2001-02-03 04:05:06.123456700" ]'
check "a set time survives the close of a writer" sh_ 'exec 3>t2; echo x >&3; touch -d 2002-02-02 t2; exec 3>&-; sleep 0.2; [ "$(stat -c %Y t2)" = "$(date -d 2002-02-02 +%s)" ]'
check "writing moves the time at once" sh_ 'touch -d 2002-02-02 t3; exec 3>>t3; echo x >&3; [ "$(stat -c %Y t3)" -gt 1100000000 ]'

# -- extended attributes
check "attribute comes back" sh_ 'setfattr -n user.Test:x -v "va lue" file && [ "$(getfattr --only-values -n user.Test:x file)" = "va lue" ]'
check "empty attribute" sh_ 'setfattr -n user.empty file && getfattr -n user.empty file | grep -q "^user.empty"'
check "attribute goes" sh_ 'setfattr -x user.empty file && ! getfattr -n user.empty file 2>/dev/null'
check "names differ by case" sh_ 'setfattr -n user.k -v a file; setfattr -n user.K -v b file; [ "$(getfattr --only-values -n user.k file)" = a ]'
check "other namespaces are refused" fails_with "not supported" setfattr -n trusted.x -v y file

# -- modes and owners
check "every mode" sh_ 'touch m; for x in 0000 0644 0755 0604 0070 0007 4755 2755 1755 6777 0421; do chmod $x m; [ "$(stat -c %04a m)" = $x ] || { echo $x; exit 1; }; done'
check "umask" sh_ 'umask 027; touch u1; mkdir u2; [ "$(stat -c %a u1)$(stat -c %a u2)" = 640750 ]'
check "owner and group" sh_ 'touch o; chown 20001:20100 o; [ "$(stat -c %u:%g o)" = 20001:20100 ]'
mkdir -m 777 open
mkdir -m 1777 sticky
mkdir -m 2777 setgid
chown :20100 setgid
check "files belong to who makes them" alice 'touch open/a && [ "$(stat -c %u:%g open/a)" = 20001:20001 ]'
check "private file cannot be read by others" sh_ 'true'
alice 'umask 077; echo secret >open/private'
refuse "others cannot read 0600" bob 'cat open/private'
refuse "others cannot write 0600" bob 'echo x >>open/private'
check "root may" sh_ '[ "$(cat open/private)" = secret ]'
refuse "others cannot chmod" bob 'chmod 666 open/private'
refuse "others cannot chown" bob 'chown 20002 open/private'
refuse "owner cannot give away" alice 'chown 20002 open/private'
check "owner may chgrp to an own group" alice 'chgrp 20101 open/private && [ "$(stat -c %g open/private)" = 20101 ]'
refuse "owner may not chgrp to another group" alice 'chgrp 20002 open/private'
refuse "no file in a directory of others" bob 'touch nothere'
refuse "no delete in a directory of others" bob 'rm -f file'
check "delete in a shared directory" sh_ 'true'
alice 'touch open/del sticky/a'
check "write permission of the directory deletes" bob 'rm -f open/del'
refuse "sticky keeps others' files" bob 'rm -f sticky/a'
refuse "sticky keeps others' files from renames" bob 'mv sticky/a sticky/b'
check "sticky lets the owner" alice 'rm sticky/a'
check "group of a setgid directory" bob 'touch setgid/f && mkdir setgid/d && [ "$(stat -c %g setgid/f)" = 20100 ] && [ "$(stat -c %g:%a setgid/d)" = 20100:2755 ]'
echo shared >group
chown 0:20100 group
chmod 640 group
check "supplementary group reads" alice 'cat group'
refuse "others do not" bob 'cat group'
chmod 604 group
refuse "the group's lack of rights counts" alice 'cat group'
check "others read" bob 'cat group'
check "setuid falls with a write" sh_ 'true'
cp /bin/true suid && chmod 4777 suid
bob 'echo x >>suid'
check "a write of another user takes setuid" is "$(stat -c %a suid)" 777
chmod 6755 suid && chown 20001 suid
check "chown takes setuid" is "$(stat -c %a suid)" 755
check "execute only" sh_ 'cp /bin/true xo && chmod 711 xo'
check "others run a program they cannot read" bob "$mnt/xo"
refuse "but not read it" bob "cat xo >/dev/null"
refuse "search permission" sh_ 'mkdir -m 700 closed; echo x >closed/f; setpriv --reuid 20002 --regid 20002 --clear-groups cat closed/f'

# -- locks
check "flock between processes" sh_ 'exec 3>lk; flock 3; ! flock -n lk true'
check "POSIX locks between processes" python3 - <<'P'
import fcntl, os, sys
f = open("plk", "w+b")
fcntl.lockf(f, fcntl.LOCK_EX, 10, 0)
pid = os.fork()
if pid == 0:
    g = open("plk", "r+b")
    try:
        fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 5)
        os._exit(1)
    except OSError:
        pass
    fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 20)
    os._exit(0)
sys.exit(os.waitpid(pid, 0)[1] != 0)
P
check "shared mapping" python3 - <<'P'
import mmap, os
fd = os.open("mapped", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 1 << 20)
a = mmap.mmap(fd, 1 << 20)
a[500000:500005] = b"hello"
a.flush()
assert os.pread(fd, 5, 500000) == b"hello"
os.pwrite(fd, b"world", 10)
assert a[10:15] == b"world"
P
check "fallocate and punch" sh_ 'fallocate -l 1M fa && [ "$(stat -c %s fa)" = 1048576 ] && printf abc | dd of=fa conv=notrunc status=none && fallocate -p -o 0 -l 4096 fa && [ "$(head -c3 fa | tr "\0" x)" = xxx ]'

check "holes are found, and punched" python3 - <<'P'
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def fallocate(fd, mode, at, n):
    if libc.fallocate(fd, mode, ctypes.c_long(at), ctypes.c_long(n)) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")
fd = os.open("holes", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 10 << 20)
os.pwrite(fd, b"x" * (4 << 20), 4 << 20)
assert os.lseek(fd, 0, os.SEEK_DATA) == 4 << 20 and os.lseek(fd, 0, os.SEEK_HOLE) == 0
assert os.lseek(fd, 5 << 20, os.SEEK_HOLE) == 8 << 20
fallocate(fd, 3, 5 << 20, 1 << 20)
assert os.lseek(fd, 4 << 20, os.SEEK_HOLE) == 5 << 20 and os.lseek(fd, 5 << 20, os.SEEK_DATA) == 6 << 20
assert os.pread(fd, 2, (5 << 20) - 1) == b"x\0" and os.fstat(fd).st_size == 10 << 20
for nothing in (9 << 20, 10 << 20):
    try:
        os.lseek(fd, nothing, os.SEEK_DATA)
        raise SystemExit("data behind the last")
    except OSError as e:
        assert e.errno == 6, e
fallocate(fd, 16, 9 << 20, 2 << 20) # zero range, extends
assert os.fstat(fd).st_size == 11 << 20
for mode in (8, 32): # collapse, insert
    try:
        fallocate(fd, mode, 0, 1 << 20)
        raise SystemExit("unexpected")
    except OSError as e:
        assert e.errno == 95, e
P
check "copies keep holes" sh_ 'truncate -s 8M h1 && printf abc | dd of=h1 bs=1 seek=5000000 conv=notrunc status=none && cp --sparse=always h1 h2 && cmp h1 h2 && cp h1 h3 && cmp h1 h3'

cd /
kill -TERM $pid
wait $pid
check "no finding of a sanitizer or the verifier" not grep -E 'verifier:|ERROR: [A-Za-z]*Sanitizer|WARNING: ThreadSanitizer|runtime error' "$base/log"
echo "1..$count"
[ $failed = 0 ]
