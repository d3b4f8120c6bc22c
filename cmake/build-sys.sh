#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds the Windows kernel driver (winfsp-x64.sys, -x86.sys, -a64.sys) with clang and lld on any system that has
# mingw-w64's DDK headers.
#
#   build-sys.sh ARCH OUTPUT_FOLDER        ARCH: x64, x86 or a64
#
# Beside the driver: its symbols (.pdb), and an import library (.lib) for kernel extension providers (winfsp/fsext.h).
#
# The driver is linked against an import library made from tests/driver/nt52-imports.txt and nothing else, so that
# a routine which the oldest supported kernel does not export is an unresolved symbol here, not a failed load there.
# Exit code 77: a tool is missing (ctest reports the test as skipped).
set -eu

arch=${1:?usage: build-sys.sh x64|x86|a64 OUTPUT_FOLDER}
out=${2:?usage: build-sys.sh x64|x86|a64 OUTPUT_FOLDER}
root=$(cd "$(dirname "$0")/.." && pwd)
llvm=${LLVM_SUFFIX--19}
ddk=${MINGW_INCLUDE:-/usr/share/mingw-w64/include}

for tool in clang$llvm lld-link$llvm llvm-dlltool$llvm llvm-rc$llvm; do
    if ! command -v "$tool" >/dev/null; then
        echo "build-sys: $tool is not installed; the driver is not built"
        exit 77
    fi
done
if [ ! -f "$ddk/ddk/ntifs.h" ]; then
    echo "build-sys: $ddk/ddk/ntifs.h (mingw-w64) is not installed; the driver is not built"
    exit 77
fi

case $arch in
x64) triple=x86_64-w64-windows-gnu dlltool=i386:x86-64 machine=x64 entry=DriverEntry subsystem=native,5.02
    archflags="-mno-red-zone -fasynchronous-unwind-tables" ;;
x86) triple=i686-w64-windows-gnu dlltool=i386 machine=x86 entry=DriverEntry@8 subsystem=native,5.02
    archflags="-mno-sse -mno-mmx -mno-80387 -fno-asynchronous-unwind-tables" ;;
a64) triple=aarch64-w64-windows-gnu dlltool=arm64 machine=arm64 entry=DriverEntry subsystem=native
    archflags="-mgeneral-regs-only -fasynchronous-unwind-tables" ;;
*) echo "build-sys: unknown architecture '$arch' (x64, x86 or a64)" >&2; exit 2 ;;
esac

cache=$(command -v ccache || true)
mkdir -p "$out"
out=$(cd "$out" && pwd)

common="-ffreestanding -fms-extensions -fno-stack-protector -mno-stack-arg-probe -fno-strict-aliasing
  -O2 -g -gcodeview $archflags -Wall -Wextra -Werror"
flags="--target=$triple -std=c++20 $common -fno-exceptions -fno-rtti -fno-threadsafe-statics -nostdinc++
  -DWINFSP_SYS_INTERNAL -D_WIN32_WINNT=0x0A00 -DNTDDI_VERSION=0x0A000004
  -Wno-unknown-pragmas -Wno-ignored-attributes
  -I$root/src/fsd/windows -isystem $ddk/ddk -isystem $ddk -I$root/src -I$root/include"

# shellcheck disable=SC2086
compile() { # source, object
    $cache clang$llvm $flags -c "$1" -o "$2"
}

# The same symbols and calling convention; see the file.
rm -f "$out"/*.obj
# shellcheck disable=SC2086
$cache clang$llvm --target=${triple%-gnu}-msvc $common -c "$root/src/fsd/windows/guard.c" -o "$out/guard.obj"

jobs=${JOBS:-$(nproc)}
failed=0
running=0
pids=
for source in "$root"/src/fsd/*.cpp "$root"/src/fsd/windows/*.cpp; do
    object=$out/$(basename "$source" .cpp).obj
    rm -f "$object"
    compile "$source" "$object" &
    pids="$pids $!"
    running=$((running + 1))
    if [ "$running" -ge "$jobs" ]; then
        for pid in $pids; do wait "$pid" || failed=1; done
        pids=
        running=0
    fi
done
for pid in $pids; do wait "$pid" || failed=1; done
if [ "$failed" -ne 0 ]; then
    echo "build-sys: $arch: compilation failed" >&2
    exit 1
fi

# Data exports must be marked, or the linker would call through the import address table entry.
list=$root/tests/driver/nt52-imports.txt
name=winfsp-$arch
case $arch in
x86)
    # Decorated names (_Name@8, @Name@4) come from mingw-w64's library; tests/driver/check_imports checks the result.
    imports="/usr/i686-w64-mingw32/lib/libhal.a /usr/i686-w64-mingw32/lib/libntoskrnl.a"
    extra=/safeseh:no
    ;;
*)
    def=$out/ntoskrnl.def
    { echo 'LIBRARY ntoskrnl.exe'; echo EXPORTS; sed -e 's/#.*//' -e '/^ *$/d' -e '/ x86 *$/d' "$list"; } >"$def"
    llvm-dlltool$llvm -m "$dlltool" -d "$def" -l "$out/libntoskrnl.a"
    imports=$out/libntoskrnl.a
    extra=
    ;;
esac

sed -e 's/@TYPE@/3/' -e 's/@SUBTYPE@/7/' -e 's/@DESCRIPTION@/File system driver/' -e "s/@FILE@/$name.sys/" \
    "$root/cmake/version.rc.in" >"$out/version.rc"
# llvm-rc reads an argument that begins like one of its options as that option: a path such as /check/version.rc as /c.
(cd "$out" && llvm-rc$llvm /no-preprocess /fo version.res version.rc)

# shellcheck disable=SC2086
lld-link$llvm /nologo /driver /subsystem:$subsystem /nodefaultlib /dynamicbase /nxcompat /release /debug /lldmingw \
    /opt:ref /section:INIT,ERD /machine:$machine /entry:$entry $extra /pdb:"$out/$name.pdb" /out:"$out/$name.sys" \
    /implib:"$out/$name.lib" \
    "$out"/*.obj "$out/version.res" $imports
echo "build-sys: $out/$name.sys"
