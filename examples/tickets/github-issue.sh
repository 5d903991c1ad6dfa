#!/bin/sh
# Keeps one GitHub issue for each finding, from demarc's event stream.
#
#   demarc scan --baseline yesterday.json --output today.json --events events.ndjson
#   GITHUB_REPOSITORY=example/cloud GITHUB_TOKEN=... ./github-issue.sh events.ndjson
#
# An issue is found again by a label that holds the finding's fingerprint, and a comment by the
# event's idempotency key: the same events sent twice change nothing.
# The token needs "Issues: read and write" on the repository. GITHUB_API names another server.
# Needs curl and jq. Events are read from the files named, or from standard input.
set -eu

: "${GITHUB_REPOSITORY:?the repository, as owner/name}" "${GITHUB_TOKEN:?a token}"
api=${GITHUB_API:-https://api.github.com}/repos/$GITHUB_REPOSITORY

# call METHOD PATH [JSON]: the token goes through a pipe, where no list of processes shows it.
call() {
    printf 'header = "Authorization: Bearer %s"\n' "$GITHUB_TOKEN" |
        curl --silent --show-error --fail --max-time 60 --config - --request "$1" \
            --header 'Accept: application/vnd.github+json' \
            --header 'X-GitHub-Api-Version: 2022-11-28' ${3:+--data "$3"} "$api$2"
}

# field NAME: one field of the event at hand.
field() {
    printf '%s\n' "$event" | jq -r ".$1"
}

# comment NUMBER: says what happened, once.
comment() {
    key=$(field idempotency_key)
    page=1
    while :; do
        said=$(call GET "/issues/$1/comments?per_page=100&page=$page")
        found=$(printf '%s\n' "$said" | jq --arg key "$key" 'any(.[]; .body // "" | contains($key))')
        [ "$found" = false ] || return 0
        [ "$(printf '%s\n' "$said" | jq length)" -eq 100 ] || break
        page=$((page + 1))
    done
    # Indented, what others have named mentions nobody and is no markup.
    body=$(printf '%s\n' "$event" | jq -c '
        def code: .[:4000] | gsub("\r"; "") | "    " + gsub("\n"; "\n    ");
        {body: "demarc: \(.event), \(.at)\n\n\(.detail | code)\n\n\(
            if .message == .detail then "" else (.message | code) + "\n\n" end
        )<!-- \(.idempotency_key) -->"}')
    call POST "/issues/$1/comments" "$body" >/dev/null
}

events=$(jq -c . "$@")
[ -n "$events" ] || exit 0

while IFS= read -r event; do
    kind=$(field event)
    # It could not be looked at: that is no news about the ticket.
    [ "$kind" != unknown-this-run ] || continue

    label=demarc-$(field id)
    found=$(call GET "/issues?state=all&per_page=1&labels=$label")
    number=$(printf '%s\n' "$found" | jq -r '.[0].number // empty')
    state=$(printf '%s\n' "$found" | jq -r '.[0].state // empty')

    case $kind:$state in
    opened: | reopened: | changed:)
        issue=$(printf '%s\n' "$event" | jq -c --arg mark "$label" '
            def code: .[:4000] | gsub("\r"; "") | "    " + gsub("\n"; "\n    ");
            {
                title: "[\(.severity)] \(.title): \(.resource.name | gsub("[[:cntrl:]@#]"; " "))"[:250],
                labels: ["demarc", $mark],
                body: "\("\(.resource.arn)\n\(.account) \(.region) \(.part)" | code)\n\n\(.message | code)\n\nCheck `\(.check)`, seen \(.at).\n\n\(.remediation // "")",
            }')
        call POST /issues "$issue" >/dev/null
        ;;
    opened:closed | reopened:closed)
        comment "$number"
        call PATCH "/issues/$number" '{"state":"open","state_reason":"reopened"}' >/dev/null
        ;;
    reopened:open | changed:open)
        comment "$number"
        ;;
    resolved:open | resource-deleted:open)
        comment "$number"
        call PATCH "/issues/$number" '{"state":"closed","state_reason":"completed"}' >/dev/null
        ;;
    esac
done <<END
$events
END
