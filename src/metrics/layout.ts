// Where each summed series lives in a Float64Array: the same in every process that runs the same catalogue.

import { type CounterDescription, type HistogramDescription, SUMMED } from './catalogue.js'

type Summed = typeof SUMMED
export type SummedName = keyof Summed
type NameOfType<T extends string> = { [N in SummedName]: Summed[N]['type'] extends T ? N : never }[SummedName]
export type CounterName = NameOfType<'counter'>
export type HistogramName = NameOfType<'histogram'>

type ValueOf<T> = T extends readonly (infer V)[] ? V : never
export type LabelsOf<N extends SummedName> = {
  readonly [L in keyof Summed[N]['labels']]: ValueOf<Summed[N]['labels'][L]>
}
/** The labels argument may be left out for a metric that has none. */
type LabelArguments<N extends SummedName> =
  Record<never, never> extends LabelsOf<N> ? [labels?: LabelsOf<N>] : [labels: LabelsOf<N>]

/**
 * Where one histogram counts. From `offset` on: one count for each bucket (not cumulative), one for +Inf,
 * then the sum of the observed values.
 */
export interface HistogramSlot {
  readonly offset: number
  /** Upper bounds, inclusive and ascending, without +Inf. */
  readonly buckets: readonly number[]
}

export type LabelSet = Readonly<Record<string, string>>

/** Every combination of the labels' values; the last label varies fastest. One empty set when there are no labels. */
export function labelSets(labels: Readonly<Record<string, readonly string[]>>): LabelSet[] {
  return Object.entries(labels).reduce<LabelSet[]>(
    (sets, [label, values]) => sets.flatMap(set => values.map(value => ({ ...set, [label]: value }))),
    [{}],
  )
}

/** Numbers that one series takes. */
function widthOf(metric: CounterDescription | HistogramDescription): number {
  return metric.type === 'histogram' ? metric.buckets.length + 2 : 1
}

/** One label set of a summed metric, with the index of its first number. */
export interface Series {
  readonly labels: LabelSet
  readonly offset: number
}

const SERIES = new Map<string, readonly Series[]>()
let end = 0
for (const [name, metric] of Object.entries<CounterDescription | HistogramDescription>(SUMMED)) {
  const start = end
  const width = widthOf(metric)
  const series = labelSets(metric.labels).map((labels, i) => ({ labels, offset: start + i * width }))
  SERIES.set(name, series)
  end += series.length * width
}

/** Numbers that all summed series take together. */
export const SERIES_COUNT = end

/** All series of one metric in the order of `labelSets`. */
export function seriesOf(name: SummedName): readonly Series[] {
  return SERIES.get(name) as readonly Series[]
}

/**
 * Index of one counter's series. Values of the last label lie side by side in their catalogue order, so hot code
 * may look up the first one and add, say, an opcode's place in `OPCODE_NAMES`.
 *
 * @throws RangeError for a label value that the catalogue does not list.
 */
export function offsetOf<N extends CounterName>(name: N, ...[labels]: LabelArguments<N>): number {
  return find(name, { ...labels })
}

/**
 * Place of one histogram's series.
 *
 * @throws RangeError for a label value that the catalogue does not list.
 */
export function histogramAt<N extends HistogramName>(name: N, ...[labels]: LabelArguments<N>): HistogramSlot {
  return { offset: find(name, { ...labels }), buckets: SUMMED[name].buckets }
}

function find(name: SummedName, wanted: LabelSet): number {
  const found = seriesOf(name).find(({ labels }) => Object.keys(labels).every(label => labels[label] === wanted[label]))
  if (found === undefined) throw new RangeError(`${name} has no series ${JSON.stringify(wanted)}`)
  return found.offset
}
