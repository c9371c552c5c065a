// What repeated figures come to: medians, their spread, and ratios of the pairs that were measured one after the other.

/** Range as a share of the median above which a median alone would say too much. */
const WIDE = 0.2

export interface Spread {
  readonly median: number
  readonly least: number
  readonly greatest: number
}

/** Middle value, or the mean of the two middle ones; NaN of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Undefined of nothing. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined
  return { median: median(values), least: Math.min(...values), greatest: Math.max(...values) }
}

export function isWide({ median, least, greatest }: Spread): boolean {
  return greatest - least > WIDE * median
}

/**
 * Ratios of one variant's figures to another's, round by round: what both share, such as a machine that is slow for a
 * minute, cancels out. Rounds in which either has no figure are left out.
 */
export function pairRatios(
  figures: readonly (number | undefined)[],
  baselines: readonly (number | undefined)[],
): number[] {
  return figures.flatMap((figure, round) => {
    const baseline = baselines[round]
    return figure === undefined || baseline === undefined || baseline === 0 ? [] : [figure / baseline]
  })
}

/** The value below which `share` (0–1) of the ascending values lie, by nearest rank; 0 of nothing. */
export function percentile(ascending: ArrayLike<number>, share: number): number {
  if (ascending.length === 0) return 0
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)]
}
