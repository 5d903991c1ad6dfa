#!/bin/sh
# Keeps one Jira issue for each finding, from demarc's event stream.
#
#   demarc scan --baseline yesterday.json --output today.json --events events.ndjson
#   JIRA_URL=https://example.atlassian.net JIRA_USER=bot@example.com JIRA_TOKEN=... \
#       JIRA_PROJECT=SEC ./jira.sh events.ndjson
#
# An issue is found again by a label that holds the finding's fingerprint, and a comment by the
# event's idempotency key: the same events sent twice change nothing. Jira's search may lag some
# seconds behind what was just created, so leave a minute between two runs.
# JIRA_TYPE is the issue type (Task). For Jira Data Center, set JIRA_SEARCH=/rest/api/2/search,
# and JIRA_USER to nothing to send the token as a personal access token.
# Needs curl and jq. Events are read from the files named, or from standard input.
set -eu

: "${JIRA_URL:?the address of Jira}" "${JIRA_TOKEN:?a token}" "${JIRA_PROJECT:?a project key}"

# call METHOD PATH [JSON]: the token goes through a pipe, where no list of processes shows it.
call() {
    if [ -n "${JIRA_USER-}" ]; then
        printf 'user = "%s:%s"\n' "$JIRA_USER" "$JIRA_TOKEN"
    else
        printf 'header = "Authorization: Bearer %s"\n' "$JIRA_TOKEN"
    fi | curl --silent --show-error --fail --max-time 60 --config - --request "$1" \
        --header 'Accept: application/json' --header 'Content-Type: application/json' \
        ${3:+--data "$3"} "$JIRA_URL$2"
}

# field NAME: one field of the event at hand.
field() {
    printf '%s\n' "$event" | jq -r ".$1"
}

# comment KEY: says what happened, once.
comment() {
    key=$(field idempotency_key)
    said=$(call GET "/rest/api/2/issue/$1/comment?orderBy=-created&maxResults=100")
    found=$(printf '%s\n' "$said" |
        jq --arg key "$key" 'any(.comments[]; .body // "" | contains($key))')
    [ "$found" = false ] || return 0
    body=$(printf '%s\n' "$event" | jq -c '
        # What others have named is no markup, and does not end the block either.
        def code: "{noformat}\n\(.[:4000] | gsub("\\{noformat\\}"; ""))\n{noformat}";
        {body: "demarc: \(.event), \(.at)\n\(.detail | code)\n\(
            if .message == .detail then "" else (.message | code) + "\n" end
        )\(.idempotency_key)"}')
    call POST "/rest/api/2/issue/$1/comment" "$body" >/dev/null
}

# move KEY DONE: takes the first transition into a status that counts as done, or into one that
# does not.
move() {
    ways=$(call GET "/rest/api/2/issue/$1/transitions")
    way=$(printf '%s\n' "$ways" | jq -c --argjson done "$2" '
        [.transitions[] | select((.to.statusCategory.key == "done") == $done)][0]
        | select(. != null) | {transition: {id: .id}}')
    if [ -z "$way" ]; then
        echo "jira.sh: no transition of $1 leads where it should go" >&2
        return 1
    fi
    call POST "/rest/api/2/issue/$1/transitions" "$way" >/dev/null
}

events=$(jq -c . "$@")
[ -n "$events" ] || exit 0

while IFS= read -r event; do
    kind=$(field event)
    # It could not be looked at: that is no news about the ticket.
    [ "$kind" != unknown-this-run ] || continue

    label=demarc-$(field id)
    query=$(jq -cn --arg project "$JIRA_PROJECT" --arg mark "$label" '{
        jql: "project = \"\($project)\" AND labels = \"\($mark)\" ORDER BY created ASC",
        fields: ["status"], maxResults: 1}')
    found=$(call POST "${JIRA_SEARCH:-/rest/api/2/search/jql}" "$query")
    issue=$(printf '%s\n' "$found" | jq -r '.issues[0].key // empty')
    state=$(printf '%s\n' "$found" | jq -r '
        .issues[0] | if . == null then ""
        elif .fields.status.statusCategory.key == "done" then "done" else "open" end')

    case $kind:$state in
    opened: | reopened: | changed:)
        issue=$(printf '%s\n' "$event" | jq -c \
            --arg project "$JIRA_PROJECT" --arg type "${JIRA_TYPE:-Task}" --arg mark "$label" '
            def code: "{noformat}\n\(.[:4000] | gsub("\\{noformat\\}"; ""))\n{noformat}";
            {fields: {
                project: {key: $project},
                issuetype: {name: $type},
                labels: ["demarc", $mark],
                summary: "[\(.severity)] \(.title): \(.resource.name | gsub("[[:cntrl:]]"; " "))"[:250],
                description: ("\(.resource.arn)\n\(.account) \(.region) \(.part)\n\n\(.message)\n\nCheck \(.check), seen \(.at).\n\n\(.remediation // "")" | code),
            }}')
        call POST /rest/api/2/issue "$issue" >/dev/null
        ;;
    opened:done | reopened:done)
        comment "$issue"
        move "$issue" false
        ;;
    reopened:open | changed:open)
        comment "$issue"
        ;;
    resolved:open | resource-deleted:open)
        comment "$issue"
        move "$issue" true
        ;;
    esac
done <<END
$events
END
