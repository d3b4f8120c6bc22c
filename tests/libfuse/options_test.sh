#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Command lines: exit codes are libfuse's, what is wrong is said in one line. And what our libraries export.
# shellcheck source=tests/libfuse/common.sh
. "$(dirname "$0")/common.sh"
examples=/usr/share/doc/libfuse3-dev/examples
[ -d $examples ] || { echo "no examples of libfuse3-dev: skipped"; exit 77; }
gcc -w -I/usr/include/fuse3 "$examples/hello.c" -lfuse3 -o "$T/hello" || exit 1
gcc -w -I/usr/include/fuse3 "$examples/hello_ll.c" -lfuse3 -o "$T/hello_ll" || exit 1

# fails NAME EXPECTED-WORDS ARGUMENT...: the exit code of libfuse, and one line with the words
fails() {
    local name=$1 words=$2 code ours said
    shift 2
    (cd "$T" && "$T/hello" "$@" >/dev/null 2>&1)
    code=$?
    said=$(cd "$T" && "$RUN" "$T/hello" "$@" 2>&1)
    ours=$?
    if [ $ours -eq $code ] && [ "$ours" -ne 0 ] && [ "$(grep -c . <<<"$said")" -eq 1 ] && grep -qi -- "$words" <<<"$said"; then
        ok "$name: $said"
    else
        not_ok "$name: libfuse ends with $code, we with $ours and \"$said\""
    fi
    mounted && umount "$M"
}

touch "$T/file"
fails "no mount point" "no mountpoint"
fails "missing mount point" "bad mount point.*No such file" "$T/nowhere"
fails "two mount points" "invalid argument" "$M" "$T"
fails "unknown option" "unknown option.*bogus" -o bogus=1 "$M"
fails "unknown letter" "unknown option.*-Z" -Z "$M"
fails "not a number" "invalid.*entry_timeout=soon" -o entry_timeout=soon "$M"
fails "not octal" "invalid.*umask=rwx" -o umask=rwx "$M"
fails "no value" "missing argument" "$M" -o
# libfuse takes these for other numbers.
for option in uid=99999999999 gid=-7 umask=99 umask=77777777777777 max_read=1k attr_timeout=nan entry_timeout= remember=0x; do
    said=$("$RUN" "$T/hello" -o $option "$M" 2>&1)
    code=$?
    if [ $code -eq 3 ] && [ "$said" = "fuse: invalid parameter in option \`$option'" ]; then ok "out of range: $said"; else
        not_ok "$option: exit code $code, $said"
    fi
    mounted && umount "$M"
done

# succeeds NAME TEST ARGUMENT...: mounts, and the test holds
succeeds() {
    local name=$1 test=$2
    shift 2
    if "$RUN" "$T/hello" "$@" "$M" 2>"$T/said" && eval "$test"; then ok "$name"; else
        not_ok "$name: $(cat "$T/said")"
    fi
    unmount
}
line() { grep -F " $M " /proc/self/mountinfo; }
succeeds "an option twice: the last counts" '[ "$(stat -c %a "$M/hello")" = 640 ]' -o umask=022 -o umask=137
succeeds "uid, gid and umask" '[ "$(stat -c %u:%g:%a "$M/hello")" = 12:34:600 ]' -o uid=12,gid=34,umask=177
succeeds "uid=-1" '[ "$(stat -c %u "$M/hello")" = 0 ]' -o uid=-1
succeeds "fsname and subtype" 'line | grep -q "fuse.mytype my,name "' -o 'fsname=my\,name,subtype=mytype'
succeeds "ro" 'line | grep -q "ro,"' -o ro,nosuid
succeeds "max_read" 'line | grep -q "max_read=65536"' -o max_read=65536
succeeds "default_permissions" 'line | grep -q default_permissions' -o default_permissions
succeeds "-s" '[ "$(cat "$M/hello")" = "Hello World!" ]' -s
succeeds "over a file system that has died" '[ "$(cat "$M/hello")" = "Hello World!" ]'
"$RUN" "$T/hello" "$M" && pkill -KILL -f -- "$T/hello $M"
succeeds "over a file system that was killed" '[ "$(cat "$M/hello")" = "Hello World!" ]'

"$RUN" "$T/hello" --help >"$T/help" && grep -q entry_timeout "$T/help" && ok "--help" || not_ok "--help"
"$RUN" "$T/hello" --version | grep -q 'FUSE library version 3' && ok "--version" || not_ok "--version"

# Signals
for signal in TERM INT HUP; do
    env --default-signal=$signal "$RUN" "$T/hello" -f "$M" 2>"$T/said" &
    pid=$!
    for ((i = 0; i < 100; i++)); do mounted && break; sleep 0.05; done
    kill -$signal $pid
    wait $pid
    code=$?
    if [ $code -eq 8 ] && ! mounted; then ok "SIG$signal unmounts, exit code 8"; else
        not_ok "SIG$signal: exit code $code, $(cat "$T/said")"
    fi
done

# fuse_opt, on command lines that are made at random.
gcc -w -I/usr/include/fuse3 "$HERE/opt.c" -lfuse3 -o "$T/opt" && {
    "$T/opt" >"$T/opt.system" 2>&1
    "$RUN" "$T/opt" >"$T/opt.ours" 2>&1
    same opt
}

# A low-level program cannot run, and says so.
said=$("$RUN" "$T/hello_ll" "$M" 2>&1)
code=$?
if [ $code -ne 0 ] && grep -q "low-level API" <<<"$said"; then ok "low-level program: $said"; else
    not_ok "low-level program: exit code $code, \"$said\""
fi

# Names and versions of symbols are those of libfuse 3.14 and 2.9.9.
exports() { objdump -T "$1" | awk '$3 != "*UND*" && /FUSE_/ { print $(NF - 1), $NF }' | sort; }
for library in libfuse3.so.3 libfuse.so.2; do
    system=$(ldconfig -p | awk -v name=$library '$1 == name { print $NF; exit }')
    [ -n "$system" ] || continue
    case $(readlink -f "$system") in
    */libfuse3.so.3.14.0 | */libfuse.so.2.9.9) ;;
    *) continue ;;
    esac
    if diff <(exports "$system") <(exports "$BIN/fuse/$library") >"$T/diff"; then ok "$library exports what libfuse does"; else
        not_ok "$library exports what libfuse does"
        sed 's/^/  # /' "$T/diff" | head
    fi
done
score
