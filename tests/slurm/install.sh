#!/usr/bin/env bash
# Install what a single-host SLURM needs (Debian, root), without starting its services.
set -euo pipefail
command -v slurmctld slurmd munged >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
apt-get install -y -qq --no-install-recommends munge slurmctld slurmd slurm-client >/dev/null
