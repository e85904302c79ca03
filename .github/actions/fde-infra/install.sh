#!/usr/bin/env bash
# Installs fde-infra below RUNNER_TEMP: a release whose checksum and attestation are right, or what cargo builds from the
# checkout that this action is part of.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.github/actions/fde-infra/common.sh
source "$here/common.sh"
checkout=$(cd "$here/../../.." && pwd)

# The first value of a key in Cargo.toml, which is the package's.
package() {
  sed -n "/^$1 = \"/{s/^$1 = \"\\(.*\\)\"\$/\\1/p;q;}" "$checkout/Cargo.toml"
}

# The name under which a release has a program for this machine.
target() {
  case "$RUNNER_OS-$RUNNER_ARCH" in
    Linux-X64) echo x86_64-unknown-linux-musl ;;
    Linux-ARM64) echo aarch64-unknown-linux-musl ;;
    macOS-X64) echo x86_64-apple-darwin ;;
    macOS-ARM64) echo aarch64-apple-darwin ;;
    *) die "there is no release for $RUNNER_OS on $RUNNER_ARCH; \`version: source\` builds one with cargo" ;;
  esac
}

# Downloads a file of the release that `release.json` describes.
asset() {
  local url
  url=$(jq -r --arg name "$1" 'first(.assets[] | select(.name == $name) | .url) // ""' release.json)
  [[ -n $url ]] || die "release v$version of $repository has no $1"
  github --fail --header 'Accept: application/octet-stream' --output "$1" "$url" \
    || die "could not download $1 of release v$version of $repository"
}

release() {
  local archive expected found
  archive="fde-infra-$version-$(target).tar.gz"
  github --fail --output release.json "$GITHUB_API_URL/repos/$repository/releases/tags/v$version" \
    || die "could not read release v$version of $repository; \`version: source\` builds the checkout with cargo"
  asset SHA256SUMS
  asset "$archive"
  expected=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' SHA256SUMS)
  found=$(sum "$archive")
  [[ -n $expected && $expected == "$found" ]] \
    || die "$archive is not what its release says: SHA-256 $found instead of ${expected:-one that is listed}"
  # Of this version's tag: an attestation speaks of the bytes and not of the name of their file, so that of an older release,
  # or of a build of a branch, would do otherwise. Of the action's own commit besides, where that is known: a tag can be moved.
  # The flags came with gh 2.67 (https://github.com/cli/cli/pull/10308).
  local source=(--source-ref "refs/tags/v$version")
  [[ -z $commit ]] || source+=(--source-digest "$commit")
  gh attestation verify "$archive" --repo "$repository" \
    --signer-workflow "$repository/.github/workflows/release.yml" \
    "${source[@]}" --deny-self-hosted-runners \
    || die "$archive was not attested by the release workflow of $repository at the tag v$version${commit:+ and the commit $commit}"
  mkdir bin
  tar -xzf "$archive" -C bin fde-infra
  read -r _ said _ < <(bin/fde-infra --version) || true
  [[ $said == "$version" ]] || die "$archive holds fde-infra ${said:-of no version}"
}

version=${VERSION:-$(package version)}
version=${version#v}
repository=${REPOSITORY:-$(package repository | sed 's|^https://[^/]*/||')}
[[ $version =~ ^(source|[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?)$ ]] \
  || die "\`version\` is neither a release, as in 1.2.3, nor source: $version"
[[ $repository =~ ^[A-Za-z0-9_-]+/[A-Za-z0-9_.-]*[A-Za-z0-9_-]$ ]] || die "\`repository\` is no owner/name: $repository"

# The commit by which the action is used: what GitHub says, which it does not promise for a composite action, or the name of
# the directory into which the runner puts it. Who names a version has chosen another release than that of the commit. In its
# own repository the action is at the commit of the run, which is not that of a tag.
commit=${ACTION_REF:-}
[[ $commit =~ ^[0-9a-f]{40}$ ]] || commit=${checkout##*/}
[[ $commit =~ ^[0-9a-f]{40}$ && -z $VERSION && $repository != "$GITHUB_REPOSITORY" ]] || commit=''

# What was checked against one thing is not taken for what was to be checked against another: each repository, version and
# commit has a directory of its own.
if [[ $version == source ]]; then
  printf '%s' "$checkout" >"$work/checkout"
  installed="$RUNNER_TEMP/fde-infra/source/$(sum "$work/checkout")"
else
  installed="$RUNNER_TEMP/fde-infra/$repository/$version/${commit:-tag}"
fi
if [[ ! -x $installed/bin/fde-infra ]]; then
  # Whole or not at all: what is found here later has passed every check.
  building="$installed.$$"
  mkdir -p "$building"
  if [[ $version == source ]]; then
    cargo install --locked --path "$checkout" --root "$building"
  else
    (cd "$building" && release)
  fi
  mv "$building" "$installed"
fi
"$installed/bin/fde-infra" --version
echo "$installed/bin" >>"$GITHUB_PATH"
output program "$installed/bin/fde-infra"
