# Starts the release build on a database of its own; sourced by the scripts beside it. Sets SERVER, and WORK, a folder
# that goes away with the server.
# as the benchmark builds it, so that it is built only once
cargo bench --no-run --locked --quiet
PROGRAM=$PWD/target/release/healthcare-backend
WORK=$(mktemp -d)
chmod 711 "$WORK"
(cd "$WORK" && exec env PORT=0 DATA_DIR="$WORK/data" ACCESS_TOKEN_LIFETIME=1d \
    THROTTLE_LOGIN= THROTTLE_REGISTER= THROTTLE_REFRESH= \
    "$PROGRAM" >"$WORK/log" 2>&1) &
pid=$!
trap 'kill $pid; wait $pid || true; rm -rf "$WORK"' EXIT
for _ in $(seq 300); do grep -q Database "$WORK/log" && break; sleep 0.1; done
grep -q Database "$WORK/log" || { cat "$WORK/log"; exit 1; }
SERVER=$(sed -n 's|^API *\(http://[^/]*\)/.*|\1|p' "$WORK/log")
export SERVER

# An access token of a new user of this name.
access() {
    local json='Content-Type: application/json'
    local user="{\"name\": \"$1\", \"email\": \"$1@example.com\", \"password\": \"StrongPass123\"}"
    curl -sSf -o "$WORK/user" "$SERVER/api/auth/register/" -H "$json" -d "$user"
    curl -sSf "$SERVER/api/auth/login/" -H "$json" -d "$user" | sed -n 's/.*"access":"\([^"]*\)".*/\1/p'
}

# The same of a new superuser, to whom nothing is refused.
superuser_access() {
    local account=(--email "$1@example.com" --name "$1" --password-stdin)
    (cd "$WORK" && DATA_DIR="$WORK/data" "$PROGRAM" createsuperuser "${account[@]}") \
        <<<StrongPass123 >&2
    curl -sSf "$SERVER/api/auth/login/" -d "email=$1@example.com" -d password=StrongPass123 |
        sed -n 's/.*"access":"\([^"]*\)".*/\1/p'
}
