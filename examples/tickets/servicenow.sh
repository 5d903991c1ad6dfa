#!/bin/sh
# Keeps one ServiceNow incident for each finding, from demarc's event stream.
#
#   demarc scan --baseline yesterday.json --output today.json --events events.ndjson
#   SERVICENOW_URL=https://example.service-now.com SERVICENOW_USER=demarc \
#       SERVICENOW_PASSWORD=... ./servicenow.sh events.ndjson
#
# An incident is found again by its correlation_id, the finding's fingerprint; correlation_display
# holds the last event's idempotency key: the same events sent twice change nothing.
# States are those of a new instance: 2 in progress, 6 resolved, 7 closed, 8 canceled. What is
# closed or canceled stays so; a finding that comes back then gets a new incident.
# SERVICENOW_CLOSE_CODE is the resolution code ("Solution provided").
# Needs curl and jq. Events are read from the files named, or from standard input.
set -eu

: "${SERVICENOW_URL:?the address of the instance}"
: "${SERVICENOW_USER:?a user}" "${SERVICENOW_PASSWORD:?its password}"
table=$SERVICENOW_URL/api/now/table/incident

# call METHOD PATH [JSON]: the password goes through a pipe, where no list of processes shows it.
call() {
    printf 'user = "%s:%s"\n' "$SERVICENOW_USER" "$SERVICENOW_PASSWORD" |
        curl --silent --show-error --fail --max-time 60 --config - --request "$1" \
            --header 'Accept: application/json' --header 'Content-Type: application/json' \
            ${3:+--data "$3"} "$table$2"
}

# field NAME: one field of the event at hand.
field() {
    printf '%s\n' "$event" | jq -r ".$1"
}

# update ID JSON: changes an incident and says what happened, once.
update() {
    key=$(field idempotency_key)
    [ "$key" != "$last" ] || return 0
    body=$(printf '%s\n' "$event" | jq -c --argjson change "$2" '
        # Notes are plain text, but for these tags.
        def plain: .[:4000] | gsub("\\[/?code\\]"; ""; "i");
        $change + {
            correlation_display: .idempotency_key,
            work_notes: ("demarc: \(.event), \(.at)\n\(.detail)\n\(
                if .message == .detail then "" else .message end)" | plain),
        }')
    call PATCH "/$1" "$body" >/dev/null
}

events=$(jq -c . "$@")
[ -n "$events" ] || exit 0

while IFS= read -r event; do
    kind=$(field event)
    # It could not be looked at: that is no news about the ticket.
    [ "$kind" != unknown-this-run ] || continue

    query=correlation_id=$(field id)%5EstateNOT%20IN7,8
    fields=sys_id,state,correlation_display
    found=$(call GET "?sysparm_query=$query&sysparm_fields=$fields&sysparm_limit=1")
    incident=$(printf '%s\n' "$found" | jq -r '.result[0].sys_id // empty')
    last=$(printf '%s\n' "$found" | jq -r '.result[0].correlation_display // empty')
    state=$(printf '%s\n' "$found" | jq -r '
        .result[0] | if . == null then "" elif .state == "6" then "resolved" else "open" end')

    case $kind:$state in
    opened: | reopened: | changed:)
        new=$(printf '%s\n' "$event" | jq -c '
            {critical: "1", high: "1", medium: "2"}[.severity] as $weight
            | {
                correlation_id: .id,
                correlation_display: .idempotency_key,
                urgency: ($weight // "3"),
                impact: (if .severity == "critical" then "1" else $weight // "3" end),
                category: "security",
                short_description: "[\(.severity)] \(.title): \(.resource.name | gsub("[[:cntrl:]]"; " "))"[:160],
                description: "\(.resource.arn)\n\(.account) \(.region) \(.part)\n\n\(.message)\n\nCheck \(.check), seen \(.at).\n\n\(.remediation // "")"[:4000],
            }')
        call POST '' "$new" >/dev/null
        ;;
    opened:resolved | reopened:resolved)
        update "$incident" '{"state":"2"}'
        ;;
    reopened:open | changed:open)
        update "$incident" '{}'
        ;;
    resolved:open | resource-deleted:open)
        note=$(printf '%s\n' "$event" | jq -c --arg code "${SERVICENOW_CLOSE_CODE:-Solution provided}" '
            {state: "6", close_code: $code, close_notes: "demarc: \(.event), \(.at): \(.detail)"[:4000]}')
        update "$incident" "$note"
        ;;
    esac
done <<END
$events
END
