// What a load has found, of all threads, or of all machines once merged: counts that add up and histograms that do too.

import { addSparse, eachLatency, type Histogram, type Latencies, makeHistogram } from './latencies.js'
import { FAULTS } from './orders.js'
import { type Counts, makeCounts, type SlowMessage, slowestOf } from './tally.js'
import type { ThreadResult } from './thread.js'
import { addTraffic, makeTraffic } from './traffic.js'

/** One second of the load. */
export interface Second {
  /** Seconds since the Unix epoch, whole. */
  readonly at: number
  readonly due: number
  readonly sent: number
  readonly echoed: number
  readonly faults: number
  /** Connections open at its end. */
  readonly open: number
  readonly echo: Histogram
}

/** The tool's own effort. */
export interface Effort {
  /** Seconds of CPU of all its processes while messages were sent. */
  readonly cpu: number
  readonly threads: number
  /** Share of the time in which the busiest thread had work, 0–1. */
  readonly busiest: number
  /** Octets of resident memory at the most, all processes. */
  readonly memory: number
}

export interface Outcome {
  /** One sentence for each load that was merged. */
  readonly descriptions: readonly string[]
  readonly loop: 'open' | 'closed' | 'both'
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  /** Seconds in which messages were sent. */
  readonly seconds: number
  /** Messages per second that were asked for on average; 0 for the closed loop. */
  readonly asked: number
  readonly counts: Counts
  readonly traffic: Float64Array
  readonly latencies: Latencies<Histogram>
  readonly timeline: readonly Second[]
  readonly slowest: readonly SlowMessage[]
  readonly effort: Effort
  /** What is to be known about the results, a sentence each. */
  readonly notes: readonly string[]
  /** Comparison with the service's own counts; undefined when it was not asked for. */
  readonly comparison: Comparison | undefined
}

export interface Comparison {
  /** Connections whose reports were compared, and those that the service no longer has. */
  readonly compared: number
  readonly missing: number
  /** Whether the totals were compared too, and if not, why. */
  readonly totals: string
  /** What did not agree, a line each. */
  readonly mismatches: readonly string[]
  /** Where the time went, a line each. */
  readonly blame: readonly string[]
}

export function faultsOf({ faults }: Pick<Counts, 'faults'>): number {
  return FAULTS.reduce((sum, fault) => sum + faults[fault], 0)
}

/** Share of the messages that were due; a load without messages is judged by its connections. */
export function faultShare(counts: Counts): number {
  const whole = counts.messages.due + counts.connections.attempted
  return whole === 0 ? 0 : faultsOf(counts) / whole
}

/** Adds up numbers under the same names, at any depth, into `to`. */
export function addCounts(to: object, from: object): void {
  const sums = to as Record<string, unknown>
  for (const [name, value] of Object.entries(from)) {
    if (typeof value === 'number') sums[name] = Number(sums[name] ?? 0) + value
    else {
      sums[name] ??= {}
      addCounts(sums[name] as object, value)
    }
  }
}

/** The threads' results in one. */
export function sumThreads(
  results: readonly ThreadResult[],
): Pick<Outcome, 'counts' | 'traffic' | 'latencies' | 'slowest'> {
  const counts = makeCounts()
  const traffic = makeTraffic()
  for (const result of results) {
    addCounts(counts, result.counts)
    addTraffic(traffic, result.traffic)
  }
  const latencies = eachLatency(name => {
    const histogram = makeHistogram()
    for (const result of results) addSparse(histogram, result.latencies[name])
    return histogram
  })
  return { counts, traffic, latencies, slowest: slowestOf(results.flatMap(({ slowest }) => slowest)) }
}

/** Several loads in one, exactly: as if one tool had made them all. */
export function mergeOutcomes(outcomes: readonly Outcome[]): Outcome {
  const counts = makeCounts()
  const traffic = makeTraffic()
  for (const outcome of outcomes) {
    addCounts(counts, outcome.counts)
    addTraffic(traffic, outcome.traffic)
  }
  const startedAt = Math.min(...outcomes.map(outcome => outcome.startedAt))
  const loops = new Set(outcomes.map(({ loop }) => loop))
  const [loop] = loops
  return {
    ...{ counts, traffic, startedAt },
    descriptions: outcomes.flatMap(({ descriptions }) => descriptions),
    loop: loops.size === 1 ? loop : 'both',
    seconds: Math.max(...outcomes.map(({ startedAt: start, seconds }) => (start - startedAt) / 1000 + seconds)),
    asked: outcomes.reduce((sum, { asked }) => sum + asked, 0),
    latencies: eachLatency(name => sumHistograms(outcomes.map(({ latencies }) => latencies[name]))),
    timeline: mergeSeconds(outcomes.flatMap(({ timeline }) => timeline)),
    slowest: slowestOf(outcomes.flatMap(({ slowest }) => slowest)),
    effort: sumEfforts(outcomes.map(({ effort }) => effort)),
    notes: outcomes.flatMap(({ notes }) => notes),
    comparison: mergeComparisons(outcomes.flatMap(({ comparison }) => comparison ?? [])),
  }
}

function sumHistograms(histograms: readonly Histogram[]): Histogram {
  const sum = makeHistogram()
  for (const histogram of histograms) sum.add(histogram)
  return sum
}

function mergeSeconds(seconds: readonly Second[]): Second[] {
  const merged = new Map<number, Second>()
  for (const second of seconds) {
    const { at } = second
    const before = merged.get(at)
    merged.set(at, before === undefined ? second : addSeconds(before, second))
  }
  return [...merged.values()].sort((a, b) => a.at - b.at)
}

function addSeconds(a: Second, b: Second): Second {
  return {
    at: a.at,
    due: a.due + b.due,
    sent: a.sent + b.sent,
    echoed: a.echoed + b.echoed,
    faults: a.faults + b.faults,
    open: a.open + b.open,
    echo: sumHistograms([a.echo, b.echo]),
  }
}

function sumEfforts(efforts: readonly Effort[]): Effort {
  return {
    cpu: efforts.reduce((sum, { cpu }) => sum + cpu, 0),
    threads: efforts.reduce((sum, { threads }) => sum + threads, 0),
    busiest: Math.max(...efforts.map(({ busiest }) => busiest)),
    memory: efforts.reduce((sum, { memory }) => sum + memory, 0),
  }
}

function mergeComparisons(comparisons: readonly Comparison[]): Comparison | undefined {
  if (comparisons.length === 0) return undefined
  return {
    compared: comparisons.reduce((sum, { compared }) => sum + compared, 0),
    missing: comparisons.reduce((sum, { missing }) => sum + missing, 0),
    totals: [...new Set(comparisons.map(({ totals }) => totals))].join('; '),
    mismatches: comparisons.flatMap(({ mismatches }) => mismatches),
    blame: comparisons.flatMap(({ blame }) => blame),
  }
}
