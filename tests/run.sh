#!/usr/bin/env bash
# Installs what the tests need, builds, and runs everything; fails if a tier ran no test.
#
#   tests/run.sh                 all tiers but the sanitizers, which take two more builds
#   tests/run.sh unit e2e …      only these: tidy unit scenario simulation e2e crash bench asan tsan
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
tiers=("$@")
((${#tiers[@]})) || tiers=(tidy unit scenario simulation e2e crash bench)

# A clone elsewhere finds what another one compiled.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1

passed=0 failed=0
failures=()
started=$SECONDS

wants() { local tier; for tier in "${tiers[@]}"; do [[ $tier == "$1" ]] && return 0; done; return 1; }
say() { printf '\n== [%4d s] %s\n' $((SECONDS - started)) "$*"; }
count() { # NAME STATUS TESTS FAILED
  local name=$1 status=$2 tests=$3 bad=$4
  if ((tests == 0)); then
    failures+=("$name: ran no test"); failed=$((failed + 1)); return
  fi
  ((status != 0 && bad == 0)) && bad=1
  passed=$((passed + tests - bad)) failed=$((failed + bad))
  ((bad == 0)) || failures+=("$name: $bad of $tests failed")
}

build() { # PRESET
  say "building ($1)"
  cmake --preset "$1" > /tmp/tidelock-configure.$$ 2>&1 || { cat /tmp/tidelock-configure.$$; exit 1; }
  rm -f /tmp/tidelock-configure.$$
  cmake --build --preset "$1" || { echo "error: the $1 build failed" >&2; exit 1; }
}

# Catch2 binaries, as many at once as there are processors, each with its own summary line.
run_binaries() { # TIER BUILD PATTERN...
  local tier=$1 build=$2; shift 2
  local tests=0 bad=0 status=0 binary name code line wrong work binaries=()
  work=$(mktemp -d)
  for pattern in "$@"; do
    for binary in "$build"/$pattern; do [[ -x $binary ]] && binaries+=("$binary"); done
  done
  ((${#binaries[@]})) && printf '%s\0' "${binaries[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c \
    '"$1" --order lex > "$0/$(basename "$1").out" 2>&1; echo $? > "$0/$(basename "$1").code"' "$work"
  for binary in "${binaries[@]}"; do
    name=$(basename "$binary")
    code=$(<"$work/$name.code")
    line=$(grep -aEo 'test cases: +[0-9]+|in [0-9]+ test case' "$work/$name.out" | tail -1 | grep -Eo '[0-9]+' | head -1)
    tests=$((tests + ${line:-0}))
    if ((code != 0)); then
      status=1
      wrong=$(grep -aE '^test cases:' "$work/$name.out" | grep -Eo '[0-9]+ failed' | head -1 | grep -Eo '[0-9]+')
      bad=$((bad + ${wrong:-1}))
      tail -80 "$work/$name.out"
    fi
    printf '%-60s %s\n' "$(basename "$build")/$name" "$([[ $code == 0 ]] && echo "ok (${line:-0})" || echo FAILED)"
  done
  rm -rf "$work"
  count "$tier" "$status" "$tests" "$bad"
}

run_python() { # TIER BUILD SLOWNESS FILE...
  local tier=$1 build=$2 slowness=$3; shift 3
  local out code line
  out=$(mktemp)
  (cd tests/e2e && TIDELOCK_BUILD=$root/$build TIDELOCK_SLOWNESS=$slowness PYTHONDONTWRITEBYTECODE=1 \
    python3 -m unittest -v "$@") 2>&1 | tee "$out"
  code=${PIPESTATUS[0]}
  line=$(grep -Eo '^Ran [0-9]+ test' "$out" | grep -Eo '[0-9]+')
  local bad
  bad=$(grep -Eo '(failures|errors)=[0-9]+' "$out" | grep -Eo '[0-9]+' | paste -sd+ | bc 2>/dev/null)
  rm -f "$out"
  count "$tier ($build)" "$code" "${line:-0}" "${bad:-0}"
}

bash tests/install.sh --tests || exit 1
build release

wants tidy && { say tidy; run_binaries tidy build tidy_test; }
wants unit && { say unit; run_binaries unit build 'unit_*_test'; }
wants scenario && { say scenario; run_binaries scenario build scenario_test; }
if wants simulation; then
  say simulation
  run_binaries simulation build simulation_test
  say "2000 simulated clusters, and every planted bug"
  build/simulation --seeds 1..2000 --probes; count "simulation, 2000 seeds" $? 1 0
  build/simulation --seeds 1..20 --canary > /dev/null; count "simulation, canary" $? 1 0
  build/simulation --seeds 1..2000 --plants; count "simulation, planted bugs" $? 1 0
fi
if wants e2e; then
  say "end to end"
  bash tests/e2e/kubectl.sh > /dev/null || { failures+=("kubectl could not be installed"); failed=$((failed + 1)); }
  files=()
  for file in tests/e2e/test_*.py; do
    file=$(basename "$file" .py)
    [[ $file == test_kill ]] || files+=("$file")
  done
  run_python e2e build 1 "${files[@]}"
fi
wants crash && { say "kill -9"; run_python crash build 1 test_kill; }
if wants bench; then
  say "benchmarks (reported, never judged)"
  PYTHONDONTWRITEBYTECODE=1 python3 tests/bench/makespan.py; status=$?
  count bench $status 1 0
  TIDELOCK_TARGETS=${TIDELOCK_TARGETS:-200} PYTHONDONTWRITEBYTECODE=1 python3 tests/bench/noop.py; status=$?
  count bench $status 1 0
  build/jobshop_bench; status=$?
  count bench $status 1 0
  build/planner_scale 1000 10000; status=$?
  count bench $status 1 0
fi
for preset in asan-ubsan tsan; do
  tier=${preset%-ubsan}
  wants "$tier" || continue
  build "$preset"
  export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  export TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 suppressions=$root/tests/tsan.supp"
  say "unit and scenario ($preset)"
  run_binaries "$tier" "build-$tier" 'unit_*_test' scenario_test
  say "end to end, short ($preset)"
  LSAN_OPTIONS="suppressions=$root/tests/lsan.supp" run_python "$tier, end to end" "build-$tier" 6 \
    test_seed.SeedTest.test_a_step_lock_serialises_only_that_step
done

say "done"
for failure in "${failures[@]:-}"; do [[ -n $failure ]] && echo "FAILED: $failure"; done
echo "$passed passed, $failed failed"
((failed == 0))
