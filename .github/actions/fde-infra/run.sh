#!/usr/bin/env bash
# Runs one command of fde-infra, writes the step's summary and its outputs, and ends as the command did.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.github/actions/fde-infra/common.sh
source "$here/common.sh"

# GitHub takes 65,536 characters for a comment, and 1 MiB for the summary of a step.
readonly comment_bytes=60000 summary_bytes=1000000

log="$work/log.txt"
words=("$COMMAND")

# Adds a flag for each line that says something.
each() {
  local line
  while IFS= read -r line; do
    line=${line#"${line%%[![:space:]]*}"}
    line=${line%"${line##*[![:space:]]}"}
    [[ -z $line ]] || words+=("$1=$line")
  done <<<"$2"
}

# Runs the program and keeps what it says. A cancelled run signals this shell alone, which hands it on: the program then
# finishes what is under way, and starts nothing new.
run() {
  local pid='' copying signalled=0
  trap 'signalled=1; [[ -z $pid ]] || kill -TERM "$pid" 2>/dev/null || true' INT TERM
  mkfifo "$work/pipe"
  tee "$log" <"$work/pipe" &
  copying=$!
  "$PROGRAM" "${words[@]}" >"$work/pipe" 2>&1 &
  pid=$!
  status=0
  wait "$pid" || status=$?
  # A wait that a signal has ended says nothing of the program, and is begun anew. What the status is does not tell it
  # apart: a program that was killed has one above 128 as well, and the same each time it is asked for.
  while ((signalled)); do
    signalled=0 status=0
    wait "$pid" || status=$?
  done
  trap - INT TERM
  wait "$copying"
}

# The end of the log as a block of code that ends where we end it, whatever is in it. What speaks to GitHub is left out.
fenced_log() {
  local most=$1 fence='```' text="$work/text.txt"
  sed '/^::/d' "$log" >"$text"
  while grep -qF -e "$fence" "$text"; do fence+='`'; done
  printf '%stext\n' "$fence"
  if (($(wc -c <"$text") > most)); then
    echo '…'
    # The first line of the rest is the end of one.
    tail -c "$most" "$text" | sed 1d
  else
    cat "$text"
  fi
  printf '%s\n' "$fence"
}

# What there is to show where there is no plan.
page() {
  local ended="is done" name="the only stack"
  ((status == 0)) || ended="failed: exit code $status"
  [[ -z $STACK ]] || name="<code>$(plain "$STACK")</code>"
  printf '### %s of %s %s\n\n<details><summary>Log</summary>\n\n' "$COMMAND" "$name" "$ended"
  fenced_log "$1"
  printf '\n</details>\n'
}

preview() {
  local document="$work/plan.json" summary="$work/summary.md" comment="$work/comment.md"
  words+=(
    "--json-into=$document" "--markdown-into=$comment=$comment_bytes" "--markdown-into=$summary=$summary_bytes"
  )
  if [[ -n $PLAN ]]; then
    words+=("--save-plan=$PLAN")
    [[ -z $PLAN_FOR ]] || words+=("--plan-for=$PLAN_FOR")
  fi
  [[ $EXPECT_NO_CHANGES != true ]] || words+=(--expect-no-changes)
  run
  if [[ -s $document && -s $comment && -s $summary ]]; then
    output changes "$(jq -r '.steps | length > 0' "$document")"
    output summary "$(jq -r '
      .summary
      | [("delete", "replace", "create", "update", "retain") as $op | select(.[$op] > 0) | "\(.[$op]) to \($op)"]
        + (if .same > 0 then ["\(.same) unchanged"] else [] end)
        + (if .drift > 0 then ["\(.drift) drifted"] else [] end)
      | if length == 0 then "no changes" else join(", ") end' "$document")"
    if [[ -n $PLAN && -s $PLAN ]]; then
      # Who approves the plan sees this, and `up` compares it: a file that is handed on can be replaced on its way.
      output plan-sha256 "$(sum "$PLAN")"
      printf "\nThe saved plan has the SHA-256 \`%s\`.\n" "$(sum "$PLAN")" >>"$summary"
    fi
  else
    page "$summary_bytes" >"$summary"
    page "$comment_bytes" >"$comment"
  fi
  cat "$summary" >>"$GITHUB_STEP_SUMMARY"
  output markdown "$comment"
}

case $COMMAND in
  preview | up | destroy | output) ;;
  *) die "\`command\` is none of preview, up, destroy and output: $COMMAND" ;;
esac
[[ $STACK != -* ]] || die "\`stack\` is no name and no path: $STACK"
[[ -z $STACK ]] || words+=("$STACK")
each --set-new "$SET_NEW"
each --set "$SET"
if [[ $COMMAND != output ]]; then
  each --target "$TARGET"
  each --allow-delete "$ALLOW_DELETE"
fi
status=0
case $COMMAND in
  preview) preview ;;
  up | destroy)
    if [[ $COMMAND == up && -n $PLAN ]]; then
      # A copy: what is compared is what is applied.
      plan="$work/plan.json"
      cp -- "$PLAN" "$plan" || die "there is no plan $PLAN"
      [[ $PLAN_SHA256 =~ ^[0-9a-f]{64}$ ]] \
        || die "\`plan\` wants \`plan-sha256\`, which preview gives: without it nothing says that this is the plan that was looked at"
      [[ $(sum "$plan") == "$PLAN_SHA256" ]] \
        || die "$PLAN is not the plan that was previewed: its SHA-256 is $(sum "$plan"), and not $PLAN_SHA256. Nothing was changed"
      words+=("--plan=$plan")
    else
      words+=(--yes)
    fi
    run
    page "$summary_bytes" >>"$GITHUB_STEP_SUMMARY"
    ;;
esac
if [[ $status == 0 && ($COMMAND == up || $COMMAND == output) ]]; then
  words=(output --json)
  [[ -z $STACK ]] || words=(output "$STACK" --json)
  each --set-new "$SET_NEW"
  each --set "$SET"
  if outputs=$("$PROGRAM" "${words[@]}"); then
    output outputs "$(jq -c . <<<"$outputs")"
    [[ $COMMAND != output ]] || printf '%s\n' "$outputs"
  else
    status=$?
    [[ $COMMAND != up ]] || warn "the stack is up, but its outputs could not be read: exit code $status"
  fi
fi
output exit-code "$status"
exit "$status"
