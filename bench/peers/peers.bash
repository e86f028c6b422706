# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # What a measurement leaves is read by the scripts that source this.
# The peers: what Seathold is measured beside. Sourced after bench/servers.bash, which starts and ends processes.
#
# A measurement leaves $rate a second, $p50 and $p99 in microseconds (empty where the tool does not tell), and in $told
# the commands. It runs $warmup seconds first and $seconds then. Nothing here installs anything: `lacks` says what to
# install, and who calls skips the peer by its name.

# Says which tool of a peer is missing and how to get it; fails when none is.
lacks() { # echo, articles, redis or postgres
    local tool
    case $1 in
        echo) return 1 ;;
        articles) set -- go golang-go wrk wrk "$program" redis-server ;;
        redis) set -- "$program" redis-server ;;
        postgres)
            find_postgres || { echo "there is no initdb and pgbench; install postgresql (Debian: apt install postgresql)" && return; }
            set -- psql postgresql-client
            [ "$(id -u)" != 0 ] || set -- "$@" setpriv util-linux
            ;;
    esac
    while [ $# -gt 0 ]; do
        tool=$1
        command -v "$tool" >/dev/null || { echo "there is no $tool; install it (Debian: apt install $2)" && return; }
        shift 2
    done
    return 1
}

end_peer() {
    local ended=$peer
    kill -TERM "$peer" 2>/dev/null || true
    wait "$ended" || true
    peer=''
}

# The bare ceiling: frames sent back, with nothing behind them.
measure_echo() {
    : >"$dir/log"
    "${pin_server[@]}" "$binaries/echo-server" 2>"$dir/log" &
    peer=$!
    await_ready "$peer"
    url=seathold://$address
    load echo ping --seconds "$seconds" --warmup "$warmup"
    end_peer
    rate=$(value echo requests_per_second) p50=$(value echo p50) p99=$(value echo p99)
    told="$(shown "${pin_server[@]}") echo-server; $asking"
}

build_articles() {
    [ -x "$dir/articles" ] || (cd bench/peers/articles && GOFLAGS=-mod=mod GOPROXY=off go build -o "$dir/articles" .)
}

# The articles' way, with its Redis on the same processor; wrk asks over 100 connections.
measure_articles() { # sales or refusals
    local stock=1000000000 other=refused
    if [ "$1" = refusals ]; then stock=0 other=sold; fi
    build_articles
    start_redis "$program" --appendonly no
    : >"$dir/log"
    "${pin_server[@]}" "$dir/articles" --redis "$redis_address" --stock "$stock" --log "$dir/stat.log" \
        2>"$dir/log" >"$dir/articles.json" &
    peer=$!
    await_ready "$peer"
    local asked=("${pin_load[@]}" wrk -t1 -c100 --latency "http://$address/buy/ticket")
    told="$(shown "${pin_server[@]}" "$dir/articles" --stock "$stock"); $(shown "${asked[@]/$address/\$address}") -d${seconds}s"
    [ "$warmup" = 0 ] || "${asked[@]}" "-d${warmup}s" >/dev/null
    "${asked[@]}" "-d${seconds}s" >"$dir/wrk"
    end_peer
    stop_redis
    rm -f "$dir/stat.log"
    if grep -E 'Non-2xx|Socket errors' "$dir/wrk" >&2; then die "the articles' service did not answer everything"; fi
    [ "$(value articles "$other")" = 0 ] || die "not all of the articles' $1 were $1: $(cat "$dir/articles.json")"
    rate=$(awk '$1 == "Requests/sec:" { print $2 }' "$dir/wrk") p50=$(wrk_percentile 50%) p99=$(wrk_percentile 99%)
}

wrk_percentile() { # 50%, 75%, 90% or 99%
    awk -v which="$1" '$1 == which {
        factor = $2 ~ /us$/ ? 1 : $2 ~ /ms$/ ? 1e3 : 1e6
        print $2 * factor
        exit
    }' "$dir/wrk"
}

# Redis alone: a script call per reservation, 256 in a pipeline.
measure_script() {
    start_redis "$program" --appendonly no
    local asked=("${pin_load[@]}" "$binaries/script-per-reservation" --connections 16 --depth 256)
    "${asked[@]}" --redis "redis://$redis_address" --seconds "$seconds" >"$dir/script.json"
    stop_redis
    rate=$(value script accepted_per_second) p50='' p99=''
    told="$(shown "${pin_server[@]}") $program --appendonly no; $(shown "${asked[@]}") --seconds $seconds"
}

# Debian keeps the server's programs off the PATH. Leaves their folder in $postgres_binaries.
find_postgres() {
    local folder
    for folder in "$(dirname "$(command -v initdb || echo /nowhere/initdb)")" \
        $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
        [ ! -x "$folder/initdb" ] || [ ! -x "$folder/postgres" ] || [ ! -x "$folder/pgbench" ] || {
            postgres_binaries=$folder
            return 0
        }
    done
    return 1
}

# A server of our own with an fsync per commit, on a socket in $dir. It refuses to run as root.
start_postgres() {
    local as=()
    find_postgres
    mkdir "$dir/postgres"
    if [ "$(id -u)" = 0 ]; then
        as=(setpriv --reuid=postgres --regid=postgres --init-groups)
        chmod 711 "$dir"
        chown postgres "$dir/postgres"
    fi
    "${as[@]}" "$postgres_binaries/initdb" -D "$dir/postgres/data" -U postgres -A trust >"$dir/log"
    serving="$(shown "${pin_server[@]}") postgres -c fsync=on -c synchronous_commit=on -c shared_buffers=512MB"
    serving+=" -c max_wal_size=4GB -c max_connections=100"
    # Room for the run's log, so that no checkpoint falls into a measurement.
    "${pin_server[@]}" "${as[@]}" "$postgres_binaries/postgres" -D "$dir/postgres/data" -k "$dir/postgres" \
        -c listen_addresses= -c fsync=on -c synchronous_commit=on -c shared_buffers=512MB -c max_wal_size=4GB \
        -c checkpoint_timeout=1h -c max_connections=100 >>"$dir/log" 2>&1 &
    peer=$!
    for _ in $(seq 300); do
        ! psql -h "$dir/postgres" -U postgres -qtAc 'SELECT 1' >/dev/null 2>&1 || return 0
        kill -0 "$peer" 2>/dev/null || { cat "$dir/log" >&2 && die "PostgreSQL did not start"; }
        sleep 0.1
    done
    cat "$dir/log" >&2
    die "PostgreSQL was not ready in 30 seconds"
}

stop_postgres() {
    # SIGINT ends open sessions; SIGTERM would wait for them.
    kill -INT "$peer"
    wait "$peer" || die "PostgreSQL did not end well"
    peer=''
    rm -rf "$dir/postgres"
}

# PostgreSQL: an UPDATE per reservation, 64 clients with one in flight each.
measure_postgres() {
    local departures=51 seats=10000 ask=(psql -h "$dir/postgres" -U postgres -v ON_ERROR_STOP=1) all sold
    start_postgres
    "${ask[@]}" -q -v departures=$departures -v seats=$seats -f bench/peers/postgres/schema.sql >>"$dir/log" 2>&1 ||
        { cat "$dir/log" >&2 && die "the seats could not be made"; }
    local asked=("${pin_load[@]}" "$postgres_binaries/pgbench" -h "$dir/postgres" -U postgres -n -M prepared
        -c 64 -j 1 -D "departures=$departures" -f bench/peers/postgres/reserve.sql)
    all=0
    if [ "$warmup" != 0 ]; then
        "${asked[@]}" -T "$warmup" postgres >"$dir/pgbench" 2>>"$dir/log" || { cat "$dir/log" >&2 && die "pgbench failed"; }
        all=$(processed)
    fi
    "${asked[@]}" -T "$seconds" postgres >"$dir/pgbench" 2>>"$dir/log" || { cat "$dir/log" >&2 && die "pgbench failed"; }
    all=$((all + $(processed)))
    sold=$("${ask[@]}" -qtAc 'SELECT count(*) FROM seat WHERE reservation IS NOT NULL')
    stop_postgres
    [ "$sold" = "$all" ] || die "PostgreSQL sold $sold seats in $all transactions: its stock ran out"
    rate=$(awk '$1 == "tps" { print $3 }' "$dir/pgbench") p50='' p99=''
    [ -n "$rate" ] || die "PostgreSQL had not connected 64 clients in $seconds s; give more --seconds"
    told="$serving; $(shown "${asked[@]}") -T $seconds postgres"
}

processed() {
    awk -F': ' '/number of transactions actually processed/ { print $2 + 0 }' "$dir/pgbench"
}
