// Dashboard "Load with k6": what deploy/k6/echo.js writes to Prometheus, beside what the service sees of it.

import { dashboard } from './dashboard.js'
import { figure, graph } from './panels.js'
import { quantile, rate, sum, totalRate } from './promql.js'

const overview = [
  figure({
    title: 'Echoes',
    description: 'Messages that came back to k6, per second.',
    unit: 'mps',
    expression: k6Rate('k6_echoes_total'),
  }),
  figure({
    title: 'Faithful',
    description: 'Share of the echoes that are what was sent, to the octet.',
    unit: 'percentunit',
    expression: 'min(k6_echo_faithful_rate)',
    expected: 1,
  }),
  figure({
    title: 'Checks that held',
    description: 'Share of the checks: every message came back, and the connection lasted until k6 closed it.',
    unit: 'percentunit',
    expression: 'min(k6_checks_rate)',
    expected: 1,
  }),
  figure({
    title: 'Echo time, 99 %',
    description: 'Of the whole run, from sending a message until its echo is there; 99 % are faster.',
    unit: 's',
    expression: 'max(k6_echo_time_p99)',
    limit: 1,
  }),
  figure({
    title: 'Virtual users',
    description: 'Users of k6 that are at work; each has one connection.',
    unit: 'short',
    expression: 'sum(k6_vus)',
  }),
  figure({
    title: 'Connections finished',
    description: 'Connections that k6 has closed, or failed to make, since its start.',
    unit: 'short',
    expression: 'sum(k6_connections_finished_total)',
  }),
]

const both = [
  graph({
    title: 'Messages',
    description: 'Echoes as k6 counts them, and messages as the service does, those of other clients included.',
    unit: 'mps',
    manySeries: true,
    span: 12,
    queries: {
      'k6, echoes': k6Rate('k6_echoes_total'),
      'service, {{direction}}': rate('direction', 'echobahn_messages_total'),
    },
  }),
  graph({
    title: 'Latency',
    description:
      'What k6 saw: 99 % of the whole run so far. The service: 99 % of now, from reading a message until its echo is handed to the socket.',
    unit: 's',
    span: 12,
    queries: {
      'k6, 99 % so far': 'max(k6_echo_time_p99)',
      'service, 99 %': quantile(0.99, 'echobahn_echo_duration_seconds'),
    },
  }),
  graph({
    title: 'Users and connections',
    description: 'Virtual users of k6, and connections that the service has.',
    unit: 'short',
    span: 24,
    queries: { 'k6, users': 'sum(k6_vus)', '{{instance}}': sum('instance', 'echobahn_connections') },
  }),
  graph({
    title: 'Octets',
    description: 'What k6 counts are the octets of messages, and the service counts every octet of its sockets.',
    unit: 'Bps',
    span: 12,
    manySeries: true,
    queries: {
      'k6, sent': k6Rate('k6_data_sent_total'),
      'k6, received': k6Rate('k6_data_received_total'),
      'service, {{direction}}': rate('direction', 'echobahn_wire_bytes_total'),
    },
  }),
  graph({
    title: 'Connections ended',
    description: 'By k6, and by the service.',
    unit: 'cps',
    span: 12,
    queries: {
      'k6, finished': k6Rate('k6_connections_finished_total'),
      'service, closed': totalRate('echobahn_connections_ended_total'),
    },
  }),
]

/** k6 has no job and no instance, so that the dashboard's variables leave it alone. */
function k6Rate(metric: string): string {
  return `sum(rate(${metric}[$__rate_interval]))`
}

export const k6Load = dashboard({
  uid: 'echobahn-k6',
  title: 'Load with k6',
  description: 'The load profile: k6 as it sees the service, and the service as it sees k6.',
  rows: { Overview: overview, 'k6 and the service': both },
})
