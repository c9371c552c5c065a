// The load's own metrics: one list, which its metrics server and the tests of the dashboards read.

export const LOAD_PREFIX = 'echobahn_load_'

export const LOAD_METRICS = {
  messages_total: { type: 'counter', labels: ['state'], help: 'Messages by what became of them: due, sent, echoed.' },
  errors_total: { type: 'counter', labels: ['kind'], help: 'What went wrong, by kind.' },
  ordered_total: {
    type: 'counter',
    labels: ['kind'],
    help: 'What went wrong because the URL had ordered it, by kind.',
  },
  wire_bytes_total: { type: 'counter', labels: ['direction'], help: 'Octets of the sockets.' },
  connections: { type: 'gauge', labels: [], help: 'Connections open now.' },
  in_flight: { type: 'gauge', labels: [], help: 'Messages that were sent and are not back.' },
  busy_ratio: { type: 'gauge', labels: [], help: 'Share of the time in which the busiest thread has work, 0–1.' },
  echo_latency_seconds: {
    type: 'gauge',
    labels: ['quantile'],
    help: 'Echo latency of the last second, from when a message was due.',
  },
} as const
