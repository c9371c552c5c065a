// A figure of all variants beside that of a baseline.

import type { Baseline } from './baselines.js'
import { figureByRound, type VariantResult } from './experiment.js'
import { FIGURES, type FigureName } from './figures.js'
import { median, pairRatios, type Spread, spreadOf } from './statistics.js'

export interface Comparison {
  readonly figure: FigureName
  readonly baseline: Baseline
  /** The variant of the baseline that is best. */
  readonly reference: string
  /** Of each variant that has any. */
  readonly ratios: ReadonlyMap<string, Spread>
}

/** Undefined when no variant of the baseline has the figure. */
export function compare(
  variants: readonly VariantResult[],
  figure: FigureName,
  baseline: Baseline,
): Comparison | undefined {
  const reference = bestOf(
    variants.filter(({ name }) => baseline.bestOf.includes(name)),
    figure,
  )
  if (reference === undefined) return undefined
  const references = figureByRound(reference.outcomes, figure)
  const ratios = new Map<string, Spread>()
  for (const { name, outcomes } of variants) {
    const spread = spreadOf(pairRatios(figureByRound(outcomes, figure), references))
    if (spread !== undefined) ratios.set(name, spread)
  }
  return { figure, baseline, reference: reference.name, ratios }
}

/** By median: the best of each round would be better than either. */
function bestOf(candidates: readonly VariantResult[], figure: FigureName): VariantResult | undefined {
  const sign = FIGURES[figure].best === 'most' ? -1 : 1
  const measured = candidates.flatMap(variant => {
    const figures = figureByRound(variant.outcomes, figure).filter(value => value !== undefined)
    return figures.length === 0 ? [] : [{ variant, cost: sign * median(figures) }]
  })
  return measured.sort((a, b) => a.cost - b.cost)[0]?.variant
}
