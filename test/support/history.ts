// Counts over time, as the side that counted them knows them, to compare with rates that a monitor makes of its samples.

/** Counts by series, named as in the exposition. */
type Counts = ReadonlyMap<string, number>

export class History {
  readonly #entries: { readonly time: number; readonly counts: Counts }[] = []

  /** @param time seconds; later than the one before */
  enter(time: number, counts: Counts): void {
    this.#entries.push({ time, counts: new Map(counts) })
  }

  /** Time of the last entry, in seconds. */
  get latest(): number {
    return this.#entries.at(-1)?.time ?? Number.NEGATIVE_INFINITY
  }

  /**
   * Per-second rate, between two times in seconds, of a metric's series that have all of `labels`.
   *
   * @throws RangeError for times outside of the history.
   */
  rate(metric: string, labels: Readonly<Record<string, string>>, from: number, to: number): number {
    return (this.#at(metric, labels, to) - this.#at(metric, labels, from)) / (to - from)
  }

  /** Interpolated between the entries around `time`. */
  #at(metric: string, labels: Readonly<Record<string, string>>, time: number): number {
    const next = this.#entries.findIndex(entry => entry.time >= time)
    if (next < 1) throw new RangeError(`nothing is known of ${time}`)
    const [before, after] = this.#entries.slice(next - 1, next + 1)
    const [a, b] = [before, after].map(({ counts }) => sumOf(counts, metric, labels))
    return a + ((b - a) * (time - before.time)) / (after.time - before.time)
  }
}

function sumOf(counts: Counts, metric: string, labels: Readonly<Record<string, string>>): number {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  let sum = 0
  for (const [series, count] of counts)
    if (series.split('{', 1)[0] === metric && pairs.every(pair => series.includes(pair))) sum += count
  return sum
}
