// A prom-client histogram whose counts come from elsewhere.
// prom-client offers no way to set a histogram's buckets, only to observe one value at a time. Its registry asks a
// histogram for `getForPromString()`, and so does the public `get()`: answering that one method is the whole trick.

import { Histogram, type Registry } from 'prom-client'
import type { LabelSet, Series } from './layout.js'

/** A series and where it is counted. It lies as `HistogramSlot` describes. */
export interface CountedSeries extends Series {
  /** Indexed as layout says. */
  readonly values: Readonly<Float64Array>
}

interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  /** prom-client keeps labels that all samples of a series share apart, to render them once. Unused, but must be there. */
  readonly sharedLabels: LabelSet
  readonly value: number
}

export interface HistogramSource {
  readonly name: string
  readonly help: string
  /** Upper bounds, inclusive and ascending, without +Inf. */
  readonly buckets: readonly number[]
  /** All series, at each scrape. */
  read(): readonly CountedSeries[]
}

export class SummedHistogram extends Histogram {
  readonly #source: HistogramSource

  constructor(source: HistogramSource, registry: Registry) {
    super({ name: source.name, help: source.help, registers: [registry] })
    this.#source = source
  }

  async getForPromString() {
    const { name, help } = this.#source
    const samples = this.#source.read().flatMap(one => samplesOf(one, this.#source))
    return { name, help, type: 'histogram', aggregator: 'sum', values: samples }
  }
}

/** Prometheus wants buckets cumulative, and +Inf equal to the count. */
function samplesOf({ labels, offset, values }: CountedSeries, { name, buckets }: HistogramSource): Sample[] {
  const bounds = [...buckets, '+Inf']
  let count = 0
  const cumulative = bounds.map((le, i) => {
    count += values[offset + i]
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, sharedLabels: {}, value: count }
  })
  return [
    ...cumulative,
    { metricName: `${name}_sum`, labels, sharedLabels: {}, value: values[offset + bounds.length] },
    { metricName: `${name}_count`, labels, sharedLabels: {}, value: count },
  ]
}
