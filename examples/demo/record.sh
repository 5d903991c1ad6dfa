#!/bin/sh
# Records the demo account anew: seeds an emulated account through its API, scans it with demarc,
# and keeps the recording that `demarc demo` embeds. Run from the project's root.
set -eu

work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --requirement tests/moto/requirements.txt
"$work/venv/bin/python" tests/moto/server.py --port 0 --managed-policies >"$work/server.log" &
server=$!
until grep -q '^listening on ' "$work/server.log"; do sleep 1; done
url=$(sed -n 's/^listening on //p' "$work/server.log")
"$work/venv/bin/python" tests/moto/seed.py --endpoint "$url" --faults tests/moto/demo-faults.json

export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=demo AWS_EC2_METADATA_DISABLED=true
cargo build --bin demarc
# The seeded account fails checks and denies calls: exit code 5 is what a right scan answers.
status=0
cargo run --quiet --bin demarc -- scan --quiet --endpoint-url "$url" \
  --region eu-central-1 --region us-east-1 --record "$work/account.demarc" || status=$?
[ "$status" -eq 5 ] || { echo "the scan of the demo account exited $status" >&2; exit 1; }
mv "$work/account.demarc" examples/demo/account.demarc
chmod 644 examples/demo/account.demarc
