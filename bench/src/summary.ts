// What the rounds of an experiment come to, for the JSON: medians with their spread, and the ratios to each baseline.

import { compare } from './comparison.js'
import { type ExperimentResult, figureByRound } from './experiment.js'
import type { FigureName } from './figures.js'
import { type Spread, spreadOf } from './statistics.js'

export interface VariantSummary {
  readonly variant: string
  readonly figures: Readonly<Partial<Record<FigureName, Spread>>>
  readonly ratios: readonly RatioSummary[]
}

export interface RatioSummary extends Spread {
  readonly figure: FigureName
  /** Name of the baseline, and which of its variants it is in this run. */
  readonly baseline: string
  readonly reference: string
}

export function summarize({ variants, figures, leads, baselines }: ExperimentResult): VariantSummary[] {
  const comparisons = leads.flatMap(lead => baselines.map(baseline => compare(variants, lead, baseline)))
  return variants.map(({ name, outcomes }) => ({
    variant: name,
    figures: Object.fromEntries(
      figures.flatMap(figure => {
        const spread = spreadOf(figureByRound(outcomes, figure).filter(value => value !== undefined))
        return spread === undefined ? [] : [[figure, spread]]
      }),
    ),
    ratios: comparisons.flatMap(comparison => {
      const spread = comparison?.ratios.get(name)
      if (comparison === undefined || spread === undefined) return []
      const { figure, baseline, reference } = comparison
      return [{ figure, baseline: baseline.name, reference, ...spread }]
    }),
  }))
}
