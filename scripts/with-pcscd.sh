#!/usr/bin/env bash
# Runs a command while a pcscd with the virtual reader is up, and returns the command's exit code.
# A pcscd that already runs, by hand or by systemd, is used and left alone; if there is none, one
# is started and ended with the command. Only one such command at a time: the reader is one.
#
# usage: scripts/with-pcscd.sh COMMAND [ARGUMENT...]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

(($# > 0)) || die "usage: scripts/with-pcscd.sh COMMAND [ARGUMENT...]"

reader_conf=/etc/reader.conf.d/vpcd
run_dir=/run/pcscd
port=35963 # where the driver of the virtual reader waits for a card; /etc/reader.conf.d/vpcd
pcscd_log=$cache/pcscd.log

[[ -r $reader_conf && -x /usr/sbin/pcscd ]] ||
    die "pcscd with the virtual reader is not installed; run: scripts/setup.sh reader"

# The reader's own configuration is the one file that every user of this machine can open and that
# is there exactly when the reader is. The command inherits the lock, so that it ends with both.
exec 9<"$reader_conf"
flock --nonblock 9 ||
    die "another tillcard demo or test holds the reader; wait until it ends, or end it"

# Built again when its source is newer; moved in place so that nobody runs half a program.
probe=$cache/tools/pcsc-probe
if [[ ! -x $probe || $root/scripts/pcsc-probe.c -nt $probe ]]; then
    mkdir -p "$cache/tools"
    # shellcheck disable=SC2046  # several flags, none with a space
    cc -O1 -Wall -Wextra -Werror $(pkg-config --cflags libpcsclite) \
        -o "$probe.$$" "$root/scripts/pcsc-probe.c" $(pkg-config --libs libpcsclite)
    mv "$probe.$$" "$probe"
fi

# READY, or why not: 2 without a service, 3 without the virtual reader, 124 without an answer.
state() { timeout "$(($1 + 5))" "$probe" wait "$1" && echo 0 || echo $?; }

port_taken() {
    # Local address and port, remote one, state; 0A is LISTEN.
    awk -v port="$(printf '%04X' "$port")" \
        '$4 == "0A" && $2 ~ ":" port "$" { found = 1 } END { exit !found }' /proc/net/tcp
}

# The driver can't listen while a closed connection that had one of its ports as its own lingers,
# for a minute at most: the ports lie in the range that the system gives to outgoing connections.
wait_for_ports() {
    local waited
    for ((waited = 0; waited < 70; waited++)); do
        awk -v first="$(printf ':%04X' "$port")" -v second="$(printf ':%04X' "$((port + 1))")" '
            $4 != "0A" && (substr($2, 9) == first || substr($2, 9) == second) { found = 1 }
            END { exit found }' /proc/net/tcp && return
        ((waited)) || say "waiting for a closed connection to free the virtual reader's port"
        sleep 1
    done
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo "$@"
    fi
}

# Takes away the socket and pid file of a pcscd that was killed, which would keep a new one from
# starting once its pid is used again.
clear_stale() {
    [[ -e $run_dir/pcscd.comm || -e $run_dir/pcscd.pid ]] || return 0
    local pid
    pid=$(tr -d '\0' 2>/dev/null <"$run_dir/pcscd.pid") || true
    if [[ -n $pid && $(cat "/proc/$pid/comm" 2>/dev/null) == pcscd ]]; then
        die "pcscd (pid $pid) runs but does not answer; end it: kill $pid"
    fi
    say "removing the socket that a dead pcscd left in $run_dir"
    as_root rm -f "$run_dir/pcscd.comm" "$run_dir/pcscd.pid"
}

# Ours ends when the file descriptor `guard` is closed, by this script's end or its death. It has
# a session of its own: a Ctrl-C is the command's to handle, with the reader still there.
start_pcscd() {
    if ((EUID != 0)); then
        command -v sudo >/dev/null || die "no pcscd runs; start one as root: pcscd"
        if [[ ! -t 0 ]] && ! sudo -n true 2>/dev/null; then
            die "no pcscd runs, and only root can start one; run: sudo pcscd"
        fi
        sudo -v || die "no pcscd runs, and only root can start one"
    fi
    mkdir -p "$cache"
    # shellcheck disable=SC2016  # expanded by the inner shell
    exec {guard}> >(exec 9<&- && trap "" INT HUP TERM && as_root sh -c '
        exec 3<&0 </dev/null
        env --default-signal setsid /usr/sbin/pcscd --foreground 3<&- &
        pid=$!
        read -r _ <&3
        kill $pid
        wait $pid
    ' >"$pcscd_log" 2>&1)
    supervisor=$!
}

end_pcscd() {
    exec {guard}>&-
    wait "$supervisor" || true
    supervisor=
}

# shellcheck disable=SC2317  # called by the trap
stop_pcscd() {
    if [[ -n ${holder-} ]]; then
        exec {held}>&-
        wait "$holder" || true
    fi
    if [[ -n ${supervisor-} ]]; then
        end_pcscd
    fi
}
trap stop_pcscd EXIT

ready=$(state 0)
if [[ $ready == 2 ]]; then
    clear_stale
    if port_taken; then
        die "port $port, which the virtual reader needs, is taken by another program;" \
            "find it with: ss -ltnp 'sport = :$port'"
    fi
    # Between the look at the ports and the driver's use of them, another program may get one.
    for _ in 1 2 3; do
        wait_for_ports
        start_pcscd
        ready=$(state 10)
        if [[ $ready != 3 ]] || ! grep -q 'Address already in use' "$pcscd_log"; then
            break
        fi
        end_pcscd
    done
elif [[ $ready == 3 ]]; then
    # A service that was only just started is still loading its readers.
    ready=$(state 3)
fi

case $ready in
0) ;;
2)
    tail -n 3 "$pcscd_log" >&2
    die "pcscd did not start; its log is $pcscd_log"
    ;;
3)
    if port_taken; then
        die "pcscd runs but its virtual reader does not answer; restart it:" \
            "service pcscd restart, or end it and run this again"
    fi
    die "pcscd runs but started before the virtual reader was installed; restart it:" \
        "service pcscd restart, or end it and run this again"
    ;;
*) die "pcscd does not answer; restart it: service pcscd restart, or end it and run this again" ;;
esac

exec {held}> >(exec 9<&- && trap "" INT HUP TERM && exec "$probe" hold)
holder=$!

# The command has a process group of its own, so that each signal reaches it exactly once, by
# whatever way it came here.
# shellcheck disable=SC2317  # called by the traps
forward() {
    signalled=yes
    kill -s "$1" -- "-$child" 2>/dev/null || true
}
set -m
if [[ -n ${guard-} ]]; then
    "$@" {guard}>&- {held}>&- &
else
    "$@" {held}>&- &
fi
child=$!
set +m
trap 'forward INT' INT
trap 'forward TERM' TERM
trap 'forward HUP' HUP

# A trapped signal ends `wait` early: what counts is the wait that none has cut short.
while
    signalled=
    status=0
    wait "$child" || status=$?
    [[ -n $signalled ]]
do :; done
exit "$status"
