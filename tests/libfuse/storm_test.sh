#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# FUSE programs with many callers at once: all bytes are right, a killed program fails its callers at once, and one that is
# unmounted under load goes on until they are done. SYSTEM=1 runs the programs on the system's library.
# shellcheck source=tests/libfuse/common.sh
. "$(dirname "$0")/common.sh"
[ -z "${SYSTEM:-}" ] || export LD_LIBRARY_PATH=/lib/x86_64-linux-gnu
mkdir "$T/tree"

# start COMMAND...: in the foreground of a background job, so that its exit code is seen; sets $pid
start() {
    "$1" -f "${@:2}" "$M" 2>"$T/said" &
    pid=$!
    local i
    for ((i = 0; i < 400; i++)); do mounted && return; sleep 0.05; done
    not_ok "$*: mounts: $(cat "$T/said")"
}
stop() {
    local i
    for ((i = 0; i < 400; i++)); do
        mounted || break
        umount "$M" 2>/dev/null
        sleep 0.05
    done
    wait $pid
}

# storm NAME COMMAND...
storm() {
    local name=$1 said
    shift
    rm -rf "${T:?}/tree/"*
    start "$@"
    if said=$(python3 "$HERE/storm.py" "$M" 8 60 2>&1) && stop && [ ! -s "$T/said" ]; then ok "$name: $said"; else
        not_ok "$name: $said, exit code $?, $(head -n 5 "$T/said")"
    fi
    rm -rf "${T:?}/tree/"*
    start "$@"
    said=$(timeout 60 python3 "$HERE/storm.py" "$M" 8 0 $pid 2>&1) && ok "$name, killed: $said" || not_ok "$name, killed: $said"
    wait $pid 2>/dev/null
    umount -l "$M"
}
for program in memfs-fuse memfs-fuse3 passthrough-fuse passthrough-fuse3; do
    case $program in *3) ;; *) ldconfig -p | grep -q 'libfuse.so.2 ' || continue ;; esac
    case $program in
    memfs*) storm $program "$BIN/$program" ;;
    *) storm $program "$BIN/$program" "$T/tree" ;;
    esac
done

# Unmounted while everybody works: not as long as somebody has a file open there, and when it succeeds all is over.
start "$BIN/memfs-fuse3"
python3 "$HERE/storm.py" "$M" 4 40 >"$T/storm" 2>&1 &
storm=$!
tries=0
while mounted && kill -0 $storm 2>/dev/null; do
    exec 3>"$M/busy" && { umount "$M" 2>/dev/null && not_ok "umount of a busy file system"; tries=$((tries + 1)); }
    exec 3>&-
done
wait $storm && [ $tries -gt 0 ] && ok "umount is refused while there is work: $tries times; $(cat "$T/storm")" ||
    not_ok "umount is refused while there is work: $tries times; $(cat "$T/storm")"
stop && ok "and then it ends, with exit code 0" || not_ok "and then it ends: exit code $?"
score
