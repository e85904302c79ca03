#!/bin/sh
# Installs fde-infra for Linux or macOS: downloads a release, checks it, and puts the program into a directory of yours.
#
#   FDE_INFRA_VERSION   the release, as in 1.2.3; by default the latest
#   FDE_INFRA_BIN       the directory; by default ~/.local/bin
#
# The archive must have the SHA-256 that the release lists. Where `gh` 2.67 or newer is installed and logged in, the archive
# must also be attested by the release workflow at the tag of that version; FDE_INFRA_ATTESTATION=required refuses to do
# without.
set -eu

repository=happyrobot-ai/fde-infra
releases="https://github.com/$repository/releases"

die() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}

has() {
  command -v "$1" >/dev/null 2>&1
}

download() {
  curl --fail --silent --show-error --location --proto '=https' --retry 3 --output "$2" "$1" || die "could not download $1"
}

# The name under which a release has a program for this machine.
target() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo x86_64-unknown-linux-musl ;;
    Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-musl ;;
    Darwin-x86_64) echo x86_64-apple-darwin ;;
    Darwin-arm64) echo aarch64-apple-darwin ;;
    *) die "there is no release for $(uname -s) on $(uname -m); \`cargo install --git https://github.com/$repository --locked\` builds it" ;;
  esac
}

# The version of the latest release: the address of its page says it.
latest() {
  page=$(curl --fail --silent --show-error --location --proto '=https' --retry 3 --output /dev/null --write-out '%{url_effective}' \
    "$releases/latest") || die "could not look up the latest release at $releases"
  echo "${page##*/v}"
}

sum() {
  if has sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Whether the bytes are what the release workflow built from that tag. A checksum that lies beside an archive only shows that
# the two belong together.
attested() {
  gh attestation verify "$archive" --repo "$repository" --signer-workflow "$repository/.github/workflows/release.yml" \
    --source-ref "refs/tags/v$version" --deny-self-hosted-runners >&2
}

has curl || die 'curl is needed to download the program'
version=${FDE_INFRA_VERSION:-}
[ -n "$version" ] || version=$(latest)
version=${version#v}
case "$version" in
  [0-9]*.[0-9]*.[0-9]*) ;;
  *) die "\`$version\` is not a version, as in 1.2.3" ;;
esac
case "$version" in *[!0-9A-Za-z.-]*) die "\`$version\` is not a version, as in 1.2.3" ;; esac
bin=${FDE_INFRA_BIN:-$HOME/.local/bin}
archive="fde-infra-$version-$(target).tar.gz"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work"
download "$releases/download/v$version/SHA256SUMS" SHA256SUMS
download "$releases/download/v$version/$archive" "$archive"
expected=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' SHA256SUMS)
found=$(sum "$archive")
[ -n "$expected" ] || die "release v$version lists no SHA-256 of $archive"
[ "$expected" = "$found" ] || die "$archive is not what its release says: SHA-256 $found instead of $expected"
if has gh && gh auth status >/dev/null 2>&1; then
  attested || die "$archive was not attested by the release workflow of $repository at the tag v$version"
elif [ "${FDE_INFRA_ATTESTATION:-}" = required ]; then
  die 'the attestation cannot be checked: `gh` is not installed, or not logged in (`gh auth login`)'
else
  printf 'note: only the checksum was checked; with `gh` installed and logged in, the attestation is as well\n' >&2
fi
tar -xzf "$archive" fde-infra
said=$(./fde-infra --version) || die "the program of release v$version does not run on this machine"
case "$said" in
  "fde-infra $version" | "fde-infra $version "*) ;;
  *) die "$archive holds another program: $said" ;;
esac
mkdir -p "$bin"
# Beside its place and then moved there: a program that runs meanwhile goes on, and no half of one is ever found.
cp fde-infra "$bin/.fde-infra.$$"
mv -f "$bin/.fde-infra.$$" "$bin/fde-infra"
printf '%s is in %s\n' "$said" "$bin" >&2
case ":$PATH:" in
  *":$bin:"*) ;;
  *) printf 'note: %s is not on the PATH; add it with: export PATH="%s:$PATH"\n' "$bin" "$bin" >&2 ;;
esac
