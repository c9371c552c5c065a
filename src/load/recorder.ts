// Records times on the path of a message, in the buckets of an HDR histogram of three digits: hdr-histogram-js takes
// 120 ns for a value, this a few. What it holds goes into real histograms elsewhere, without loss.

/** Microseconds: an hour. */
export const HIGHEST = 3_600_000_000

/** Values up to 2^11 have a bucket each; from there on each doubling has 2^10, so that none is wider than 1/1000. */
const EXACT_BITS = 11
const HALF = 2 ** (EXACT_BITS - 1)
const BUCKETS = 2 * HALF + (32 - EXACT_BITS) * HALF

/** Pairs of a value in microseconds and how often it was recorded, flattened, ascending. */
export type Sparse = number[]

export class Recorder {
  readonly #counts = new Float64Array(BUCKETS)
  /** As they were at the last `takeInterval`; made when it is first asked for. */
  #taken: Float64Array | undefined

  /** Less than nothing is recorded as 0, more than an hour as an hour. */
  record(milliseconds: number): void {
    const microseconds = milliseconds * 1000 + 0.5
    this.#counts[bucketOf(microseconds < 0 ? 0 : microseconds > HIGHEST ? HIGHEST : microseconds >>> 0)]++
  }

  /** Everything recorded so far. */
  sparse(): Sparse {
    return sparseOf(bucket => this.#counts[bucket])
  }

  /** What was recorded since the last call. */
  takeInterval(): Sparse {
    this.#taken ??= new Float64Array(BUCKETS)
    const taken = this.#taken
    const interval = sparseOf(bucket => this.#counts[bucket] - taken[bucket])
    taken.set(this.#counts)
    return interval
  }
}

function sparseOf(countAt: (bucket: number) => number): Sparse {
  const sparse: Sparse = []
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const count = countAt(bucket)
    if (count > 0) sparse.push(leastOf(bucket), count)
  }
  return sparse
}

/** @param value whole, below 2^32 */
function bucketOf(value: number): number {
  const shift = 32 - EXACT_BITS - Math.clz32(value)
  return shift <= 0 ? value : shift * HALF + (value >>> shift)
}

/** The least value of a bucket. */
function leastOf(bucket: number): number {
  if (bucket < 2 * HALF) return bucket
  const shift = Math.floor(bucket / HALF) - 1
  return (bucket - shift * HALF) * 2 ** shift
}
