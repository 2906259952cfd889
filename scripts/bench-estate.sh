#!/usr/bin/env bash
# The estate's measurements as tables: instance, ours, best known or reference, seed, processor seconds of one thread.
#   DATA=dir ./scripts/bench-estate.sh [timetables|rooms|moves|plan|schools|energy|fit|failures]...      default: all
# DATA holds timetables/, buildings/ and forecasts/ (see docs/estate.md for the formats; docs/estate-figures.md has what came). Beside peers:
# scripts/timetable-peer.py (OR-Tools) and scripts/energy-peers.py (ASHRAE 140, EnergyPlus). SECONDS_EACH (60), SCHOOL_SECONDS (300),
# SEED (1) and AULA (target/release/aula) may be set.
set -euo pipefail
data=${DATA:?the directory that holds timetables/ and buildings/}
aula=${AULA:-target/release/aula}
seed=${SEED:-1}
each=${SECONDS_EACH:-60}
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(timetables rooms moves plan schools energy fit failures)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
declare -A best=([01]=5 [03]=64 [05]=284 [07]=6 [09]=96 [11]=0 [13]=59 [15]=62 [17]=56 [19]=57 [21]=74)

field() { sed -E "s/.*\"$1\":(-?[0-9.]+).*/\1/"; }

courses() {
  local flag=$1 sum=0 known=0 file name answer
  echo "| instance | hard | cost | best known | seats short | room-days | bound | utilisation | seed | iterations | cpu s |"
  echo "|---|---|---|---|---|---|---|---|---|---|---|"
  for file in "$data"/timetables/cbctt/*.ctt; do
    name=$(basename "$file" .ctt)
    answer=$("$aula" estate timetable "$file" --seconds "$each" --seed "$seed" $flag -o "$work/out" --output json) || true
    echo "| $name | $(field hard <<<"$answer") | $(field cost <<<"$answer") | ${best[${name#comp}]:-?} |" \
      "$(field seats_short <<<"$answer") | $(field opened_room_days <<<"$answer") | $(field room_days_bound <<<"$answer") |" \
      "$(field utilisation_ppm <<<"$answer" | awk '{ printf "%.1f%%", $1 / 1e4 }') | $seed |" \
      "$(field iterations <<<"$answer") | $(field cpu_s <<<"$answer") |"
    sum=$((sum + $(field cost <<<"$answer")))
    known=$((known + ${best[${name#comp}]:-0}))
  done
  echo "sum $sum, best known $known"
}

# So many seeded single moves of each instance's timetable: found with three others moved or fewer, none (proved), undecided in a second.
moves() {
  local file name
  echo "| instance | moves | found | proved that there is none | undecided | longest cpu ms |"
  echo "|---|---|---|---|---|---|"
  for file in "$data"/timetables/cbctt/*.ctt; do
    name=$(basename "$file" .ctt)
    "$aula" estate timetable "$file" --seconds "${MOVES_SECONDS:-10}" --seed "$seed" -o "$work/week" --output json >/dev/null || true
    python3 - "$aula" "$file" "$work/week" "$seed" "${MOVES:-20}" <<'PYTHON'
import json, random, re, subprocess, sys
aula, instance, week, seed, count = sys.argv[1:]
text = open(instance, encoding="latin-1").read()
days, periods = (int(re.search(name + r":\s*(\d+)", text)[1]) for name in ("Days", "Periods_per_day"))
lines, pick = [line.split() for line in open(week)], random.Random(int(seed))
found = none = undecided = 0
longest = 0.0
for _ in range(int(count)):
    course, _, day, period = pick.choice(lines)
    held = {(int(line[2]), int(line[3])) for line in lines if line[0] == course}
    while (to := (pick.randrange(days), pick.randrange(periods))) in held:
        pass
    run = subprocess.run(
        [aula, "estate", "move", instance, week, "--course", course, "--from", f"{day},{period}", "--to", "%d,%d" % to,
         "--most", "3", "--seconds", "1", "-o", week + ".moved", "--output", "json"], capture_output=True, text=True)
    answer = json.loads(run.stdout)
    longest = max(longest, answer["cpu_ms"])
    found += answer["found"]
    none += not answer["found"] and answer["complete"]
    undecided += not answer["found"] and not answer["complete"]
name = instance.rsplit("/", 1)[-1]
print(f"| {name.removesuffix('.ctt')} | {count} | {found} | {none} | {undecided} | {longest:.0f} |")
PYTHON
  done
}

# The weekly plan's energy: the office for each room, its own hours of weather; once by room-days alone.
plan() {
  local name weight
  echo "| instance | energy's weight | room-days (bound) | saved | by own hours | Wh a student and hour | hard | seats short | cost | walks | gaps |"
  echo "|---|---|---|---|---|---|---|---|---|---|---|"
  gzip -dc "$data/buildings/rc5r1c/office.csv.gz" >"$work/outside.csv"
  for name in ${PLANS:-comp01 comp05 comp21}; do
    for weight in ${WEIGHTS:-0 100}; do
      "$aula" estate plan "$data/timetables/cbctt/$name.ctt" --building "$data/buildings/rc5r1c/office.json" \
        --inputs "$work/outside.csv" --seconds "${PLAN_SECONDS:-20}" --seed "$seed" --energy-weight "$weight" -o "$work/plan" \
        --output json >"$work/answer" || true
      python3 - "$name" "$weight" "$work/answer" <<'PYTHON'
import json, sys
name, weight, path = sys.argv[1:]
answer = json.load(open(path))
given, plan = answer["given"], answer["plan"]
both = lambda field, form="{}": " → ".join(form.format(side[field]) for side in (given, plan))
watts = " → ".join("%.0f" % (1e3 * side["kwh_per_student_hour"]) for side in (given, plan))
percent = lambda ppm: "%.1f%%" % (ppm / 1e4)
print(f"| {name} | {weight} | {both('opened_room_days')} ({answer['room_days_bound']}) | {percent(answer['saved_ppm'])} |",
      f"{percent(answer['saved_by_hours_ppm'])} | {watts} | {both('hard')} | {both('seats_short')} | {both('cost')} |",
      f"{both('walks')} | {both('gaps')} |")
PYTHON
    done
  done
}

for part in "${parts[@]}"; do
  echo "## $part"
  case $part in
  timetables) courses "" ;;
  rooms) courses --close-rooms ;;
  moves) moves ;;
  plan) plan ;;
  failures)
    "$aula" estate failures --events "$data/forecasts/ai4i2020.csv" -o "$work/risks.csv" --output json ;;
  schools)
    for file in "$data"/timetables/xhstt/*.xml; do
      echo "$(basename "$file") $("$aula" estate timetable "$file" --seconds "${SCHOOL_SECONDS:-300}" --seed "$seed" \
        -o "$work/out" --output json || true)"
    done ;;
  energy)
    "$aula" estate energy "$data/buildings/rc5r1c/office.json" --inputs "$data/buildings/rc5r1c/office.csv.gz" \
      -o "$work/hours.csv" --output json ;;
  fit)
    cat "$data"/buildings/cambridge/weather-*.csv.gz >"$work/weather.csv.gz"
    for building in b0 b1; do
      cat "$data"/buildings/cambridge/UCam_Building_$building-electricity-*.csv.gz >"$work/meter.csv.gz"
      echo "$building $("$aula" estate fit "$work/meter.csv.gz" --weather "$work/weather.csv.gz" \
        --train-until 2016-12-31 --output json)"
    done ;;
  *) echo "no part $part" >&2; exit 2 ;;
  esac
done
