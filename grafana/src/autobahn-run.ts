// Dashboard "Autobahn run": made for watching the Autobahn Testsuite at work, its case families marked as regions.

import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import {
  AnnotationQueryBuilder,
  type AnnotationTarget,
  AnnotationTargetBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard } from './dashboard.js'
import { graph, heatmap } from './panels.js'
import { buckets, occurring, rate, sum, totalRate, WORKER } from './promql.js'

/** Tag that the runner gives its annotations, and the further one of each kind. */
const TAG = 'autobahn'
const KINDS = { run: 'blue', family: 'purple' } as const

const DATA_OPCODES = 'opcode=~"continuation|text|binary"'

const frames = [
  graph({
    title: 'Frames received by opcode',
    description: 'Frames from the suite. Families 1 to 5 send few and unusual ones, 9, 12 and 13 many.',
    unit: 'cps',
    span: 12,
    manySeries: true,
    queries: { '{{opcode}}': rate('opcode', 'echobahn_frames_total', 'direction="received"') },
  }),
  graph({
    title: 'Frames sent by opcode',
    description: 'Echoes, pongs and Closes to the suite.',
    unit: 'cps',
    span: 12,
    manySeries: true,
    queries: { '{{opcode}}': rate('opcode', 'echobahn_frames_total', 'direction="sent"') },
  }),
]

const connections = [
  graph({
    title: 'Connections opened',
    description: 'Each case of the suite is a connection of its own.',
    unit: 'cps',
    span: 12,
    queries: { opened: totalRate('echobahn_connections_total') },
  }),
  graph({
    title: 'Connections by worker',
    description: 'Connections open now; the suite has as many at a time as processes.',
    unit: 'short',
    span: 12,
    stacked: true,
    queries: { '{{instance}} worker {{worker}}': sum('instance, worker', 'echobahn_connections', WORKER) },
  }),
  graph({
    title: 'Opening handshakes by result',
    description: 'The suite sends none that must be refused. Results that do not occur are left out.',
    unit: 'cps',
    span: 24,
    manySeries: true,
    queries: { '{{result}}': occurring(rate('result', 'echobahn_handshakes_total')) },
  }),
  graph({
    title: 'Closes by code',
    description: 'How cases end, by who began the closing. Codes that do not occur are left out.',
    unit: 'cps',
    span: 12,
    manySeries: true,
    queries: { '{{initiator}} {{code}}': occurring(rate('initiator, code', 'echobahn_closes_total')) },
  }),
  graph({
    title: 'Protocol errors by code',
    description: 'What the service found wrong: expected in families 2 to 7. Codes that do not occur are left out.',
    unit: 'eps',
    span: 12,
    manySeries: true,
    queries: { '{{code}}': occurring(rate('code', 'echobahn_protocol_errors_total')) },
  }),
]

const sizes = [
  graph({
    title: 'Mean message size',
    description: 'Application octets of a message by opcode; family 9 goes up to 16 MiB.',
    unit: 'bytes',
    span: 12,
    manySeries: true,
    queries: {
      '{{direction}} {{opcode}}': [
        rate('direction, opcode', 'echobahn_message_bytes_total'),
        rate('direction, opcode', 'echobahn_messages_total'),
      ].join(' / '),
    },
  }),
  graph({
    title: 'Frames of a message',
    description: 'Data frames for each message; 1 when nothing is fragmented.',
    unit: 'none',
    span: 12,
    queries: {
      '{{direction}}': `${rate('direction', 'echobahn_frames_total', DATA_OPCODES)} / ${rate('direction', 'echobahn_messages_total')}`,
    },
  }),
  heatmap({
    title: 'Read sizes',
    description: 'Reads by the octets that they returned: cases that chop a message into single octets stand out.',
    unit: 'bytes',
    span: 24,
    expression: buckets('echobahn_read_size_bytes'),
  }),
]

const compression = [
  graph({
    title: 'Compression ratio',
    description: 'Octets of messages for each octet of payload on the wire; above 1 in families 12 and 13.',
    unit: 'none',
    span: 12,
    queries: {
      '{{direction}}': [
        rate('direction', 'echobahn_message_bytes_total'),
        rate('direction', 'echobahn_frame_payload_bytes_total', DATA_OPCODES),
      ].join(' / '),
    },
  }),
  graph({
    title: 'Codec messages',
    description: 'Messages inflated and deflated, on the event loop (inline) or on a codec thread (pool).',
    unit: 'mps',
    span: 12,
    manySeries: true,
    queries: { '{{operation}} {{where}}': rate('operation, where', 'echobahn_codec_messages_total') },
  }),
]

/** Regions that the runner posted, by their tags. */
function annotations(kind: keyof typeof KINDS): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(`Autobahn ${kind}`)
    .datasource({ type: 'grafana', uid: '-- Grafana --' })
    .enable(true)
    .iconColor(KINDS[kind])
    .target(new TagQuery([TAG, kind]))
}

/** The SDK has the query by tags, but not as a query that an annotation takes. */
class TagQuery implements Builder<Dataquery> {
  readonly #tags: readonly string[]

  constructor(tags: readonly string[]) {
    this.#tags = tags
  }

  build(): AnnotationTarget & Dataquery {
    const target = new AnnotationTargetBuilder()
      .type('tags')
      .limit(500)
      .matchAny(false)
      .tags([...this.#tags])
      .build()
    return { ...target, _implementsDataqueryVariant() {} }
  }
}

export const autobahnRun = dashboard({
  uid: 'echobahn-autobahn',
  title: 'Autobahn run',
  description:
    'A run of the Autobahn Testsuite as the service sees it. Regions mark the run and its families of cases.',
  rows: { Frames: frames, Connections: connections, Sizes: sizes, Compression: compression },
})
  .annotation(annotations('run'))
  .annotation(annotations('family'))
