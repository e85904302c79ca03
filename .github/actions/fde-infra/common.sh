# shellcheck shell=bash
# What the scripts of this action share: messages that GitHub shows, outputs, and calls of GitHub's API.

# Goes with the runner.
work=$(mktemp -d "$RUNNER_TEMP/fde-infra-work.XXXXXX")

# A workflow command ends with its line, and `%` is its escape.
escaped() {
  local text=${1//'%'/%25}
  text=${text//$'\r'/%0D}
  printf '%s' "${text//$'\n'/%0A}"
}

warn() {
  printf '::warning title=fde-infra::%s\n' "$(escaped "$1")"
}

die() {
  # GitHub reads both streams, and standard output may be a value.
  printf '::error title=fde-infra::%s\n' "$(escaped "$1")" >&2
  exit 1
}

# An output of the step. No value can hold the line that ends it, because nobody knows that line beforehand.
output() {
  local end
  end="end_$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  printf '%s<<%s\n%s\n%s\n' "$1" "$end" "$2" "$end" >>"$GITHUB_OUTPUT"
}

# The SHA-256 of a file.
sum() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Only what means nothing to Markdown, HTML or a shell.
plain() {
  printf '%s' "${1//[^A-Za-z0-9._\/-]/_}"
}

# Calls GitHub's API. The token goes through a file: command lines can be seen by every process of the machine.
github() {
  curl --silent --show-error --location --retry 3 \
    --header @<(printf 'Authorization: Bearer %s\n' "$GH_TOKEN") \
    --header 'X-GitHub-Api-Version: 2022-11-28' "$@"
}

# Calls GitHub's API with a JSON document, which is not sent twice: it may have done its work, though nobody answered.
send() {
  call --retry 0 --header 'Content-Type: application/json' "$@"
}

# Leaves the answer in answer.json, and its status in `code`; false if it is no success.
call() {
  code=$(github --output "$work/answer.json" --write-out '%{http_code}' "$@") || die "GitHub does not answer"
  [[ $code == 2?? ]]
}

# What a call was refused with, in short.
answer() {
  printf 'GitHub answers %s %s' "$code" "$(head -c 300 "$work/answer.json")"
}

# Whose token this is. Whoever can write can copy a marker, so only what we have written ourselves counts as ours.
login() {
  send --data '{"query":"query { viewer { login } }"}' "$GITHUB_GRAPHQL_URL" \
    && jq -r '.data.viewer.login // "github-actions[bot]"' "$work/answer.json"
}

# The first of the things in a list, page by page, that we have written and that begins with the marker: its number under
# the given key.
ours() {
  local key=$1 url=$2 login=$3 marker=$4 page found
  for ((page = 1; ; page++)); do
    call --get --data-urlencode "page=$page" --data per_page=100 "${@:5}" "$url" || return 1
    found=$(jq -r --arg login "$login" --arg marker "$marker" --arg key "$key" '
      first(.[] | select(.user.login == $login and (.body // "" | startswith($marker))) | .[$key]) // ""
    ' "$work/answer.json")
    [[ -z $found && $(jq length "$work/answer.json") == 100 ]] || break
  done
  printf '%s' "$found"
}

# The marker by which a later run finds this, the page, and where it comes from. On a pull request GITHUB_SHA is a merge
# that GitHub has made up, which nobody finds in the branch.
document() {
  local commit
  commit=$(jq -r '.pull_request.head.sha // env.GITHUB_SHA' "$GITHUB_EVENT_PATH")
  printf '%s\n' "$marker"
  cat "$MARKDOWN"
  printf '\n<sub>%s, [run %s](%s/%s/actions/runs/%s)</sub>\n' "${commit:0:12}" "$GITHUB_RUN_ID" \
    "$GITHUB_SERVER_URL" "$GITHUB_REPOSITORY" "$GITHUB_RUN_ID"
}
