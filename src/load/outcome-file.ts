// The results as JSON: for `load merge` to read back without loss, and for people's own programs.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ExitError } from '../errors.js'
import { decode, eachLatency, encode, type Histogram, mean, percentile } from './latencies.js'
import type { Outcome } from './outcome.js'
import { trafficReport } from './traffic.js'

const FORMAT = 'echobahn-load-1'

/** Percentiles that every summary has. */
export const PERCENTILES = [50, 90, 95, 99, 99.9, 99.99] as const

/** Milliseconds. */
export interface Summary {
  readonly count: number
  readonly mean: number
  readonly max: number
  readonly percentiles: Readonly<Record<string, number>>
}

export function summarise(histogram: Histogram): Summary {
  return {
    count: histogram.totalCount,
    mean: mean(histogram),
    max: percentile(histogram, 100),
    percentiles: Object.fromEntries(PERCENTILES.map(at => [`p${at}`, percentile(histogram, at)])),
  }
}

/** Histograms stand as `encode` writes them; `traffic` and `summary` say in words what `numbers` and they hold. */
export function renderOutcome(outcome: Outcome): string {
  const { latencies, traffic, timeline, ...rest } = outcome
  const file = {
    format: FORMAT,
    ...rest,
    traffic: trafficReport(traffic),
    summary: eachLatency(name => summarise(latencies[name])),
    numbers: [...traffic],
    latencies: eachLatency(name => encode(latencies[name])),
    timeline: timeline.map(({ echo, ...second }) => ({ ...second, summary: summarise(echo), echo: encode(echo) })),
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

const numbers = z.record(z.string(), z.number())
const secondSchema = z.object({
  ...{ at: z.number(), due: z.number(), sent: z.number(), echoed: z.number(), faults: z.number(), open: z.number() },
  echo: z.string(),
})
const fileSchema = z.object({
  format: z.literal(FORMAT),
  descriptions: z.array(z.string()),
  loop: z.enum(['open', 'closed', 'both']),
  startedAt: z.number(),
  seconds: z.number(),
  asked: z.number(),
  counts: z.object({
    messages: z.object({ due: z.number(), sent: z.number(), echoed: z.number() }),
    pings: z.object({ sent: z.number(), answered: z.number() }),
    connections: z.object({ attempted: z.number(), opened: z.number(), ended: z.number() }),
    ...{ faults: numbers, ordered: numbers, handshakes: numbers, closes: numbers, violations: numbers },
  }),
  numbers: z.array(z.number()),
  latencies: z.record(z.string(), z.string()),
  timeline: z.array(secondSchema),
  slowest: z.array(z.object({ key: z.string(), due: z.number(), sent: z.number(), back: z.number() })),
  effort: z.object({ cpu: z.number(), threads: z.number(), busiest: z.number(), memory: z.number() }),
  notes: z.array(z.string()),
  comparison: z
    .object({
      ...{ compared: z.number(), missing: z.number(), totals: z.string() },
      ...{ mismatches: z.array(z.string()), blame: z.array(z.string()) },
    })
    .optional(),
})

/** @throws ExitError of code ECHOBAHN_BAD_OPTION when the file is not one that `--json` wrote */
export function readOutcome(file: string): Outcome {
  try {
    return parseOutcome(readFileSync(file, 'utf8'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code ?? (error instanceof z.ZodError ? 'not the results of a load' : message)
    throw new ExitError('ECHOBAHN_BAD_OPTION', `${file}: ${reason}; allowed are files that load --json wrote`)
  }
}

/** @throws Error when the text is not what `renderOutcome` wrote */
export function parseOutcome(text: string): Outcome {
  const { format, numbers, latencies, timeline, comparison, ...rest } = fileSchema.parse(JSON.parse(text))
  return {
    ...rest,
    counts: rest.counts as Outcome['counts'],
    traffic: Float64Array.from(numbers),
    latencies: eachLatency(name => decode(latencies[name])),
    timeline: timeline.map(({ echo, ...second }) => ({ ...second, echo: decode(echo) })),
    comparison,
  }
}
