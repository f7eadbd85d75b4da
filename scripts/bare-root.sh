#!/usr/bin/env bash
# Shows that a clean clone sets itself up: makes a bare Debian root file system that has git and Node.js and nothing else,
# clones the committed state of this repository into it and runs a command there (`npm test` unless one is given).
#
#   sudo scripts/bare-root.sh                 sudo scripts/bare-root.sh npm start
#
# Needs root, debootstrap and the network. From the environment:
#   SUITE       the Debian release (bookworm)
#   MIRROR      where its packages come from (debootstrap's own choice; security updates from $MIRROR-security)
#   BARE_ROOT   the folder (a new temporary one); where it holds a root already, that one is used again, with a new clone
#   SITE_SETUP  a program run with that folder as its argument before anything else: certificates, package sources and
#               whatever else a network needs that is not the open Internet
#   PASS_ENV    names of variables that the command sees, besides CI and TERM
#   KEEP        not empty: the folder stays
set -euo pipefail

suite=${SUITE:-bookworm}
repository=$(cd "$(dirname "$0")/.." && pwd)
bare_root=${BARE_ROOT:-$(mktemp -d -t hitkv-bare-root.XXXXXX)}
mkdir -p "$bare_root"
[ $# -gt 0 ] || set -- npm test

if [ "$(id -u)" -ne 0 ]; then
  echo "bare-root.sh makes a root file system and mounts into it: run it as root" >&2
  exit 1
fi

if [ -z "${KEEP:-}" ]; then
  trap 'rm -rf --one-file-system "$bare_root"' EXIT
fi

chmod 755 "$bare_root"
if [ ! -x "$bare_root/usr/bin/git" ]; then
  debootstrap --variant=minbase --include=git "$suite" "$bare_root" ${MIRROR:+"$MIRROR"} >&2
  # debootstrap names its mirror there; a real system has the updates too.
  mirror=$(sed -n 's/^deb \([^ ]*\) .*/\1/p' "$bare_root/etc/apt/sources.list" | head -n 1)
  printf 'deb %s %s main\n' "$mirror" "$suite" "$mirror" "$suite-updates" "$mirror-security" "$suite-security" \
    >"$bare_root/etc/apt/sources.list"
fi

# Node.js as a user has it: the program and npm, in /usr/local. The one of this machine, so nothing is downloaded.
npm_folder=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
mkdir -p "$bare_root/usr/local/lib/node_modules"
cp -L "$(command -v node)" "$bare_root/usr/local/bin/node"
rm -rf "$bare_root/usr/local/lib/node_modules/npm"
cp -R "$npm_folder" "$bare_root/usr/local/lib/node_modules/npm"
ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$bare_root/usr/local/bin/npm"

cp -L /etc/resolv.conf "$bare_root/etc/resolv.conf"
if [ -n "${SITE_SETUP:-}" ]; then
  "$SITE_SETUP" "$bare_root"
fi

rm -rf "$bare_root/root/hitkv"
git clone --quiet --no-hardlinks "$repository" "$bare_root/root/hitkv"

passed=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8)
for name in CI TERM ${PASS_ENV:-}; do
  if [ -n "${!name:-}" ]; then
    passed+=("$name=${!name}")
  fi
done

# The mounts live in a name space of their own and end with the command.
# shellcheck disable=SC2016
unshare --mount --propagation private -- bash -euc '
  root=$1 && shift
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  exec chroot "$root" /usr/bin/env -i "$@"
' bare-root "$bare_root" "${passed[@]}" sh -c 'cd /root/hitkv && exec "$@"' bare-root "$@"
