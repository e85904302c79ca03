#!/usr/bin/env bash
# Keeps one issue per stack open for as long as what is live differs from the stack file.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.github/actions/fde-infra/common.sh
source "$here/../fde-infra/common.sh"

name=$(plain "$STACK")
marker="<!-- fde-infra drift: $name -->"
issues="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues"

refused() {
  die "could not keep the issue on the drift of $name (issues: write is needed): $(answer)"
}

case $EXIT_CODE in
  0 | 7) ;;
  *) die "whether $name has drifted is not known: preview ended with exit code ${EXIT_CODE:-none}" ;;
esac

login >"$work/login" || refused
login=$(cat "$work/login")
ours number "$issues" "$login" "$marker" --data state=open --data-urlencode "creator=$login" >"$work/number" || refused
issue=$(cat "$work/number")

if [[ $EXIT_CODE == 0 ]]; then
  if [[ -z $issue ]]; then
    echo "$name is as its file says."
    exit 0
  fi
  jq -n --arg body "Nothing differs any more: run $GITHUB_RUN_ID of ${GITHUB_SHA:0:12}." '{ body: $body }' >"$work/body.json"
  send --data-binary "@$work/body.json" "$issues/$issue/comments" || refused
  send --request PATCH --data '{"state":"closed","state_reason":"completed"}' "$issues/$issue" || refused
  echo "$name is as its file says again: #$issue is closed."
  exit 0
fi

document >"$work/body.md"
jq -n --arg title "Drift: $name is not as its file says" --rawfile body "$work/body.md" \
  '{ title: $title, body: $body }' >"$work/body.json"
if [[ -n $issue ]]; then
  send --request PATCH --data-binary "@$work/body.json" "$issues/$issue" || refused
else
  send --data-binary "@$work/body.json" "$issues" || refused
  issue=$(jq -r .number "$work/answer.json")
fi
warn "$name is not as its file says: #$issue"
