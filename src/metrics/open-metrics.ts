// The text format of Prometheus as OpenMetrics 1.0: prom-client's own way to it renames the metrics it has, for good, so
// that one registry could not serve both.

export const OPEN_METRICS = 'application/openmetrics-text'

export const OPEN_METRICS_TYPE = `${OPEN_METRICS}; version=1.0.0; charset=utf-8`

/** @param text an exposition in the text format 0.0.4 that ends with a line feed */
export function toOpenMetrics(text: string): string {
  const counters = new Set([...text.matchAll(/^# TYPE (\w+)_total counter$/gm)].map(([, family]) => `${family}_total`))
  const lines = text.split('\n').filter(line => line !== '')
  return `${lines.map(line => convertLine(line, counters)).join('\n')}\n# EOF\n`
}

/** A counter's family goes without the `_total` of its samples. In a help text, quotes are escaped. */
function convertLine(line: string, counters: ReadonlySet<string>): string {
  const [, keyword, name, rest] = /^# (HELP|TYPE) (\w+) (.*)$/.exec(line) ?? []
  if (keyword === undefined) return line
  const family = counters.has(name) ? name.slice(0, -'_total'.length) : name
  return `# ${keyword} ${family} ${keyword === 'HELP' ? rest.replaceAll('"', '\\"') : rest}`
}
