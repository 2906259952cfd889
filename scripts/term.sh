#!/usr/bin/env bash
# Usage: scripts/term.sh [STUDENTS] [DAYS] [KILLS]
# A term of a district through five ways in (Kafka's records, MQTT's payloads, xAPI statements, OneRoster files, an Ed-Fi export),
# each message sent three times in another order; the process that takes them is killed (SIGKILL) KILLS times at random moments and
# begins its pass anew. Holds when the root of all students' events and states is that of a run without kills, nothing is lost,
# nothing stands twice, and every event leads back to its message or line. By default 120 students, 60 school days, 30 kills: some
# minutes. A slice without kills is in the gate (node/connect/src/term). Exit 0 when it holds.
set -euo pipefail
cd "$(dirname "$0")/.."
AULA_TERM_STUDENTS=${1:-120} AULA_TERM_DAYS=${2:-60} AULA_TERM_KILLS=${3:-30} \
  cargo test --release --workspace --lib -- --ignored --exact --nocapture \
  term::tests::a_term_whose_process_is_killed_again_and_again
