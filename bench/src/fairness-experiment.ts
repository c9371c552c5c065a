// What a few clients with large messages do to the latency of many with small ones.

import type { Experiment, Subject } from './experiment.js'
import type { LoadResult } from './load.js'
import { type Plan, peerVariants } from './plan.js'
import { workload } from './workloads.js'

/** Seconds by which the large messages outlast the small ones: their programs do not open connections equally fast. */
const OVERLAP = 2

export function fairnessExperiment(plan: Plan): Experiment {
  return {
    id: 'fairness',
    title: 'p99 of W1 alone, then beside W4 on the same server',
    variants: peerVariants(plan),
    baselines: [],
    leads: ['p99Growth'],
    figures: ['p99Growth', 'p99Alone', 'p99Beside', 'messagesPerSecond', 'besideMegabytesPerSecond'],
    measure: async subject => {
      const alone = await subject.load({ ...workload('W1').load, span: plan.span })
      const { small, large } = await besideLargeMessages(subject, plan)
      return {
        p99Growth: small.latency.p99 / alone.latency.p99,
        p99Alone: alone.latency.p99,
        p99Beside: small.latency.p99,
        messagesPerSecond: small.messagesPerSecond,
        besideMegabytesPerSecond: large.megabytesPerSecond,
      }
    },
  }
}

/** @throws Error when the large messages ended before the small ones had been measured. */
async function besideLargeMessages(
  subject: Subject,
  { span }: Plan,
): Promise<{ small: LoadResult; large: LoadResult }> {
  const ended: string[] = []
  const run = async (id: string, seconds: number, warmup: number): Promise<LoadResult> => {
    const result = await subject.load({ ...workload(id).load, span: { seconds, warmup } })
    ended.push(id)
    return result
  }
  // Both have ended before the first failure is thrown: no load may go on into the next measurement.
  const [large, small] = await Promise.allSettled([
    run('W4', span.warmup + span.seconds + OVERLAP, 0),
    run('W1', span.seconds, span.warmup),
  ])
  if (large.status === 'rejected') throw large.reason
  if (small.status === 'rejected') throw small.reason
  if (ended[0] !== 'W1') throw new Error('W4 ended before W1 did')
  return { small: small.value, large: large.value }
}
