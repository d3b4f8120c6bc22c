#!/bin/sh
# SPDX-License-Identifier: MIT
# build_windows.sh OUTPUT_FOLDER [ARCH...]: conformance-x64.exe and -x86.exe, which need nothing beside them.
# Exit code 77: the compiler is missing (ctest reports the test as skipped).
set -eu
out=$(realpath -m "${1:?usage: build_windows.sh OUTPUT_FOLDER [x64] [x86]}")
shift
[ $# -gt 0 ] || set -- x64 x86
cd "$(dirname "$0")"
include=${MINGW_INCLUDE:-/usr/share/mingw-w64/include}
cache=$(command -v ccache || true)
sources="$(ls ./*.cpp frame/*.cpp | grep -v host_ntos)"

for arch; do
    case $arch in
    x64) compiler=x86_64-w64-mingw32-g++-posix ;;
    x86) compiler=i686-w64-mingw32-g++-posix ;;
    *) echo "build_windows: unknown architecture '$arch' (x64 or x86)" >&2; exit 2 ;;
    esac
    command -v $compiler >/dev/null || { echo "build_windows: $compiler is not installed"; exit 77; }
    mkdir -p "$out/$arch"
    for source in $sources; do
        echo "$cache $compiler -std=c++20 -O1 -Wall -Wextra -Werror -Wno-unknown-pragmas -Wno-ignored-attributes
            -fno-strict-aliasing -D_WIN32_WINNT=0x0A00 -DNTDDI_VERSION=0x0A000004 -I. -isystem $include/ddk
            -isystem $include -c $source -o $out/$arch/$(basename "$source" .cpp).o" | tr -d '\n'
        echo
    done | xargs -P "$(nproc)" -I{} sh -c '{}'
    $compiler -static -s -o "$out/conformance-$arch.exe" "$out/$arch"/*.o -lntdll -ladvapi32
    echo "build_windows: $out/conformance-$arch.exe"
done
