# What a hook can ask about itself, a line each, without what differs from run to run: numbers of processes, of pipes and
# of mounts, times and sizes. `docs/hooks.md` names what does differ under the runner, and is left out here.
self=/proc/$$
list() { sed "s|^|$1: |"; }

answers() {
    tr '\0' '\n' < $self/cmdline | list argv
    tr '\0' '\n' < $self/environ | list environ
    for link in cwd exe root; do echo "$link: $(readlink $self/$link)"; done
    echo "name: $(cat $self/comm)"
    echo "umask: $(umask)"
    echo "user: $(id)"
    for fd in 0 1 2 3 4 5 6 7 8 9; do
        [ -e $self/fd/$fd ] || continue
        echo "fd $fd: $(readlink $self/fd/$fd | sed 's/\[.*//')"
        grep flags $self/fdinfo/$fd | list "fd $fd"
        echo "fd $fd: $(stat -L -c '%F %u %a' $self/fd/$fd)"
    done
    for fd in 0 1 2; do if [ -t $fd ]; then echo "fd $fd: a terminal"; fi; done
    cat $self/limits | list limits
    grep -vE '^(State|Pid|PPid|Tgid|NStgid|NSpid|NSpgid|NSsid|SigQ|Vm|Rss|Huge|volun|nonvol)' $self/status | list status
    grep -E '^NSpid' $self/status | wc -w | list 'numbers of the process'

    # The fields after the name: state, parent, group, session, terminal, …; see proc(5).
    set -- $(sed 's/^.*) //' $self/stat)
    echo "leads its group: $([ "$3" = $$ ] && echo yes)"
    echo "leads its session: $([ "$4" = $$ ] && echo yes)"
    echo "terminal: $5 $6"
    echo "priority and nice: ${16} ${17}, threads: ${18}, signal at its end: ${36}"
    echo "real-time priority and policy: ${38} ${39}"
    for file in oom_score_adj oom_adj loginuid coredump_filter personality cgroup attr/current autogroup setgroups uid_map; do
        cat $self/$file 2> /dev/null | sed 's|/autogroup-[0-9]*|/autogroup|' | list $file
    done
    for namespace in cgroup ipc mnt net pid pid_for_children time user uts; do
        echo "namespace $namespace: $(readlink $self/ns/$namespace)"
    done
    trap '' USR2; trap | grep -c . | list 'traps'
    cat | list stdin
}

# In a shell of its own, so that the hook keeps its stdout.
if [ -n "$1" ]; then (answers) > "$1"; else (answers); fi
