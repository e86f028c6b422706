# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # What the scripts set and read is said below.
# What the scripts here share: the servers under measurement, started and ended, and the figures of several rounds.
# Sourced by them; needs `set -euo pipefail`, the working directory at the root, in $feed the timetable as the server and
# the generator are told of it, and in $processors, $connections and $in_flight what the options say.

# When seathold-load's requests are due: as answers come, or at a rate.
pace=(--closed)
# How long a request waits in a closed loop is up to how many are in flight, which the measurer chooses: no BUSY for it.
patience=(--busy-after-ms 60000)

die() {
    echo "$0: $*" >&2
    exit 1
}

# Leaves the folder of the programs in $binaries.
build() { # program...
    cargo build --release --quiet -p seathold -p seathold-tools -p seathold-bench "${@/#/--bin=}"
    binaries=${CARGO_TARGET_DIR:-target}/release
}

# Leaves a temporary directory in $dir, and in $pin_server and $pin_load how to start a program on $processors; all of
# them share the first two, whatever the host has, if nothing else was asked for.
prepare_host() {
    local allowed
    if [ -z "$processors" ]; then
        allowed=$(taskset -cp $$ 2>/dev/null | sed 's/.*: //' || true)
        processors=$(echo "$allowed" | tr ',' '\n' | while IFS=- read -r from to; do seq "$from" "${to:-$from}"; done |
            head -2 | paste -sd, -)
    fi
    pin_server=()
    if command -v taskset >/dev/null && [ -n "$processors" ]; then pin_server=(taskset -c "$processors"); fi
    pin_load=("${pin_server[@]}")
    dir=$(mktemp -d "${TMPDIR:-/tmp}/seathold-bench.XXXXXX")
    server='' redis='' peer=''
    trap clean_up EXIT
    trap 'exit 130' INT TERM
}

# What serves stays on the first of $processors, what asks on the others.
split_processors() {
    local first=${processors%%[,-]*} others
    others=$(taskset -c "$processors" sh -c 'taskset -cp $$' 2>/dev/null | sed 's/.*: //' | tr ',' '\n' |
        while IFS=- read -r from to; do seq "$from" "${to:-$from}"; done | grep -vx "$first" | paste -sd, - || true)
    [ -n "$others" ] || die "two processors and taskset(1) are needed: one serves and the other asks"
    pin_server=(taskset -c "$first") pin_load=(taskset -c "$others")
}

clean_up() {
    local process
    for process in $server $redis; do kill -KILL "$process" 2>/dev/null || true; done
    # PostgreSQL gives its shared memory back on SIGQUIT; the other peers just end.
    for process in $peer; do kill -QUIT "$process" 2>/dev/null || true; done
    wait
    rm -rf "$dir"
}

# Leaves its process in $server, its URL in $url, and in $started_us the microseconds from its exec until it was ready,
# which are looked at every ten milliseconds.
start_server() { # ledger's URL, options of serve...
    local store=$1 began_us
    shift
    # The words of the server before must not be taken for this one's.
    : >"$dir/log"
    local command=("${pin_server[@]}" "$binaries/seathold" serve --listen 127.0.0.1:0 --ledger "$store" "${feed[@]}"
        "${patience[@]}" "$@")
    serving=$(shown "${command[@]}")
    began_us=$(now_us)
    "${command[@]}" 2>"$dir/log" &
    server=$!
    await_ready "$server"
    started_us=$(($(now_us) - began_us))
    url=seathold://$address
}

# The clock on the wall, in microseconds.
now_us() {
    echo "${EPOCHREALTIME/[.,]/}"
}

# Leaves the URL of a new file ledger in $store.
new_ledger() {
    rm -rf "$dir/ledger" && mkdir "$dir/ledger"
    store=file:$dir/ledger
}

# Leaves a timetable in $feed, with its own rules; one that is there already is taken again.
made_up() { # name, dates, options of made-up-feed...
    local name=$1 dates=$2
    shift 2
    [ -d "$dir/$name" ] || "$binaries/made-up-feed" "$dir/$name" "$@"
    feed=(--gtfs "$dir/$name" --rules "$dir/$name/rules.toml" --dates "$dates")
    made="made-up-feed \$dir/$name $*"
}

# Waits until a process says in $dir/log where it listens, and leaves that in $address.
await_ready() { # process
    local until=$((SECONDS + 120))
    while [ "$SECONDS" -lt "$until" ]; do
        address=$(grep -o 'ready on [0-9.:]*' "$dir/log" | sed 's|ready on ||' || true)
        [ -z "$address" ] || return 0
        kill -0 "$1" 2>/dev/null || { cat "$dir/log" >&2 && die "the server did not start"; }
        sleep 0.01
    done
    die "the server was not ready in two minutes"
}

# A command line without what changes from run to run.
shown() { # words...
    local line="$*"
    line=${line//"$binaries/"/}
    [ -z "$redis" ] || line=${line//"$redis_address"/\$redis_address}
    echo "${line//"$dir"/\$dir}"
}

stop_server() {
    local stopped=$server code=0
    kill -TERM "$server" 2>/dev/null || true
    wait "$stopped" || code=$?
    server=''
    [ "$code" = 0 ] || { cat "$dir/log" >&2 && die "the server ended with exit code $code"; }
}

# Starts a Redis of our own on a free port. Snapshots and rewrites are off: they run when they like, and would fall into
# one measurement and not into the next. Leaves its process in $redis and its address in $redis_address.
start_redis() { # program, options...
    local program=$1 port
    shift
    command -v "$program" >/dev/null || die "there is no $program; install redis-server or give --server PATH"
    for _ in $(seq 20); do
        port=$((20000 + RANDOM % 30000)) redis_address=127.0.0.1:$port
        rm -rf "$dir/redis" && mkdir "$dir/redis"
        "${pin_server[@]}" "$program" --port "$port" --bind 127.0.0.1 --dir "$dir/redis" --save '' \
            --auto-aof-rewrite-percentage 0 "$@" >"$dir/redis.log" &
        redis=$!
        for _ in $(seq 100); do
            kill -0 "$redis" 2>/dev/null || break
            # A stranger may answer on this port while ours ends because it is taken.
            [ "$(ask_redis INFO server 2>/dev/null | grep -c "^process_id:$redis.\?$")" = 0 ] || return 0
            sleep 0.1
        done
        kill -KILL "$redis" 2>/dev/null || true
        wait "$redis" || true
        redis=''
    done
    cat "$dir/redis.log" >&2
    die "$program did not start"
}

stop_redis() {
    local stopped=$redis
    kill -TERM "$redis" 2>/dev/null || true
    wait "$stopped" || true
    redis=''
}

# Not every server comes with a command line of its own. QUIT closes, so that the reply has an end.
ask_redis() { # words...
    {
        printf '%s\r\nQUIT\r\n' "$*" >&3
        cat <&3
    } 3<>"/dev/tcp/${redis_address/://}"
}

# Runs the generator; its report goes to $dir/<name>.json. Fails when the run is not valid.
ask() { # name, workload, options of seathold-load...
    local name=$1 asked=("${pace[@]}" --workload "$2" --connections "$connections" --in-flight "$in_flight" --json)
    if [ "$2" != ping ]; then asked+=(--open "${feed[@]}"); fi
    shift 2
    asking=$(shown "${pin_load[@]}" seathold-load "\$url" "${asked[@]}" "$@")
    "${pin_load[@]}" "$binaries/seathold-load" "$url" "${asked[@]}" "$@" >"$dir/$name.json"
}

# The same, and a run that is not valid ends the script.
load() { # name, workload, options of seathold-load...
    ask "$@" || { cat "$dir/$1.json" >&2 && die "the $1 run is not valid"; }
}

# Why the run that `ask` made is not valid, in its own words; without a report it has said why on the terminal.
why_not() { # name
    local reasons
    reasons=$(sed -n 's/.*"why_not":\[\([^]]*\)\].*/\1/p' "$dir/$1.json")
    echo "${reasons:-there is no report}"
}

value() { # name, key: the first of this key is the run's own
    grep -o "\"$2\":[0-9.]*" "$dir/$1.json" | head -1 | cut -d: -f2
}

# The median of a column of the figures that rounds have left in $dir/<name>.rates.
median() { # name column
    cut -d' ' -f"$2" "$dir/$1.rates" | sort -g | awk '{ v[NR] = $1 }
        END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

quoted() { # text: as JSON has it
    local text=${1//\\/\\\\}
    text=${text//$'\n'/ }
    printf '"%s"' "${text//\"/\\\"}"
}

# What the figures that follow are of, as bench/src/bin/report reads it.
note_run() { # file, command line, which processors
    local revision host
    revision=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
    git diff --quiet HEAD 2>/dev/null || revision+=-dirty
    host="$(nproc --all) processors, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
    host+=", $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r | cut -d. -f1,2)"
    host+=", $(stat -f -c %T "$dir"), $(rustc --version | cut -d' ' -f1,2), load $(cut -d' ' -f1 /proc/loadavg) before"
    printf '{"kind":"run","date":"%s","revision":"%s","host":%s,"command":%s,"processors":%s}\n' \
        "$(date +%F)" "$revision" "$(quoted "$host")" "$(quoted "$2")" "$(quoted "$3")" >"$1"
}

# One measurement; an empty value is left out.
note_figure() { # file, group, side, round, rate, command, p50, p99, rate per Redis CPU-second, place on an axis
    printf '{"kind":"figure","group":"%s","side":"%s","round":%s,"rate":%s,"command":%s%s%s%s%s}\n' \
        "$2" "$3" "$4" "$5" "$(quoted "$6")" "${7:+,\"p50_us\":$7}" "${8:+,\"p99_us\":$8}" \
        "${9:+,\"per_cpu_second\":$9}" "${10:+,\"at\":${10}}" >>"$1"
}

# One measured number that is no rate; the unit of a count is empty.
note_amount() { # file, group, what, round, value, unit, command
    printf '{"kind":"amount","group":"%s","what":"%s","round":%s,"value":%s,"unit":"%s","command":%s}\n' \
        "$2" "$3" "$4" "$5" "$6" "$(quoted "$7")" >>"$1"
}

note_skipped() { # file, group, reason
    printf '{"kind":"skipped","group":"%s","reason":%s}\n' "$2" "$(quoted "$3")" >>"$1"
    echo "  skipped $2: $3"
}
