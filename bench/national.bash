# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # What is set here and what is read is said in bench/servers.bash and bench/run.
# The groups of bench/run that need a timetable as large as a country's: the open loop, whose search must not run out of
# stock, and the memory of a departure. Sourced by bench/run after bench/servers.bash.

# On the record day (see seathold-load --preset record-day) 12,861 trains ran.
trains=12861

# Leaves the timetable of these dates in $feed, each train with 10 stops and 750 seats.
national() { # dates
    made_up national "$1" --trains $trains --stops 10
    feed[3]=bench/national.rules.toml
}

# A rate is sustained when no queue grows behind it: within a probe of three seconds a server that is asked for 4 % more than
# it can falls back by 100 ms. A bound as tight as the bar's would be met at half of the rate by definition. A sale that
# ran out of stock is no sale.
sustained='p99<100ms,errors<0.1%,refused<1%'
highest=''

# Leaves the highest rate in $highest, in sales a second; fails when there is none.
search_highest() {
    local store asked
    new_ledger
    start_server "$store"
    asked=(search --slo "$sustained" --workload sale --connections "$connections" --in-flight "$in_flight" --open
        --rate 50000 --seconds 2 --warmup 1 --json "${feed[@]}")
    asking=$(shown "${pin_load[@]}" seathold-load "${asked[@]}" "\$url")
    "${pin_load[@]}" "$binaries/seathold-load" "${asked[@]}" "$url" >"$dir/search.json" || true
    stop_server
    highest=$(value search rate)
    [ -n "$highest" ] || return 1
    rate=$highest p50='' p99='' told="$made; $serving; $asking"
    # What was late above it is then not the server alone.
    if grep -q 'the generator' "$dir/search.json"; then told+=" (above it the generator was late)"; fi
    keep open-loop highest
}

# Requests are due at half of that rate, whatever the server does, and latencies count from when they were due.
open-loop() {
    local feed pace made store
    connections=64 in_flight=32
    national 2027-03-01..2027-03-03
    if [ -z "$highest" ] && ! search_highest; then
        note_skipped "$figures" open-loop "no rate was found at which $sustained holds"
        return
    fi
    pace=(--rate "$(awk "BEGIN { printf \"%.0f\", $highest / 2 }")")
    seathold open-loop half file sale 64 32
    [ "$is_valid" = yes ] || return 0
    note_amount "$figures" open-loop p99 "$round" "$(in_ms "$p99")" ms "$told"
    note_amount "$figures" open-loop p99.9 "$round" "$(in_ms "$(value half p999)")" ms "$told"
}

in_ms() { # microseconds
    awk "BEGIN { print $1 / 1000 }"
}

# Resident memory of the server, in KiB.
resident() {
    awk '/^VmRSS:/ { print $2 }' "/proc/$server/status"
}

# Memory of a departure that nobody has asked for, and of one with a RESERVE; with the ledger that keeps nothing.
memory() {
    local feed made untouched touched departures
    national 2027-03-01..2027-03-15
    start_server memory:
    # What was needed to start alone is given back by then.
    sleep 1
    untouched=$(resident)
    asking=$(shown touch-departures "\$url" "${feed[@]}")
    "${pin_load[@]}" "$binaries/touch-departures" "$url" "${feed[@]}" >"$dir/touch.json"
    touched=$(resident)
    stop_server
    departures=$(value touch departures)
    local started="$made; $serving"
    note_amount "$figures" memory start-up "$round" "$(in_ms "$started_us")" ms "$started"
    note_amount "$figures" memory departures "$round" "$departures" '' "$started"
    note_amount "$figures" memory untouched "$round" "$(awk "BEGIN { print $untouched / $departures }")" KiB "$started"
    note_amount "$figures" memory 'departures touched' "$round" "$(value touch touched)" '' "$started; $asking"
    note_amount "$figures" memory touched "$round" "$(awk "BEGIN { print $touched / $departures }")" KiB "$started; $asking"
    printf '  %-10s %s departures: ready in %s ms, %s KiB, with a RESERVE on each of %s %s KiB\n' memory "$departures" \
        "$(in_ms "$started_us")" "$untouched" "$(value touch touched)" "$touched"
}
