// W9: the load of W1 on streams of HTTP/2, beside a server that is node:http2 and little else.

import { baselineOf } from './baselines.js'
import type { Experiment } from './experiment.js'
import { echobahnCommand, http2PeerCommand } from './peers.js'
import type { Plan } from './plan.js'
import { echoSample } from './samples.js'
import { workload } from './workloads.js'

const SESSIONS = 4
const PEER = 'node:http2'

export function http2Experiment({ workers, span }: Plan): Experiment {
  const request = { ...workload('W1').load, sessions: SESSIONS, span }
  return {
    id: 'W9',
    title: `100 streams in ${SESSIONS} sessions of HTTP/2, 64-octet text, ping-pong; load by the TypeScript client`,
    variants: [
      { name: 'echobahn', command: echobahnCommand(workers), cores: workers },
      { name: PEER, command: http2PeerCommand(), cores: workers },
    ],
    baselines: [baselineOf(PEER)],
    leads: ['cpuPerMessage'],
    figures: ['cpuPerMessage', 'messagesPerSecond', 'p50', 'p99', 'p999', 'max', 'resident', 'proportional'],
    measure: async subject => echoSample(request, await subject.load(request)),
  }
}
