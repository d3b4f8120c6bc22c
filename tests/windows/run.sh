#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh ARCH: builds the Windows product for x64, x86 or a64, checks the DLL's exports and imports, and (x64) runs its
# unit tests and the programs under Wine, in a prefix of their own.
# Exit code 77: a tool is missing (ctest reports the test as skipped).
set -u
arch=${1:?usage: run.sh x64|x86|a64}
cd "$(dirname "$0")/../.." || exit 1
build=build/windows-$arch
case $arch in
x64) compiler=x86_64-w64-mingw32-g++-posix ;;
x86) compiler=i686-w64-mingw32-g++-posix ;;
*) compiler=clang++-19 ;;
esac
for tool in "$compiler" clang-19 lld-link-19 llvm-readobj-19; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed: skipped"; exit 77; }
done

{ cmake --preset "windows-$arch" && cmake --build "$build"; } >"$build.log" 2>&1 || {
    tail -n 40 "$build.log"
    exit 1
}
tests/windows/exports_test.sh "$build/bin/winfsp-$arch.dll" || exit 1
[ "$arch" = x64 ] || exit 0
wine=$(command -v wine64 || command -v wine || ls /usr/lib/wine/wine64 2>/dev/null)
[ -n "$wine" ] || { echo "wine64 is not installed: the programs are not run"; exit 77; }

WINEPREFIX=$(mktemp -d)
export WINEPREFIX WINEDEBUG=-all WINEARCH=win64
trap '"${wine%64}server" -k 2>/dev/null || wineserver -k 2>/dev/null || /usr/lib/wine/wineserver64 -k 2>/dev/null; rm -rf "$WINEPREFIX"' EXIT
bad=0

# While Wine starts its own services it takes any program that asks the service manager for one of them: one program
# stays, so that this is over before the first test.
timeout 300 "$wine" cmd /c 'ping -n 300 127.0.0.1' >/dev/null 2>&1 </dev/null &
for _ in $(seq 30); do
    "$wine" "$build/bin/fsptool-$arch.exe" lsdrv >/dev/null 2>&1 </dev/null && break
    sleep 1
done
sleep 3

# expect CODE TEXT PROGRAM ARGS...: the exit code (* is any but 0), and a part of what it says
expect() {
    local code=$1 text=$2 program=$3 output status
    shift 3
    output=$(timeout 60 "$wine" "$build/bin/$program-$arch.exe" "$@" 2>&1 </dev/null | tr -d '\r')
    status=${PIPESTATUS[0]}
    if { [ "$code" = '*' ] && [ "$status" -eq 0 ]; } || { [ "$code" != '*' ] && [ "$status" -ne "$code" ]; } ||
        ! grep -qF -- "$text" <<<"$output"; then
        echo "not ok: $program $*: exit code $status (expected $code), and said (expected '$text'):"
        echo "$output"
        bad=1
    fi
}
set -o pipefail

expect 0 ', 0 failed' unit-dll
expect 0 ', 0 failed' unit-fuse

expect 0 'usage: fsptool' fsptool --help
expect 87 'usage: fsptool' fsptool
expect 0 '2.2' fsptool ver
expect 0 'User=S-1-5-' fsptool id
expect 0 '(uid=18)' fsptool id S-1-5-18
expect 0 'S-1-5-32-544' fsptool id 544
expect '*' "is not a SID" fsptool id S-1-x
expect '*' 'there is no account' fsptool id nobody-of-this-name
expect 0 '(perm=18:544:0750)' fsptool perm 18:544:750
expect 0 '(perm=18:544:' fsptool perm 'O:SYG:BAD:P(A;;FA;;;SY)'
expect 0 '(perm=' fsptool perm 'C:\windows'
expect '*' 'neither a path' fsptool perm nonsense
expect 0 '' fsptool lsvol
expect 0 '' fsptool lsdrv
expect '*' 'Win32 error' fsptool load
expect 0 '' fsptool unload

expect 0 'usage: memfs' memfs --help
no_driver='the file system driver is not installed (Status=c000000e, Win32 error'
expect '*' "$no_driver" memfs -m X:
expect '*' "$no_driver" memfs -i -f -t -1 -n 10 -s 4096 -M 5 -P 10 -R 1 -F NAME -S 'D:P(A;;FA;;;WD)' -d -1 -D - -m '*'
expect '*' "$no_driver" memfs -u '\server\share'
expect '*' 'where to mount' memfs
expect '*' 'wants a value' memfs -n
expect '*' 'is no option' memfs nonsense

for version in '' 3; do
    expect 1 'FUSE options:' memfs-fuse$version -h
    expect 1 "cannot mount at \"X:\": $no_driver" memfs-fuse$version -o 'volname=disk,umask=22,uid=-1' X:
    expect 1 'volname= wants a name' memfs-fuse$version -o volname= X:
    expect 1 'invalid user or group name' memfs-fuse$version -o UserName=nobody-of-this-name X:
    expect 2 'usage:' passthrough-fuse$version
    expect 2 'usage:' passthrough-fuse$version '--UNC=\server\other'
    expect 1 "$no_driver" passthrough-fuse$version 'C:\windows' X:
    expect 1 "cannot mount at \"*\": $no_driver" passthrough-fuse$version '--UNC=\server\C$\windows'
done

[ $bad -eq 0 ] && echo "programs under Wine: good"
exit $bad
