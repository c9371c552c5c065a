// Dashboard "Load test": what `echobahn load --metrics-port` sees, beside what the service sees of it.

import { dashboard } from './dashboard.js'
import { figure, graph } from './panels.js'
import { occurring, quantile, rate, select, sum, total, totalRate } from './promql.js'

const ECHOED = 'state="echoed"'

const overview = [
  figure({
    title: 'Messages echoed',
    description: 'Messages that came back and were verified to the octet, per second.',
    unit: 'mps',
    expression: totalRate('echobahn_load_messages_total', ECHOED),
  }),
  figure({
    title: 'Echo latency, 99 %',
    description: 'Of the last second, from when a message was due until it was back; 99 % are faster.',
    unit: 's',
    expression: `max(${select('echobahn_load_echo_latency_seconds', 'quantile="0.99"')})`,
    limit: 0.1,
  }),
  figure({
    title: 'Errors',
    description: 'Whatever went wrong without having been ordered, per second.',
    unit: 'eps',
    expression: totalRate('echobahn_load_errors_total'),
  }),
  figure({
    title: 'In flight',
    description: 'Messages that were sent and are not back.',
    unit: 'short',
    expression: total('echobahn_load_in_flight'),
  }),
  figure({
    title: 'Connections',
    description: 'Connections that the load has open.',
    unit: 'short',
    expression: total('echobahn_load_connections'),
  }),
  figure({
    title: 'Busiest thread',
    description: 'Share of the time in which the busiest thread of the load has work: near 1 the load is the limit.',
    unit: 'percentunit',
    expression: `max(${select('echobahn_load_busy_ratio')})`,
    limit: 0.95,
  }),
]

const messages = [
  graph({
    title: 'Messages of the load',
    description:
      'Due by the schedule, sent, and back. Where sent falls behind due, the server takes less than it is sent.',
    unit: 'mps',
    span: 12,
    manySeries: true,
    queries: { '{{state}}': rate('state', 'echobahn_load_messages_total') },
  }),
  graph({
    title: 'Messages of the service',
    description: 'Whole messages as the service counts them, those of other clients included.',
    unit: 'mps',
    span: 12,
    manySeries: true,
    queries: { '{{direction}}': rate('direction', 'echobahn_messages_total') },
  }),
]

const latency = [
  graph({
    title: 'Echo latency of the load',
    description: 'Of each second, from when a message was due until it was back.',
    unit: 's',
    span: 12,
    manySeries: true,
    queries: { '{{quantile}}': `max by (quantile) (${select('echobahn_load_echo_latency_seconds')})` },
  }),
  graph({
    title: 'Echo latency of the service',
    description: 'From reading the last octet of a message until its echo is handed to the socket: its own part.',
    unit: 's',
    span: 12,
    manySeries: true,
    queries: Object.fromEntries([0.5, 0.9, 0.99].map(q => [String(q), quantile(q, 'echobahn_echo_duration_seconds')])),
  }),
]

const connections = [
  graph({
    title: 'Connections of both',
    description: 'Open connections of the load, and of the service on all its workers.',
    unit: 'short',
    span: 24,
    queries: { load: total('echobahn_load_connections'), '{{instance}}': sum('instance', 'echobahn_connections') },
  }),
  graph({
    title: 'Octets of both',
    description: 'Every octet of the sockets. What the load sends the service receives.',
    unit: 'Bps',
    span: 12,
    manySeries: true,
    queries: {
      'load, {{direction}}': rate('direction', 'echobahn_load_wire_bytes_total'),
      'service, {{direction}}': rate('direction', 'echobahn_wire_bytes_total'),
    },
  }),
  graph({
    title: 'What goes wrong',
    description: 'Errors of the load, and what the URL had ordered, by kind. Kinds that do not occur are left out.',
    unit: 'eps',
    span: 12,
    manySeries: true,
    queries: {
      '{{kind}}': occurring(rate('kind', 'echobahn_load_errors_total')),
      '{{kind}}, ordered': occurring(rate('kind', 'echobahn_load_ordered_total')),
    },
  }),
]

export const loadTest = dashboard({
  uid: 'echobahn-load',
  title: 'Load test',
  description: 'A load made with echobahn load, as the load sees it and as the service sees it.',
  rows: { Overview: overview, Messages: messages, Latency: latency, Connections: connections },
})
