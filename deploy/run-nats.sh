#!/bin/sh
# Runs nats-server, and has it load its accounts again whenever the farm wrote them anew.
: "${ACCOUNTS:=/etc/nats/accounts/accounts.json}"
: "${CONFIGURATION:=/etc/nats/nats-server.conf}"

while [ ! -s "$ACCOUNTS" ]; do sleep 1; done
nats-server --config "$CONFIGURATION" &
server=$!
trap 'kill "$server"; wait "$server"; exit' TERM INT

known=$(cksum <"$ACCOUNTS")
while kill -0 "$server" 2>/dev/null; do
    sleep 1
    found=$(cksum <"$ACCOUNTS")
    if [ "$found" != "$known" ]; then
        known=$found
        # Twice: nats-server 2.9 makes a new account the first time, and what it imports the second.
        kill -HUP "$server"
        sleep 1
        kill -HUP "$server"
    fi
done
wait "$server"
