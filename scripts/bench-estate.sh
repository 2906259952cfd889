#!/usr/bin/env bash
# The estate's measurements as tables: instance, ours, best known or reference, seed, processor seconds of one thread.
#   DATA=dir ./scripts/bench-estate.sh [timetables|rooms|schools|energy|fit]...      default: all
# DATA holds timetables/ and buildings/ (see docs/estate.md for the formats). SECONDS_EACH (60), SCHOOL_SECONDS (300),
# SEED (1) and AULA (target/release/aula) may be set.
set -euo pipefail
data=${DATA:?the directory that holds timetables/ and buildings/}
aula=${AULA:-target/release/aula}
seed=${SEED:-1}
each=${SECONDS_EACH:-60}
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(timetables rooms schools energy fit)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
declare -A best=([01]=5 [03]=64 [05]=284 [07]=6 [09]=96 [11]=0 [13]=59 [15]=62 [17]=56 [19]=57 [21]=74)

field() { sed -E "s/.*\"$1\":(-?[0-9.]+).*/\1/"; }

courses() {
  local flag=$1 sum=0 known=0 file name answer
  echo "| instance | hard | cost | best known | room-days | bound | seed | iterations | cpu s |"
  echo "|---|---|---|---|---|---|---|---|---|"
  for file in "$data"/timetables/cbctt/*.ctt; do
    name=$(basename "$file" .ctt)
    answer=$("$aula" estate timetable "$file" --seconds "$each" --seed "$seed" $flag -o "$work/out" --output json) || true
    echo "| $name | $(field hard <<<"$answer") | $(field cost <<<"$answer") | ${best[${name#comp}]:-?} |" \
      "$(field opened_room_days <<<"$answer") | $(field room_days_bound <<<"$answer") | $seed |" \
      "$(field iterations <<<"$answer") | $(field cpu_s <<<"$answer") |"
    sum=$((sum + $(field cost <<<"$answer")))
    known=$((known + ${best[${name#comp}]:-0}))
  done
  echo "sum $sum, best known $known"
}

for part in "${parts[@]}"; do
  echo "## $part"
  case $part in
  timetables) courses "" ;;
  rooms) courses --close-rooms ;;
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
