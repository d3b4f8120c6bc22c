#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The FUSE samples, on our libraries and (being ordinary FUSE programs) on the system's; and life with one of them: many
# callers at once, unmounted while busy, killed under load.
# shellcheck source=tests/libfuse/common.sh
. "$(dirname "$0")/common.sh"

# try NAME COMMAND...
try() {
    local name=$1 library environment
    shift
    for library in system ours; do
        environment=()
        [ $library = system ] && environment=(LD_LIBRARY_PATH="$(dirname "$(ldconfig -p | awk '$1 == "libfuse3.so.3" { print $NF; exit }')")")
        mkdir "$T/tree"
        {
            env "${environment[@]}" "$@" 2>&1
            echo "exit code $?"
            bash "$HERE/use.sh" "$M" "$T" 2>&1
            unmount
        } >"$T/$name.$library"
        rm -rf "$T/tree"
    done
    same "$name"
}
for version in "" 3; do
    if [ -z "$version" ] && ! ldconfig -p | grep -q 'libfuse.so.2 '; then continue; fi
    try memfs-fuse$version "$BIN/memfs-fuse$version" "$M"
    try passthrough-fuse$version "$BIN/passthrough-fuse$version" "$T/tree" "$M"
done
"$BIN/passthrough-fuse3" "$M" >"$T/said" 2>&1
[ $? -eq 2 ] && grep -q '^usage' "$T/said" && ok "passthrough-fuse3 without a root: usage, exit code 2" ||
    not_ok "passthrough-fuse3 without a root: $(cat "$T/said")"

# Who asks is known in every callback.
"$BIN/memfs-fuse3" -o allow_other "$M"
mkdir -m 777 "$M/d"
setpriv --reuid 1234 --regid 2345 --clear-groups sh -c "echo x >$M/d/f; mkdir $M/d/sub; ln -s f $M/d/l; ls $M/d >/dev/null"
[ "$(stat -c %u:%g "$M/d/f" "$M/d/sub" "$M/d/l" | sort -u)" = 1234:2345 ] && ok "files belong to the caller" ||
    not_ok "files belong to the caller: $(stat -c %u:%g "$M/d/f" "$M/d/sub" "$M/d/l")"

# Many callers: each works in a directory of its own, and all in a common one.
work() {
    local i
    for ((i = 0; i < 60; i++)); do
        mkdir -p "$M/$1" || return 1
        echo "$i $1" >"$M/$1/f" && [ "$(cat "$M/$1/f")" = "$i $1" ] || return 1
        mv "$M/$1/f" "$M/common/$1" && rm "$M/common/$1" && rmdir "$M/$1" || return 1
        ls "$M/common" >/dev/null
    done
}
mkdir "$M/common"
pids=()
for n in 1 2 3 4 5 6; do
    work "w$n" &
    pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
[ $failed -eq 0 ] && [ "$(ls "$M/common")" = "" ] && ok "six callers at once" || not_ok "six callers at once: $failed failed"

# Unmounted while a file is open: busy; lazily: the file goes on, then the process ends.
exec 3<>"$M/open"
umount "$M" 2>/dev/null && not_ok "busy" || ok "umount of a busy file system is refused"
umount -l "$M"
echo hello >&3 && ok "an open file works after umount -l" || not_ok "an open file works after umount -l"
exec 3>&-
for ((i = 0; i < 100; i++)); do
    pgrep -f -- "memfs-fuse3 .*$M" >/dev/null || break
    sleep 0.05
done
pgrep -f -- "memfs-fuse3 .*$M" >/dev/null && not_ok "the process ends with the last file" || ok "the process ends with the last file"

# Killed under load: callers get errors, nothing hangs, the next one mounts over it.
"$BIN/memfs-fuse3" "$M"
mkdir "$M/common"
pids=()
for n in 1 2 3 4; do
    (while work "w$n"; do :; done) 2>/dev/null &
    pids+=($!)
done
sleep 0.3
pkill -KILL -f -- "memfs-fuse3 $M"
hung=0
for pid in "${pids[@]}"; do
    for ((i = 0; i < 100; i++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null && hung=$((hung + 1))
done
[ $hung -eq 0 ] && ok "callers of a killed file system get errors" || not_ok "callers of a killed file system get errors: $hung hang"
"$BIN/memfs-fuse3" "$M" && echo x >"$M/f" && ok "the next one mounts over it" || not_ok "the next one mounts over it"
unmount
score
