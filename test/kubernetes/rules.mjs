// For promtool: rules.mjs MONITORING ADAPTER-VALUES FOLDER writes the groups of the PrometheusRule as a file of rules, and
// a test of what prometheus-adapter's query gives once it has filled in pods and labels.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments, stringify } from 'yaml'

const [monitoring, values, folder] = process.argv.slice(2)
const objects = parseAllDocuments(readFileSync(monitoring, 'utf8')).map(document => document.toJS())
const { groups } = objects.find(({ kind }) => kind === 'PrometheusRule').spec
writeFileSync(join(folder, 'rules.yaml'), stringify({ groups }))

const [{ seriesQuery, metricsQuery }] = parse(readFileSync(values, 'utf8')).rules.custom
const [series] = seriesQuery.split('{')
const expression = metricsQuery
  .replaceAll('<<.GroupBy>>', 'pod')
  .replaceAll('<<.Series>>', series)
  .replaceAll('<<.LabelMatchers>>', 'namespace="echo",pod=~"a|b"')
const workers = [
  ['echo', 'a', 1, 100],
  ['echo', 'a', 2, 23],
  ['echo', 'b', 1, 7],
  ['other', 'a', 1, 5000],
]
const test = {
  tests: [
    {
      interval: '5s',
      input_series: workers.map(([namespace, pod, worker, connections]) => ({
        series: `${series}{namespace="${namespace}",pod="${pod}",worker="${worker}"}`,
        values: `${connections}x3`,
      })),
      promql_expr_test: [
        {
          expr: expression,
          eval_time: '10s',
          exp_samples: [
            { labels: '{pod="a"}', value: 123 },
            { labels: '{pod="b"}', value: 7 },
          ],
        },
      ],
    },
  ],
}
writeFileSync(join(folder, 'adapter-test.yaml'), stringify(test))
