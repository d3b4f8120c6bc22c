#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Mounting, unmounting, dying, and what is said when something is wrong.
. "$(dirname "$0")/mount.sh"

# fails DESCRIPTION TEXT MEMFS-ARGUMENT...: memfs ends by itself, non-zero, with one sentence
fails() {
    local what=$1 text=$2
    shift 2
    timeout 20 "$BIN/memfs" "$@" >"$T/out" 2>&1 </dev/null
    local code=$?
    if [ $code = 0 ] || [ $code = 124 ]; then not_ok "$what (exit code $code)"; elif grep -qiE -- "$text" "$T/out"; then ok "$what"; else
        not_ok "$what: $(tail -n 3 "$T/out")"
    fi
}
fails "mount point missing" "no such|does not exist" -m "$T/none"
touch "$T/file"
fails "mount point is a file" "not a directory" -m "$T/file"
mkdir "$T/full" && touch "$T/full/x"
fails "mount point is not empty" "not empty" -m "$T/full"
fails "unknown option" "unknown option" -Z -m "$M"
fails "bad SDDL" "security descriptor" -S nonsense -m "$M"
fails "size out of range" "not a number from" -s 0 -m "$M"
fails "size is no number" "not a number from" -s many -m "$M"
fails "no mount point" "where to mount" -n 5
fails "left-over argument" "no option" -n 5 what
check "--help" "$BIN/memfs" --help
mounted && not_ok "nothing is left mounted" || ok "nothing is left mounted"

# As somebody else than root, with a /dev of our own, as one finds it on an ordinary system.
cat >"$T/ordinary.sh" <<'END'
set -u
BIN=$1 T=$2
uid=$(id -u nobody) # fusermount3 wants a user with a name
user() { setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"; }
other() { setpriv --reuid 20002 --regid 20002 --clear-groups "$@"; }
mount -t tmpfs none /dev
for device in null:1:3 zero:1:5 urandom:1:9; do
    IFS=: read -r name major minor <<<"$device"
    mknod -m 666 "/dev/$name" c "$major" "$minor"
done
mkdir "$T/ours" "$T/theirs"
chown "$uid:$uid" "$T/theirs"
fails() { # TEXT MEMFS-ARGUMENT...
    local text=$1
    shift
    user timeout 20 "$BIN/memfs" "$@" >"$T/said" 2>&1 </dev/null
    local code=$?
    [ $code != 0 ] && [ $code != 124 ] && grep -q "$text" "$T/said" || { echo "not said: $text (exit code $code)"; cat "$T/said"; exit 1; }
}
fails "there is no /dev/fuse" -m "$T/theirs"
mknod -m 600 /dev/fuse c 10 229
fails "/dev/fuse cannot be opened" -m "$T/theirs"
chmod 666 /dev/fuse
fails "no permission" -m "$T/ours"
echo "${3:-}" >/dev/fuse.conf
mount --bind /dev/fuse.conf /etc/fuse.conf
setpriv --reuid "$uid" --regid "$uid" --clear-groups "$BIN/memfs" -m "$T/theirs" >"$T/log" 2>&1 </dev/null &
pid=$!
for _ in $(seq 100); do grep -q '^memfs ' "$T/log" && break; sleep 0.1; done
code=0
user sh -c "echo hello >'$T/theirs/f' && chmod 600 '$T/theirs/f' && [ \"\$(stat -c %a:%u '$T/theirs/f')\" = 600:$uid ]" || code=1
if [ -n "${3:-}" ]; then
    [ "$(other ls "$T/theirs")" = f ] && ! other cat "$T/theirs/f" || code=1
else
    other ls "$T/theirs" && code=1
fi
kill -TERM $pid
wait $pid || code=1
mountpoint -q "$T/theirs" && code=1
rmdir "$T/ours" "$T/theirs" || code=1
[ $code = 0 ] || cat "$T/log"
exit $code
END
if [ "$(id -u)" = 0 ] && [ -e /etc/fuse.conf ] && unshare -m true 2>/dev/null; then
    check "an ordinary user mounts, and is told what is missing" unshare -m bash "$T/ordinary.sh" "$BIN" "$T"
    check "with user_allow_other others see it, as far as its modes let them" unshare -m bash "$T/ordinary.sh" "$BIN" "$T" user_allow_other
fi

start_memfs || exit 1
fails "mount point is busy" "busy|already|not empty" -m "$M"
check "fsptool lsvol lists the volume" sh -c "'$BIN/fsptool' lsvol | grep -F '$M' | grep -q 'Device.Volume'"
stop_memfs && ok "SIGTERM ends with 0" || not_ok "SIGTERM ends with 0"
start_memfs || exit 1
kill -INT "$memfs_pid"; wait "$memfs_pid"; [ $? = 0 ] && ok "Ctrl-C ends with 0" || not_ok "Ctrl-C ends with 0"
memfs_pid=
mounted && not_ok "unmounted by Ctrl-C" || ok "unmounted by Ctrl-C"
start_memfs || exit 1
fusermount3 -u "$M"
for _ in $(seq 100); do kill -0 "$memfs_pid" 2>/dev/null || break; sleep 0.1; done
kill -0 "$memfs_pid" 2>/dev/null && not_ok "unmounting from outside ends memfs" || ok "unmounting from outside ends memfs"
wait "$memfs_pid" 2>/dev/null
memfs_pid=

start_memfs || exit 1
mkdir "$M/d"
pids=()
for i in 1 2 3 4; do
    (cd / && while echo "$i" >"$M/d/f$i" && cat "$M/d/f$i" && rm "$M/d/f$i"; do :; done >/dev/null 2>&1) &
    pids+=($!)
done
dd if=/dev/zero of="$M/zeros" bs=1M count=100000 status=none 2>/dev/null &
pids+=($!)
sleep 1
kill -KILL "$memfs_pid"
wait "$memfs_pid" 2>/dev/null
memfs_pid=
late=0
for ((i = 0; i < 20; i++)); do
    late=0
    for p in "${pids[@]}"; do kill -0 "$p" 2>/dev/null && late=1; done
    [ $late = 0 ] && break
    sleep 0.1
done
[ $late = 0 ] && ok "callers of a killed file system return within two seconds" || not_ok "callers of a killed file system return within two seconds"
for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done
start_memfs && ok "the mount point of a killed process is recovered" || not_ok "the mount point of a killed process is recovered"
check "and works" sh -c "echo hello >'$M/x' && [ \"\$(cat '$M/x')\" = hello ]"
stop_memfs

start_memfs -M 3000 -P 100 || exit 1
echo hello >"$M/slow"
(cat "$M/slow" >/dev/null) &
slow=$!
check "while a request takes long, others go on" timeout 2 sh -c "mkdir '$M/fast' && stat '$M/fast' && rmdir '$M/fast'"
wait $slow
stop_memfs

# Reads take up to 20 s here; a truncate does not.
start_memfs -M 20000 -P 100 || exit 1
slow=()
for i in 1 2 3 4; do
    truncate -s 4096 "$M/slow$i"
    dd if="$M/slow$i" of=/dev/null status=none &
    slow+=($!)
done
sleep 0.2
kill -TERM "${slow[@]}" 2>/dev/null
for ((i = 0; i < 25; i++)); do
    left=0
    for p in "${slow[@]}"; do kill -0 "$p" 2>/dev/null && left=$((left + 1)); done
    [ $left = 0 ] && break
    sleep 0.1
done
[ $left = 0 ] && ok "interrupted callers return" || not_ok "interrupted callers return ($left of 4 did not)"
kill -KILL "$memfs_pid" # its late answers are of no interest
wait "$memfs_pid" 2>/dev/null
memfs_pid=
finish
