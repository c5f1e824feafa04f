#!/usr/bin/env bash
# A real, throw-away SLURM on loopback, without systemd, cgroups or an accounting database.
#   lab.sh up      start munged, slurmctld and NODES x slurmd; wait until the nodes are idle
#   lab.sh node N  start node N again after its daemon was killed
#   lab.sh down    stop exactly what `up` started (by pid file)
#   lab.sh env     print the exports that a client shell needs
# Knobs (environment): SLURMLAB_DIR, NODES, CPUS, MEM_MB, PORT0
set -euo pipefail
BASE=${SLURMLAB_DIR:?a folder for its state}
NODES=${NODES:-2} CPUS=${CPUS:-1} MEM_MB=${MEM_MB:-6000} PORT0=${PORT0:-26817}
HOST=$(hostname -s) ME=$(id -un)
CONF=$BASE/etc/slurm.conf
export SLURM_CONF=$CONF

write_conf() {
  mkdir -p "$BASE"/{etc,state,log,pid,bin}
  mkdir -p -m 0755 "$BASE/munge"
  [ -s "$BASE/etc/munge.key" ] || (umask 077; head -c 128 /dev/urandom > "$BASE/etc/munge.key")
  cat > "$CONF" <<C
ClusterName=lab
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT0
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=$ME
SlurmdUser=$ME
AuthType=auth/munge
AuthInfo=socket=$BASE/munge/munge.sock
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=0
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$BASE/log/jobcomp.log
ReturnToService=2
SlurmdParameters=config_overrides
MinJobAge=3600
EnforcePartLimits=ALL
KillWait=2
InactiveLimit=0
StateSaveLocation=$BASE/state
SlurmdSpoolDir=$BASE/spool.%n
SlurmctldPidFile=$BASE/pid/slurmctld.pid
SlurmdPidFile=$BASE/pid/slurmd.%n.pid
SlurmctldLogFile=$BASE/log/slurmctld.log
SlurmdLogFile=$BASE/log/slurmd.%n.log
SlurmctldTimeout=10
SlurmdTimeout=30
C
  for i in $(seq 1 "$NODES"); do
    mkdir -p "$BASE/spool.n$i"
    echo "NodeName=n$i NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT0+i)) CPUs=$CPUS RealMemory=$MEM_MB State=UNKNOWN" >> "$CONF"
  done
  echo "PartitionName=main Nodes=n[1-$NODES] Default=YES MaxTime=120 DefMemPerCPU=200 State=UP" >> "$CONF"
  # Inside a job the executor strips SLURM_CONF from the inner srun: this wrapper puts it back.
  printf '#!/bin/sh\nexport SLURM_CONF=%s\nexec /usr/bin/srun "$@"\n' "$CONF" > "$BASE/bin/srun"
  chmod 755 "$BASE/bin/srun"
}

alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

wait_for() { # what, seconds, command...
  local what=$1 n=$(($2 * 10))
  shift 2
  while ! "$@" >/dev/null 2>&1; do
    n=$((n - 1))
    [ $n -gt 0 ] || { echo "lab.sh: timed out waiting for $what" >&2; return 1; }
    sleep 0.1
  done
}

all_there() { [ "$(sinfo -h -N -p main -t idle,mixed,alloc -o %N | sort -u | wc -l)" = "$NODES" ]; }

node() { alive "$BASE/pid/slurmd.n$1.pid" || slurmd -N "n$1" -f "$CONF"; }

up() {
  write_conf
  alive "$BASE/pid/munged.pid" || munged --key-file="$BASE/etc/munge.key" \
    --socket="$BASE/munge/munge.sock" --pid-file="$BASE/pid/munged.pid" \
    --log-file="$BASE/log/munged.log" --seed-file="$BASE/munge/munged.seed" --num-threads=2 --force
  wait_for munged 10 munge -S "$BASE/munge/munge.sock" -n
  alive "$BASE/pid/slurmctld.pid" || slurmctld -c -f "$CONF"
  for i in $(seq 1 "$NODES"); do node "$i"; done
  wait_for slurmctld 30 scontrol ping
  wait_for nodes 60 all_there
}

down() {
  scancel --user="$ME" 2>/dev/null || true
  for file in "$BASE"/pid/slurmd.*.pid "$BASE"/pid/slurmctld.pid "$BASE"/pid/munged.pid; do
    [ -s "$file" ] || continue
    process=$(cat "$file")
    kill "$process" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$process" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$process" 2>/dev/null || true
    rm -f "$file"
  done
}

case ${1:-} in
  up) up ;;
  node) node "$2" ;;
  down) down ;;
  env) echo "export SLURM_CONF=$CONF PATH=$BASE/bin:\$PATH" ;;
  *) sed -n 2,8p "$0"; exit 2 ;;
esac
