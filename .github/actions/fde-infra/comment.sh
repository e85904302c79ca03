#!/usr/bin/env bash
# Keeps one comment per stack on the pull request that a run is about: the first preview writes it, the others edit it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.github/actions/fde-infra/common.sh
source "$here/common.sh"

number=$(jq -r '.pull_request.number // (.issue | select(.pull_request?) | .number) // empty' "$GITHUB_EVENT_PATH")
if [[ -z $number ]]; then
  echo "This run is about no pull request: there is nothing to comment on."
  exit 0
fi

# Known by where the stack is, and not by its name, because a file with a fault in it has none.
key="${DIRECTORY%/}/${STACK:-default}"
marker="<!-- fde-infra: $(plain "${key#./}") -->"
issues="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues"

# Without the right to comment there is no comment, and that is all: the runs of pull requests from forks have a token
# that can only read.
refused() {
  case $code in
    401 | 403 | 404)
      warn "no comment on #$number, as the token has no right to write one (pull-requests: write); $(answer). The preview \
is in the summary of this run."
      exit 0
      ;;
    *) die "could not comment on #$number: $(answer)" ;;
  esac
}

login >"$work/login" || refused
ours id "$issues/$number/comments" "$(cat "$work/login")" "$marker" >"$work/id" || refused
comment=$(cat "$work/id")
document >"$work/body.md"
jq -n --rawfile body "$work/body.md" '{ body: $body }' >"$work/body.json"
if [[ -n $comment ]]; then
  send --request PATCH --data-binary "@$work/body.json" "$issues/comments/$comment" || refused
else
  send --data-binary "@$work/body.json" "$issues/$number/comments" || refused
fi
echo "The preview is a comment on #$number."
