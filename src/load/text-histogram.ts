// A histogram drawn with characters: a row for each range of latencies, ranges that grow as latencies do.

import type { Histogram } from './latencies.js'
import { percentile } from './latencies.js'
import { amount, time } from './words.js'

const ROWS = 12
const WIDTH = 40

export interface Row {
  /** Milliseconds; the upper end is not part of it, but in the last row. */
  readonly from: number
  readonly to: number
  readonly count: number
}

/** Ranges from the least to the greatest latency, each as many times wider than the one before. */
export function rowsOf(histogram: Histogram, rows = ROWS): Row[] {
  const values = recorded(histogram)
  if (values.length === 0) return []
  const least = Math.max(1, values[0].value)
  const greatest = Math.max(least, values[values.length - 1].value)
  if (least === greatest) return [{ from: least / 1000, to: greatest / 1000, count: histogram.totalCount }]
  const step = (greatest / least) ** (1 / rows)
  const bounds = Array.from({ length: rows + 1 }, (_, i) => (i === rows ? greatest : least * step ** i))
  const counts = new Array<number>(rows).fill(0)
  for (const { value, count } of values) {
    const row = Math.floor(Math.log(Math.max(value, least) / least) / Math.log(step))
    counts[Math.min(rows - 1, row)] += count
  }
  return counts.map((count, i) => ({ from: bounds[i] / 1000, to: bounds[i + 1] / 1000, count }))
}

export function renderBars(histogram: Histogram): string[] {
  const rows = rowsOf(histogram)
  const most = Math.max(...rows.map(({ count }) => count))
  const width = Math.max(...rows.map(({ count }) => amount(count).length))
  return rows.map(({ from, to, count }) => {
    const bar = '█'.repeat(count === 0 ? 0 : Math.max(1, Math.round((count / most) * WIDTH)))
    return `  ${time(from).padStart(8)} – ${time(to).padEnd(8)} ${amount(count).padStart(width)} ${bar}`.trimEnd()
  })
}

/** Percentiles with what is up to them, for a curve: 0, 50, 75, 87.5 and so on to the greatest. */
export function curveOf(histogram: Histogram): { readonly percentile: number; readonly value: number }[] {
  const points = [{ percentile: 0, value: percentile(histogram, 0) }]
  for (let rest = 100; rest > 100 / Math.max(2, histogram.totalCount); rest /= 2 ** 0.25)
    points.push({ percentile: 100 - rest / 2 ** 0.25, value: percentile(histogram, 100 - rest / 2 ** 0.25) })
  return points
}

/** Every value that was recorded, in microseconds, ascending, with how often. */
function recorded(histogram: Histogram): { readonly value: number; readonly count: number }[] {
  const { recordedValuesIterator: iterator } = histogram as Histogram & { recordedValuesIterator: ValueIterator }
  const values = []
  iterator.reset()
  while (iterator.hasNext()) {
    const { valueIteratedTo: value, countAtValueIteratedTo: count } = iterator.next()
    values.push({ value, count })
  }
  return values
}

interface ValueIterator {
  reset(): void
  hasNext(): boolean
  next(): { readonly valueIteratedTo: number; readonly countAtValueIteratedTo: number }
}
