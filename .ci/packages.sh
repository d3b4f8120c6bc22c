# SPDX-License-Identifier: MIT
# Sourced by run and test: installs Debian packages that are missing.

# install_missing PACKAGE...
install_missing() {
    local missing=() package sudo=()
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    command -v apt-get >/dev/null || {
        echo "Please install what corresponds to these Debian packages: ${missing[*]}" >&2
        return 1
    }
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "These packages are missing and there is no sudo; install them as root: ${missing[*]}" >&2
            return 1
        }
        sudo=(sudo)
    fi
    echo "Installing ${missing[*]}"
    { "${sudo[@]}" apt-get update -q &&
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } \
        >"${TMPDIR:-/tmp}/openfsp-apt.log" 2>&1 || {
        tail -n 20 "${TMPDIR:-/tmp}/openfsp-apt.log" >&2
        echo "Installing packages failed; the lines above say why" >&2
        return 1
    }
}

build_packages=(g++ cmake ninja-build pkg-config libfuse3-dev fuse3)
