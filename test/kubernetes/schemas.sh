# What kustomize makes, against the real schemas: those of Kubernetes, version by version, and of the custom resources.

manifests=deploy/kubernetes
cache=.cache/kubernetes
# The oldest has what the Job needs (an index may fail on its own), the newest is the newest that the package has.
versions=(1.29 1.30 1.31 1.32 1.33 1.34 1.35 1.36 1.37)
models=(@kubernetes-models/prometheus-operator@6.0.0 @kubernetes-models/traefik@2.0.0 @kubernetes-models/gateway-api@2.0.0)

custom='kind (PodMonitor|PrometheusRule|IngressRoute|Middleware|ServersTransport|Gateway|HTTPRoute) '

# validate FILE: in every version. What has no schema there is a custom resource.
validate() {
  local output
  output=$("$cache/venv/bin/kubernetes-validate" --strict "${versions[@]/#/--kubernetes-version=}" "$1" 2>&1) || { echo "$output"; return 1; }
  ! grep '^WARN' <<<"$output" | grep -vE "$custom"
}
refuses() { ! validate "$@"; }

echo '# schemas'
[[ -x $cache/venv/bin/kubernetes-validate ]] || python3 -m venv "$cache/venv"
"$cache/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
npm install --silent --no-save --no-package-lock --ignore-scripts --prefix "$cache" "${models[@]}"

for folder in base monitoring load examples/nginx examples/traefik examples/gateway; do
  built=$work/${folder//\//-}.yaml
  check "kubectl kustomize $folder" sh -c "kubectl kustomize $manifests/$folder >$built"
  check "$folder as Kubernetes ${versions[0]} to ${versions[-1]} have it" validate "$built"
done
sed 's/maxUnavailable: 0/maxUnavailabel: 0/' "$work/base.yaml" >"$work/wrong.yaml"
check 'a misspelt field is refused' refuses "$work/wrong.yaml"

echo '# custom resources'
built=("$work"/{monitoring,examples-traefik,examples-gateway}.yaml)
check 'PodMonitor, PrometheusRule, IngressRoute, Middleware, ServersTransport, Gateway, HTTPRoute' \
  node test/kubernetes/custom-resources.mjs "$cache" "${built[@]}"
sed 's/scrapeTimeout: 4s/scrapeTimeuot: 4s/' "$work/monitoring.yaml" >"$work/wrong.yaml"
check 'a misspelt field is refused' sh -c "! node test/kubernetes/custom-resources.mjs $cache $work/wrong.yaml"

echo '# rules'
node test/kubernetes/rules.mjs "$work/monitoring.yaml" "$manifests/monitoring/prometheus-adapter-values.yaml" "$work"
check 'the rules of the PrometheusRule' promtool check rules "$work/rules.yaml"
check 'the query of prometheus-adapter adds up the workers of each pod' promtool test rules "$work/adapter-test.yaml"
