#!/usr/bin/env bash
# The one command that is everything: formatting, lints, tests, doc tests, documentation, licences.
set -euo pipefail
cd "$(dirname "$0")/.."

# By this everything that the tests start is known.
export RUNWARDEN_TESTS=$$

step() {
    printf '\n== %s\n' "$*" >&2
    "$@"
}

step cargo fmt --all --check
step cargo clippy --workspace --all-targets --locked -- -D warnings
step cargo test --workspace --locked --no-fail-fast
# Every point at which the program can be killed, and not only the part that is taken by default.
RUNWARDEN_KILL_POINTS=all step cargo test --locked --test kill_points
# Each byte of a ledger of 200 entries, and not only one of each value.
RUNWARDEN_EVERYTHING=true step cargo test --workspace --locked --lib every_byte_of_every_stored_value
# What a test leaves behind holds our output open, and whoever reads that to its end waits for ever.
nothing_is_left() {
    local left
    for _ in {1..20}; do
        left=$(env -u RUNWARDEN_TESTS grep -lsxz "RUNWARDEN_TESTS=$$" /proc/[0-9]*/environ || true)
        [[ -z $left ]] && return
        sleep 1
    done
    printf 'the tests left %s running\n' $left >&2
    for environ in $left; do tr '\0' ' ' <"${environ%environ}cmdline" >&2; done
    return 1
}
step nothing_is_left
RUSTDOCFLAGS='-D warnings' step cargo doc --workspace --no-deps --locked

# cargo-deny takes longer to build than all of the above, so it is used where it is installed and never built here.
# Advisories are left out: their database lives on the network.
if cargo deny --version >/dev/null 2>&1; then
    step cargo deny check licenses bans sources
else
    echo 'cargo deny is not installed: licences, bans and sources were not checked' >&2
fi
