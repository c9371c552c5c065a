// Bounds that the results must hold (`--max p99=20ms`), and the exit code that follows from all of it.

import type { Threshold } from '../load-settings.js'
import { mean, percentile } from './latencies.js'
import { faultShare, faultsOf, type Outcome } from './outcome.js'
import { amount, percent, time } from './words.js'

export interface Judgement {
  readonly threshold: Threshold
  /** In the unit of the threshold's `most`. */
  readonly actual: number
  readonly holds: boolean
}

/** Exit codes of the command; a bad option's is 2. */
export const ALL_WELL = 0
export const FAULTY = 1
export const BOUND_EXCEEDED = 99

export function judge(thresholds: readonly Threshold[], outcome: Outcome): Judgement[] {
  return thresholds.map(threshold => {
    const actual = actualOf(threshold, outcome)
    return { threshold, actual, holds: actual <= threshold.most }
  })
}

function actualOf({ kind, statistic }: Threshold, { counts, latencies }: Outcome): number {
  if (kind === 'errors') return statistic === 'share' ? faultShare(counts) : faultsOf(counts)
  // Nothing came back: no latency is short enough for that.
  if (latencies[kind].totalCount === 0) return Number.POSITIVE_INFINITY
  return typeof statistic === 'number' ? percentile(latencies[kind], statistic) : mean(latencies[kind])
}

/** A value in the unit of its threshold, as people read it. */
export function measure({ kind, statistic }: Threshold, value: number): string {
  if (kind !== 'errors') return time(value)
  return statistic === 'share' ? percent(value) : amount(value)
}

/** Whoever bounds the errors says how many are allowed; else none are. A mismatch with the service's counts never is. */
export function exitCode(outcome: Outcome, judgements: readonly Judgement[]): number {
  if (outcome.comparison !== undefined && outcome.comparison.mismatches.length > 0) return FAULTY
  const boundsErrors = judgements.some(({ threshold }) => threshold.kind === 'errors')
  if (!boundsErrors && faultsOf(outcome.counts) > 0) return FAULTY
  return judgements.every(({ holds }) => holds) ? ALL_WELL : BOUND_EXCEEDED
}
