#!/usr/bin/env bash
# Ten tenants of one project on one machine, all at once: builds Tidelock, starts its server on this
# machine, applies the manifests of this folder and shows what happens.
#
#   run.sh                    installs release 1.0.0 for all tenants
#   run.sh --release 1.1.0    rolls the next release
#   run.sh --stop             stops the server (data stays in .tidelock/)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
data=${TIDELOCK_DATA:-$root/.tidelock}
build=${TIDELOCK_BUILD:-$root/build}
listen=${TIDELOCK_LISTEN:-127.0.0.1:7443}
release=1.0.0

usage() { sed -n '2,8s/^# \{0,1\}//p' "$0"; }

while (($# > 0)); do
  case $1 in
    --release)
      [[ ${2:-} =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "error: --release wants a version like 1.1.0" >&2; exit 1; }
      release=$2; shift 2 ;;
    --stop) stop=1; shift ;;
    -h|--help) usage; exit 0 ;;
    *) echo "error: unknown argument: $1" >&2; usage >&2; exit 1 ;;
  esac
done

pid_file=$data/server.pid
server_runs() { [[ -s $pid_file ]] && kill -0 "$(<"$pid_file")" 2>/dev/null; }

if [[ -n ${stop:-} ]]; then
  if server_runs; then kill "$(<"$pid_file")"; echo "stopped"; else echo "not running"; fi
  rm -f "$pid_file"
  exit 0
fi

say() { printf '\n== %s\n' "$*"; }

build_programs() {
  bash "$root/tests/install.sh"
  say "Building (a few minutes the first time)"
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTIDELOCK_BUILD_TESTS=OFF > "$build.log" 2>&1 ||
    { mkdir -p "$build"; tail -20 "$build.log" >&2; exit 1; }
  rm -f "$build.log"
  ninja -C "$build" tidelock tidectl
}

start_server() {
  mkdir -p "$data"
  if server_runs; then
    echo "the server already runs (pid $(<"$pid_file"))"
    return
  fi
  rm -f "$data/admin.kubeconfig"
  setsid "$build/tidelock" server --data-dir "$data" --listen "$listen" --allow-local-executor \
    > "$data/server.log" 2>&1 < /dev/null &
  echo $! > "$pid_file"
  for _ in $(seq 100); do
    if [[ -s $data/admin.kubeconfig ]] && "$build/tidectl" version > /dev/null 2>&1; then
      echo "serving on $listen, data in $data"
      return
    fi
    server_runs || break
    sleep 0.1
  done
  echo "error: the server did not start:" >&2
  tail -20 "$data/server.log" >&2
  rm -f "$pid_file"
  exit 1
}

# A package as a vendor would publish it; the same bytes each time.
make_package() {
  local version=$1 folder=$data/packages/storefront-$1
  mkdir -p "$folder"
  printf 'name = storefront\nversion = %s\nport = @PORT@\n' "$version" > "$folder/shop.conf.in"
  printf '#!/bin/sh\necho "storefront %s"\n' "$version" > "$folder/shop"
  chmod 755 "$folder/shop"
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$folder" -cf - . |
    gzip -n > "$folder.tar.gz"
}

release_manifest() {
  local version=$1 package=$data/packages/storefront-$1.tar.gz
  cat <<YAML
apiVersion: tidelock.dev/v1alpha1
kind: Release
metadata: {name: storefront-$version}
spec:
  projectRef: {name: storefront}
  version: $version
  packages:
  - {step: fetch, url: "file://$package", sha256: "$(sha256sum "$package" | cut -d' ' -f1)"}
YAML
}

[[ -n ${TIDELOCK_SKIP_BUILD:-} ]] || build_programs
export KUBECONFIG=$data/admin.kubeconfig
tidectl=$build/tidectl

say "Starting the server"
start_server

say "Applying the manifests"
make_package "$release"
rendered=$data/quickstart
mkdir -p "$rendered" "$data/srv/tenants"
sed "s|/srv/tenants|$data/srv/tenants|" "$here/target.yaml" > "$rendered/target.yaml"
sed "s|version: 1.0.0|version: $release|" "$here/deployment.yaml" > "$rendered/deployment.yaml"
release_manifest "$release" > "$rendered/release.yaml"
"$tidectl" apply -f "$here/locks.yaml" -f "$here/project.yaml" -f "$rendered/target.yaml" \
  -f "$here/tenants.yaml" -f "$rendered/release.yaml" -f "$rendered/deployment.yaml"

say "Rolling out storefront $release"
if "$tidectl" plan > /dev/null; then
  echo "nothing to upgrade: every pair is at $release already"
fi
"$tidectl" rollout status tenantdeployment/storefront-production --timeout 5m

say "Who ran when, and who waited for whom"
"$tidectl" timeline storefront-production

say "Installed"
"$tidectl" get installations

cat <<TEXT

== What to try next
  export KUBECONFIG=$KUBECONFIG PATH=$build:\$PATH
  manifests/quickstart/run.sh --release 1.1.0   # the next release, for all ten at once
  tidectl why tenant-07                         # why is it waiting?
  tidectl locks                                 # who holds what
  tidectl plan                                  # what would happen now
  cat $data/srv/tenants/central.conf            # the shared file: ten lines, none lost
  kubectl get installations -w                  # any Kubernetes client works
  manifests/quickstart/run.sh --stop
TEXT
