// Compressed messages of several sizes at once. Each size has a fixed number of messages, not a time: whichever way the
// server prefers some sizes to others, it has done the same work in the end.

import type { Subject } from './experiment.js'
import type { Sample } from './figures.js'
import type { LoadRequest, LoadResult, LoadShape } from './load.js'
import { cpuSeconds, processTree } from './process-tree.js'

/** Messages per connection and second asked for; chosen so that each size is a fair part of the work. */
const MIX: readonly { readonly load: LoadShape; readonly rate: number }[] = [
  { load: { connections: 40, octets: 256, depth: 1, opcode: 'text', deflate: true }, rate: 300 },
  { load: { connections: 10, octets: 4096, depth: 2, opcode: 'text', deflate: true }, rate: 300 },
  { load: { connections: 4, octets: 65_536, depth: 2, opcode: 'text', deflate: true }, rate: 100 },
]
const WARMUP_SECONDS = 0.5
/** Seconds allowed for each second of work. */
const PATIENCE = 10

/** CPU time holds the opening handshakes of the few connections, too: the same for every variant. */
export async function measureMix(subject: Subject, seconds: number): Promise<Sample> {
  await runMix(subject, WARMUP_SECONDS)
  const tree = processTree(subject.pid)
  const before = cpuSeconds(tree)
  const results = await runMix(subject, seconds)
  const cpu = cpuSeconds(tree) - before
  const messages = results.reduce((sum, result) => sum + result.messages, 0)
  return {
    ...(cpu === 0 ? {} : { cpuPerMessage: (cpu * 1e6) / messages }),
    messagesPerSecond: messages / Math.max(...results.map(result => result.seconds)),
  }
}

async function runMix(subject: Subject, seconds: number): Promise<LoadResult[]> {
  const outcomes = await Promise.allSettled(MIX.map(({ load, rate }) => subject.load(counted(load, rate * seconds))))
  return outcomes.map(outcome => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })

  function counted(load: LoadShape, count: number): LoadRequest {
    return { ...load, span: { count: Math.ceil(count), bound: seconds * PATIENCE } }
  }
}
