// The numbers of the last minutes as they come over the live feed, and what is made of them: rates, and quantiles of what
// was observed in a stretch of time.

export interface Column {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly scale: number
}

/** See the service's `ToldHistory`. */
export interface ToldHistory {
  readonly rows: number
  readonly at: readonly number[]
  readonly values: readonly (readonly number[])[]
}

export interface Row {
  readonly at: number
  readonly values: readonly number[]
}

/** Rows: 15 minutes of seconds. */
const MOST_ROWS = 900

export class Series {
  readonly columns: readonly Column[]
  readonly at: number[]
  /** By column, in its metric's unit. */
  readonly #values: number[][]

  constructor(columns: readonly Column[], history: ToldHistory) {
    this.columns = columns
    this.at = undoDifferences(history.at, history.rows, 1)
    this.#values = columns.map(({ scale }, i) => undoDifferences(history.values[i], history.rows, scale))
  }

  get length(): number {
    return this.at.length
  }

  add({ at, values }: Row): void {
    this.at.push(at)
    for (const [i, { scale }] of this.columns.entries()) this.#values[i].push(values[i] * scale)
    if (this.at.length <= MOST_ROWS) return
    this.at.shift()
    for (const column of this.#values) column.shift()
  }

  /** Places of the columns of this name that have these labels. */
  find(name: string, labels: Readonly<Record<string, string>> = {}): number[] {
    const wanted = Object.entries(labels)
    return [...this.columns.keys()].filter(i => {
      const column = this.columns[i]
      return column.name === name && wanted.every(([label, value]) => column.labels[label] === value)
    })
  }

  /** Sum of the columns at one row; the last one without `row`. */
  sum(places: readonly number[], row = this.length - 1): number {
    return places.reduce((sum, place) => sum + (this.#values[place][row] ?? 0), 0)
  }

  sums(places: readonly number[]): number[] {
    return this.at.map((_, row) => this.sum(places, row))
  }

  /** Growth of the sum of the columns a second, at each row over the time since the row before; null at the first. */
  rates(places: readonly number[]): (number | null)[] {
    return this.at.map((_, row) => this.rate(places, row, 1))
  }

  /** The same over the last `rows` rows before `row`; null where there are none. */
  rate(places: readonly number[], row = this.length - 1, rows = 5): number | null {
    const from = Math.max(0, row - rows)
    const seconds = (this.at[row] - this.at[from]) / 1000
    return seconds > 0 ? Math.max(0, this.sum(places, row) - this.sum(places, from)) / seconds : null
  }

  /**
   * Quantile of what a histogram observed in the `rows` rows before `row`; null where it observed nothing. Within a bucket
   * it is taken to be spread evenly, and beyond the last bound it is that bound.
   *
   * @param places its buckets, not cumulative, from any number of series
   * @param quantile 0 to 1
   */
  quantile(places: readonly number[], quantile: number, row = this.length - 1, rows = 10): number | null {
    const from = Math.max(0, row - rows)
    const counts = new Map<number, number>()
    for (const place of places) {
      const { le } = this.columns[place].labels
      const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
      const values = this.#values[place]
      counts.set(bound, (counts.get(bound) ?? 0) + values[row] - values[from])
    }
    return quantileOf(counts, quantile)
  }
}

function quantileOf(counts: ReadonlyMap<number, number>, quantile: number): number | null {
  const buckets = [...counts].sort(([a], [b]) => a - b)
  const total = buckets.reduce((sum, [, count]) => sum + count, 0)
  if (total <= 0) return null
  const rank = quantile * total
  let below = 0
  let lower = 0
  for (const [bound, count] of buckets) {
    if (count > 0 && below + count >= rank)
      return bound === Number.POSITIVE_INFINITY ? lower : lower + ((bound - lower) * (rank - below)) / count
    below += count
    lower = bound
  }
  return lower
}

function undoDifferences(differences: readonly number[], rows: number, scale: number): number[] {
  let value = 0
  return Array.from({ length: rows }, (_, row) => {
    value += differences[row] ?? 0
    return value * scale
  })
}
