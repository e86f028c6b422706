# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # What is set here and what is read is said in bench/servers.bash and bench/run.
# The groups of bench/run that need a timetable as large as a country's: the open loop, whose search must not run out of
# stock, the record day, and the memory of a departure. Sourced by bench/run after bench/servers.bash.

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
    local store asked patience=()
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

# Requests are due at half of that rate, whatever the server does, and latencies count from when they were due. PING, as
# often as a sale's two requests and with nothing kept, tells how much of that is the host's. Few connections, because a turn
# reads and writes each: with 64 the generator's own turns take a millisecond, and what it sends is late by as much.
open-loop() {
    local feed pace made store patience=()
    connections=8 in_flight=32
    national 2027-03-01..2027-03-03
    if [ -z "$highest" ] && ! search_highest; then
        note_skipped "$figures" open-loop "no rate was found at which $sustained holds"
        return
    fi
    pace=(--rate "$(awk "BEGIN { printf \"%.0f\", $highest / 2 }")")
    seathold open-loop half file sale 8 32
    note_tail half ''
    pace=(--rate "$(awk "BEGIN { printf \"%.0f\", $highest }")")
    seathold open-loop ping memory ping 8 32
    note_tail ping 'PING, '
}

note_tail() { # side, what stands before the figures' names
    [ "$is_valid" = yes ] || return 0
    note_amount "$figures" open-loop "${2}p99" "$round" "$(in_ms "$p99")" ms "$told"
    note_amount "$figures" open-loop "${2}p99.9" "$round" "$(in_ms "$(value "$1" p999)")" ms "$told"
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

# What a ticket takes: two records in the ledger, and its place in the memory of the server or, after it, of the audit. The
# rest is what both have without any: spare segments, and the audit's table of 87 million seats and segments.
ledger_bytes_per_ticket=250 ledger_bytes_besides=$((1 << 30))
memory_bytes_per_ticket=400 memory_bytes_besides=$((4 << 30))

# Why the record day cannot be held here; fails when it can.
lacks_room() {
    local disk memory
    disk=$(df --output=avail -B1 "$dir" | tail -1)
    memory=$(awk '/^MemAvailable:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
    lacks_bytes "${TMPDIR:-/tmp}" "$disk" $((tickets * ledger_bytes_per_ticket + ledger_bytes_besides)) ||
        lacks_bytes memory "$memory" $((tickets * memory_bytes_per_ticket + memory_bytes_besides))
}

lacks_bytes() { # of what, bytes that are free, bytes needed
    [ "$2" -lt "$3" ] || return 1
    awk -v what="$1" -v free="$2" -v needed="$3" -v tickets="$tickets" 'BEGIN {
        printf "%s has %.1f GiB free, and %s tickets need %.1f; make room, or give fewer --tickets",
            what, free / 2^30, tickets, needed / 2^30
    }'
}

# The record day, as fast as it goes, then its audit. Short trips: 20.95 million tickets are 2.2 for each of the 9.6
# million seats, and with trips of any length alike the busiest segment would have 20 % more passengers than seats.
#
# seathold-load ends a closed loop by time and not by count, so that the day is sold in a few runs behind each other. Each is
# as long as what is left takes at the rate before; the pauses between them are in the second figure of the sale.
record-day() {
    local feed made store round=1 rate_before=500000 length left began_us runs=0
    local sold=0 refused=0 sale_s=0
    connections=64 in_flight=32
    if reason=$(lacks_room); then note_skipped "$figures" record-day "$reason" && return; fi
    national 2027-03-01
    new_ledger
    # The audit is to read every record.
    start_server "$store" --ledger-keep-mib 16384
    began_us=$(now_us)
    while left=$((tickets - sold)) && [ $left -gt 0 ]; do
        length=$((left > rate_before ? left / rate_before : 1))
        if ! ask day sale --trips short --warmup 0 --seconds $length; then
            note_skipped "$figures" record-day "the sale is not valid: $(why_not day)"
            stop_server
            return
        fi
        sold=$((sold + $(value day accepted))) refused=$((refused + $(value day refused)))
        sale_s=$((sale_s + length)) runs=$((runs + 1)) rate_before=$(value day accepted_per_second | cut -d. -f1)
        printf '  record-day %s sold in %s s, %s refused; p50 %s us, p99 %s us\n' "$sold" "$sale_s" "$refused" \
            "$(value day p50)" "$(value day p99)"
    done
    local paused_us=$(($(now_us) - began_us)) used
    used=$(resident)
    stop_server
    told="$made; $serving; $asking, for what was left in $runs runs"
    note_day sale $sale_s s
    note_day 'sale with the pauses between its runs' "$(awk "BEGIN { printf \"%.1f\", $paused_us / 1e6 }")" s
    note_day 'tickets a second' $((sold / sale_s)) ''
    note_day refusals $refused ''
    note_day 'memory of the server' $((used / 1024)) MiB
    audit_day
    rm -rf "$dir/ledger"
}

# The answers of the audit count, not those of the generator.
audit_day() {
    local began_us audit_us
    began_us=$(now_us)
    # It fails where a promise was broken, which is a figure here.
    "$binaries/seathold-cli" audit --json "$store" >"$dir/audit.json" || true
    audit_us=$(($(now_us) - began_us))
    told="$made; $serving; seathold-cli audit --json $(shown "$store")"
    note_day 'tickets sold' "$(value audit confirmed)" ''
    note_day audit "$(awk "BEGIN { printf \"%.1f\", $audit_us / 1e6 }")" s
    note_day violations "$(value audit violations)" ''
    note_day ledger "$(du -s --block-size=1M "$dir/ledger" | cut -f1)" MiB
    printf '  record-day audit: %s, %s tickets, %s violations\n' \
        "$(grep -o '"audit":"[a-z]*"' "$dir/audit.json" | cut -d'"' -f4)" "$(value audit confirmed)" \
        "$(value audit violations)"
}

note_day() { # what, value, unit
    note_amount "$figures" record-day "$1" "$round" "$2" "$3" "$told"
}
