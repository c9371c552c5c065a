// Dashboard "Echo service": is it up, who is connected, what goes through it, how fast, and how connections end.

import { dashboard } from './dashboard.js'
import { figure, graph, heatmap } from './panels.js'
import { buckets, occurring, quantile, rate, select, sum, total, totalRate, WORKER } from './promql.js'

const CONNECTIONS_BY_INSTANCE = sum('instance', 'echobahn_connections')

const overview = [
  figure({
    title: 'Instances up',
    description: 'Share of the instances whose last scrape succeeded.',
    unit: 'percentunit',
    expression: `avg(${select('up')})`,
    expected: 1,
  }),
  figure({
    title: 'Workers ready',
    description: 'Workers that take connections, as a share of those that there are to be.',
    unit: 'percentunit',
    expression: `${total('echobahn_workers', 'state="ready"')} / ${total('echobahn_workers_wanted')}`,
    expected: 1,
  }),
  figure({
    title: 'Connections',
    description: 'Connections open now, on the chosen workers.',
    unit: 'short',
    expression: total('echobahn_connections', WORKER),
  }),
  figure({
    title: 'Messages received',
    description: 'Messages that clients sent, per second.',
    unit: 'mps',
    expression: totalRate('echobahn_messages_total', 'direction="received"'),
  }),
  figure({
    title: 'Echo latency, 99 %',
    description: 'From reading the last octet of a message until its echo is handed to the socket; 99 % are faster.',
    unit: 's',
    expression: quantile(0.99, 'echobahn_echo_duration_seconds'),
    limit: 0.1,
  }),
  figure({
    title: 'Protocol errors',
    description: 'Connections that the service failed because the client broke RFC 6455 or RFC 7692, per second.',
    unit: 'eps',
    expression: totalRate('echobahn_protocol_errors_total'),
  }),
]

/** What the service takes for itself is above, what its peers and the network take below. */
const blame = [
  graph({
    title: 'Server: event loop busy',
    description:
      'Share of the time in which the event loop of a worker has something to do; near 100 % its clients wait.',
    unit: 'percentunit',
    max: 1,
    queries: {
      '{{instance}} worker {{worker}}': rate('instance, worker', 'echobahn_event_loop_busy_seconds_total', WORKER),
    },
  }),
  graph({
    title: 'Server: waits of readable sockets',
    description: 'Length of a turn of the event loop: so long a socket waits for its next turn; 99 % are shorter.',
    unit: 's',
    queries: {
      '{{instance}} worker {{worker}}': quantile(0.99, 'echobahn_event_loop_turn_seconds', 'instance, worker'),
    },
  }),
  graph({
    title: 'Server: echo latency',
    description: 'From reading the last octet of a message until its echo is handed to the socket; 99 % are faster.',
    unit: 's',
    queries: { '{{instance}}': quantile(0.99, 'echobahn_echo_duration_seconds', 'instance') },
  }),
  graph({
    title: 'Connections left unread, by reason',
    description:
      'Connections that are not read, on average. high_water: peers, or the codec, take too little; turn: they send more than their share; codec, memory, closing: the server.',
    unit: 'short',
    span: 12,
    stacked: true,
    manySeries: true,
    queries: { '{{reason}}': rate('reason', 'echobahn_paused_seconds_total') },
  }),
  graph({
    title: 'Client: waits of writes',
    description: 'From handing a write to the socket until the kernel has taken it: longer where clients read slowly.',
    unit: 's',
    span: 6,
    queries: { '{{instance}}': quantile(0.99, 'echobahn_write_wait_seconds', 'instance') },
  }),
  graph({
    title: 'Client: ping round trips',
    description:
      'From sending a ping until its pong is read: client, network, and the wait in the server. No data without pings.',
    unit: 's',
    span: 6,
    queries: { '{{instance}}': quantile(0.99, 'echobahn_ping_round_trip_seconds', 'instance') },
  }),
]

const connections = [
  graph({
    title: 'Connections by worker',
    description: 'Connections open now. Stacked: the upper edge is the sum.',
    unit: 'short',
    stacked: true,
    queries: {
      '{{instance}} worker {{worker}}': sum('instance, worker', 'echobahn_connections', WORKER),
    },
  }),
  graph({
    title: 'Imbalance',
    description: 'How far the worker with the most connections is above the mean of its instance; 0 is even.',
    unit: 'percentunit',
    queries: {
      '{{instance}}': [
        `max by (instance) (${select('echobahn_connections')})`,
        `avg by (instance) (${select('echobahn_connections')}) - 1`,
      ].join(' / '),
    },
  }),
  graph({
    title: 'Open, of the limit',
    description: 'Connections of an instance, as a share of max-connections; without a limit there is no data.',
    unit: 'percentunit',
    queries: {
      '{{instance}}': `${CONNECTIONS_BY_INSTANCE} / (${sum('instance', 'echobahn_limits', 'limit="max_connections"')} > 0)`,
    },
  }),
  graph({
    title: 'Opened and ended',
    description:
      'TCP connections that workers took over, and those that ended: closed, or lost with a worker that died.',
    unit: 'cps',
    queries: {
      opened: totalRate('echobahn_connections_total'),
      'ended, {{cause}}': occurring(rate('cause', 'echobahn_connections_ended_total')),
    },
  }),
  graph({
    title: 'WebSocket connections',
    description: 'Accepted handshakes that have not ended, and those that were lost with a worker, per second.',
    unit: 'short',
    queries: {
      'open, {{instance}}': sum('instance', 'echobahn_websockets'),
      'lost per second': totalRate('echobahn_websockets_lost_total'),
    },
  }),
  graph({
    title: 'Handshakes under way',
    description: 'Connections that have not been answered yet: TLS or the request head is incomplete.',
    unit: 'short',
    queries: { '{{instance}} worker {{worker}}': sum('instance, worker', 'echobahn_openings', WORKER) },
  }),
  graph({
    title: 'TLS handshakes by result',
    description: 'Always 0 where the service has no certificate.',
    unit: 'cps',
    span: 6,
    queries: { '{{result}}': rate('result', 'echobahn_tls_handshakes_total') },
  }),
  graph({
    title: 'Rejected connections',
    description:
      'Refused before the upgrade because max-connections (503) or max-connections-per-ip (429) was reached.',
    unit: 'cps',
    span: 6,
    queries: { '{{reason}}': rate('reason', 'echobahn_connections_rejected_total') },
  }),
  graph({
    title: 'Opening handshakes by result',
    description: 'Accepted, or why they were refused. Results that do not occur are left out.',
    unit: 'cps',
    manySeries: true,
    span: 12,
    queries: { '{{result}}': occurring(rate('result', 'echobahn_handshakes_total')) },
  }),
  graph({
    title: 'WebSocket connections by HTTP version',
    description:
      'Open now: connections of HTTP/1.1, and streams of HTTP/2 sessions, whose own connections are not in it.',
    unit: 'short',
    span: 6,
    stacked: true,
    queries: { 'HTTP/{{http_version}}': sum('http_version', 'echobahn_websockets_by_version', WORKER) },
  }),
  graph({
    title: 'Opening handshakes by HTTP version',
    description: 'Accepted and refused.',
    unit: 'cps',
    span: 9,
    manySeries: true,
    queries: {
      'HTTP/{{http_version}} {{result}}': rate('http_version, result', 'echobahn_handshakes_by_version_total'),
    },
  }),
  graph({
    title: 'HTTP/2 sessions ended',
    description: 'By why: their peer, no stream for too long, an unanswered PING, a flood, or a worker that leaves.',
    unit: 'cps',
    span: 9,
    manySeries: true,
    queries: { '{{cause}}': rate('cause', 'echobahn_http2_sessions_ended_total') },
  }),
]

const traffic = [
  graph({
    title: 'Messages',
    description: 'Whole messages by opcode, seen from the service; received ones below zero.',
    unit: 'mps',
    mirrored: true,
    span: 12,
    manySeries: true,
    queries: { '{{direction}} {{opcode}}': rate('direction, opcode', 'echobahn_messages_total') },
  }),
  graph({
    title: 'Application octets',
    description: 'Octets of messages after inflating and before deflating, by opcode; received ones below zero.',
    unit: 'Bps',
    mirrored: true,
    span: 12,
    manySeries: true,
    queries: { '{{direction}} {{opcode}}': rate('direction, opcode', 'echobahn_message_bytes_total') },
  }),
  graph({
    title: 'On the wire and in messages',
    description:
      'Every octet of the sockets, handshakes and frame headers included, against the octets of messages; received ones below zero.',
    unit: 'Bps',
    mirrored: true,
    span: 12,
    manySeries: true,
    queries: {
      '{{direction}}, wire': rate('direction', 'echobahn_wire_bytes_total'),
      '{{direction}}, of it the sessions of HTTP/2': rate('direction', 'echobahn_http2_overhead_bytes_total'),
      '{{direction}}, messages': rate('direction', 'echobahn_message_bytes_total'),
    },
  }),
  graph({
    title: 'Compression ratio',
    description:
      'Octets of compressed messages for each octet of theirs on the wire, by what goes into and comes out of the codec.',
    unit: 'none',
    span: 12,
    manySeries: true,
    queries: { received: codecRatio('inflate', 'out', 'in'), sent: codecRatio('deflate', 'in', 'out') },
  }),
]

const latency = [
  heatmap({
    title: 'Echo latency',
    description:
      'Messages per second by the time from reading their last octet until their echo is handed to the socket.',
    unit: 's',
    span: 12,
    expression: buckets('echobahn_echo_duration_seconds'),
  }),
  graph({
    title: 'Echo latency, quantiles',
    description: 'For messages that went through the codec and for those that did not.',
    unit: 's',
    span: 12,
    manySeries: true,
    queries: Object.fromEntries(
      [0.5, 0.9, 0.99].map(q => [
        `${q * 100} %, compressed {{compressed}}`,
        quantile(q, 'echobahn_echo_duration_seconds', 'compressed'),
      ]),
    ),
  }),
]

const endings = [
  graph({
    title: 'Closes by initiator and code',
    description: 'WebSocket connections that ended, by who began the closing. Codes that do not occur are left out.',
    unit: 'cps',
    span: 12,
    manySeries: true,
    queries: { '{{initiator}} {{code}}': occurring(rate('initiator, code', 'echobahn_closes_total')) },
  }),
  graph({
    title: 'Protocol errors by code',
    description: 'Connections that the service failed, by its error code. Codes that do not occur are left out.',
    unit: 'eps',
    span: 12,
    manySeries: true,
    queries: { '{{code}}': occurring(rate('code', 'echobahn_protocol_errors_total')) },
  }),
]

const more = [
  graph({
    title: 'Life of a connection',
    description: 'From the accepted handshake to the end, of the connections that ended: so many lived no longer.',
    unit: 's',
    span: 12,
    manySeries: true,
    queries: Object.fromEntries(
      [0.5, 0.9, 0.99].map(q => [`${q * 100} %`, quantile(q, 'echobahn_connection_duration_seconds')]),
    ),
  }),
  graph({
    title: 'Test controls used',
    description:
      'How often the service misbehaved because a URL, or the default, asked for it. Controls that are not used are left out.',
    unit: 'ops',
    span: 12,
    manySeries: true,
    queries: { '{{control}}': occurring(rate('control', 'echobahn_controls_total')) },
  }),
]

function codecRatio(operation: string, over: string, under: string): string {
  const octets = (side: string): string =>
    totalRate('echobahn_codec_bytes_total', `operation="${operation}"`, `side="${side}"`)
  return `${octets(over)} / ${octets(under)}`
}

export const echoService = dashboard({
  uid: 'echobahn-service',
  title: 'Echo service',
  description: 'Connections, traffic, latency and endings of the WebSocket echo service.',
  rows: {
    Overview: overview,
    'Client or server?': blame,
    Connections: connections,
    Traffic: traffic,
    Latency: latency,
    'Lives and test controls': more,
    Endings: endings,
  },
})
