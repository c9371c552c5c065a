# The profile `load` with the real program k6, of another version than the image: its exit code comes out. Then all ends.

exit_code() { local code=0; compose run --rm --no-deps "$@" k6 || code=$?; echo "$code"; }

echo '# load'
same 'exit code of k6, with every echo right' 0 "$(exit_code)"
check 'its metrics are in Prometheus' has_value 'k6_echoes_total > 0'
same 'exit code of k6, where each echo is later than it must be' 99 "$(exit_code --env P99=0)"
check 'down' compose down --timeout 20 --volumes
