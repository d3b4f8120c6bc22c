#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Data: databases, fio with verification, sparse and many files, a full drive.
. "$(dirname "$0")/mount.sh"
start_memfs || exit 1

inserts=$((60 / share + 7))
sqlite_work() {
    local mode=$1 db=$M/$1.db pids=() i
    sqlite3 "$db" "PRAGMA journal_mode=$mode; CREATE TABLE t(i INTEGER PRIMARY KEY, who, what);" >/dev/null || return 1
    for i in 1 2 3; do
        (for n in $(seq $inserts); do
            sqlite3 -cmd '.timeout 30000' "$db" "BEGIN IMMEDIATE; INSERT INTO t(who, what) VALUES($i, hex(randomblob(500))); COMMIT;" || exit 1
        done) &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i" || return 1; done
    [ "$(sqlite3 "$db" 'SELECT count(*) FROM t')" = $((3 * inserts)) ] && [ "$(sqlite3 "$db" 'PRAGMA integrity_check')" = ok ]
}
check "sqlite with a rollback journal, three writers" sqlite_work delete
check "sqlite in WAL mode (shared memory), three writers" sqlite_work wal

fio_verify() {
    fio --name=v --directory="$M" --size=$((32 / share + 1))m --rw="$1" --bs=4k-64k --ioengine="$2" --verify=crc32c --verify_fatal=1 \
        --do_verify=1 --verify_state_save=0 --numjobs=2 --group_reporting --randrepeat=1 "${@:3}" && rm -f "$M"/v.*
}
for engine in psync libaio mmap; do
    check "fio random writes verified, $engine" fio_verify randrw $engine
done
check "fio verified, libaio, direct" fio_verify randwrite libaio --direct=1 --bs=4k --iodepth=16
check "fio verified, psync, direct" fio_verify write psync --direct=1 --bs=64k

many() {
    mkdir "$M/many" && python3 - "$M/many" $((100000 / share)) <<'END'
import os, sys
d, count = sys.argv[1], int(sys.argv[2])
for i in range(count):
    os.close(os.open(f"{d}/file{i:06}", os.O_CREAT | os.O_WRONLY))
names = os.listdir(d)
assert len(names) == len(set(names)) == count, len(names)
assert sorted(names)[count // 8] == f"file{count // 8:06}"
for i in range(0, count, 2):
    os.unlink(f"{d}/file{i:06}")
assert len(os.listdir(d)) == count // 2
END
    rm -r "$M/many"
}
check "$((100000 / share)) files in a directory" many

sparse() {
    truncate -s 6G "$M/sparse" && printf end | dd of="$M/sparse" bs=1 seek=$((6 * 1024 * 1024 * 1024)) conv=notrunc status=none &&
        [ "$(stat -c %s "$M/sparse")" = $((6 * 1024 * 1024 * 1024 + 3)) ] &&
        [ "$(tail -c 3 "$M/sparse")" = end ] && cmp -n 100000000 "$M/sparse" /dev/zero &&
        [ "$(awk '/VmRSS/ { print $2 }' "/proc/$memfs_pid/status")" -lt 1000000 ] && rm "$M/sparse"
}
check "a sparse file of 6 GiB costs no memory" sparse

in_place() {
    python3 - "$M/f" <<'END'
import mmap, os, sys
p = sys.argv[1]
with open(p, "wb") as f: f.write(b"a" * 10000)
fd = os.open(p, os.O_RDWR)
m = mmap.mmap(fd, 10000)
m[5000:5005] = b"hello"
assert os.pread(fd, 5, 5000) == b"hello"
os.pwrite(fd, b"world", 7000)
assert m[7000:7005] == b"world"
m.flush(); m.close(); os.close(fd)
data = open(p, "rb").read()
assert data[5000:5005] == b"hello" and data[7000:7005] == b"world"
# appended through two descriptors, nothing is lost
a, b = os.open(p, os.O_WRONLY | os.O_APPEND), os.open(p, os.O_WRONLY | os.O_APPEND)
for i in range(100):
    os.write(a if i % 2 else b, b"%04d" % i)
assert os.stat(p).st_size == 10400
# unlinked while open
os.unlink(p)
os.write(a, b"x")
assert os.fstat(a).st_size == 10401
END
}
check "mapped and plain I/O agree; append; a file unlinked while open" in_place

direct() {
    python3 - "$M/direct" <<'END'
import mmap, os, sys
p = sys.argv[1]
with open(p, "wb") as f: f.truncate(1 << 20)
fd = os.open(p, os.O_RDWR | os.O_DIRECT)
page, back = mmap.mmap(-1, 4096), mmap.mmap(-1, 4096)
m = mmap.mmap(fd, 1 << 20)
page[:] = b"x" * 4096
assert os.pwrite(fd, page, 8192) == 4096 and m[8192:12288] == page[:]
m[8192:8197] = b"hello"
assert os.preadv(fd, [back], 8192) == 4096 and back[:6] == b"hellox"
with open(p, "rb+", buffering=0) as f:
    f.seek(8192); assert f.read(6) == b"hellox"
    page[:] = b"y" * 4096
    os.pwrite(fd, page, 8192)
    f.seek(8192); assert f.read(6) == b"yyyyyy" and m[8192:8198] == b"yyyyyy"
assert os.pwrite(fd, page, 1 << 20) == 4096 and os.fstat(fd).st_size == (1 << 20) + 4096
END
}
check "direct, mapped and plain I/O agree" direct
stop_memfs

start_memfs -M 100 -P 100 || exit 1
side_by_side() {
    python3 - "$M/f" <<'END'
import mmap, os, subprocess, sys, threading
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_DIRECT)
os.ftruncate(fd, 1 << 20)
os.close(fd)
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_DIRECT)
# Requests of the kernel that wait for the mount's answer, as root can see them.
control = "/sys/fs/fuse/connections"
command = f"mount -t fusectl none {control} && cat {control}/{os.minor(os.fstat(fd).st_dev)}/waiting"
def waiting():
    text = subprocess.run(["unshare", "-m", "sh", "-c", command], capture_output=True).stdout
    return int(text) if text else None
if waiting() is None: sys.exit()
page, end = mmap.mmap(-1, 4096), threading.Event()
def write(i):
    while not end.is_set(): os.pwrite(fd, page, i * 4096)
threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
for t in threads: t.start()
seen = any(waiting() > 1 for _ in range(300))
end.set()
for t in threads: t.join()
assert seen
END
}
if printf '6.9\n%s\n' "$(uname -r)" | sort -CV; then
    check "direct writes of one file side by side" side_by_side
fi
stop_memfs

start_memfs -n 60 -s 1048576 || exit 1
full() {
    local i
    for i in 1 2 3; do head -c 1048576 /dev/urandom >"$T/r$i" && cp "$T/r$i" "$M/r$i" || return 1; done
    cp "$T/r1" "$M/big" && ! dd if=/dev/zero of="$M/big" bs=4096 seek=256 count=1 conv=notrunc status=none 2>"$T/err" &&
        grep -q 'No space left' "$T/err" || return 1
    for i in $(seq 100); do : >"$M/f$i" || break; done 2>"$T/err"
    grep -q 'No space left' "$T/err" && cmp "$T/r1" "$M/r1" && cmp "$T/r2" "$M/r2" && cmp "$T/r3" "$M/r3" && cmp "$T/r1" "$M/big" &&
        rm "$M"/f* && echo again >"$M/again"
}
check "a full drive says so and loses nothing" full
finish
