# The profile `load` with the real program k6, of another version than the image: its exit code comes out.

# k6_exits P99: the exit code of a short run in which 99 % of the echoes may take that many milliseconds.
k6_exits() {
  local code=0
  compose run --rm --no-deps --env MESSAGES=10 --env P99="$1" k6 || code=$?
  echo "$code"
}

echo '# load'
same 'exit code of k6, with every echo right' 0 "$(k6_exits 30000)"
check 'its metrics are in Prometheus' has_value 'max_over_time(k6_echoes_total[5m]) > 0'
same 'exit code of k6, where no echo is quick enough' 99 "$(k6_exits 0)"
check 'for that reason alone' grep "thresholds on metrics 'echo_time' have been crossed" "$work/compose.log"
