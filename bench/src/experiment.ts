// An experiment: variants of one thing that are measured side by side, and what is measured on each.

import type { Baseline } from './baselines.js'
import type { FigureName, Sample } from './figures.js'
import type { LoadRequest, LoadResult } from './load.js'
import type { Attack, AttackRequest } from './run-attack.js'

export interface Variant {
  readonly name: string
  readonly command: readonly string[]
  /** Cores that the server is kept on. */
  readonly cores: number
}

/** A server that has just been started, and the loads that can be run against it, several at a time if need be. */
export interface Subject {
  readonly variant: Variant
  /** Root of the server's process tree. */
  readonly pid: number
  /** @param onceOpen called when all connections are open; messages are sent once it has resolved */
  load(request: LoadRequest, onceOpen?: () => Promise<void>): Promise<LoadResult>
  /** Resolves once the attack is under way. */
  attack(request: AttackRequest): Promise<Attack>
}

export interface Experiment {
  /** As `--only` names it; several experiments may share it. */
  readonly id: string
  readonly title: string
  readonly variants: readonly Variant[]
  /** What the leading figures are shown as ratios to. */
  readonly baselines: readonly Baseline[]
  /** Figures that decide: their spread is shown, and their ratios to the baselines'. */
  readonly leads: readonly FigureName[]
  /** All figures that are shown, in order, the leading ones among them. */
  readonly figures: readonly FigureName[]
  measure(subject: Subject): Promise<Sample>
}

/** What came of one variant in one round. */
export type Outcome = { readonly sample: Sample } | { readonly failure: string }

export interface ExperimentResult {
  readonly id: string
  readonly title: string
  readonly baselines: readonly Baseline[]
  readonly leads: readonly FigureName[]
  readonly figures: readonly FigureName[]
  /** False if client and server shared cores in any variant. */
  readonly apart: boolean
  readonly variants: readonly VariantResult[]
}

export interface VariantResult {
  readonly name: string
  /** Round by round. */
  readonly outcomes: readonly Outcome[]
}

/** A variant's figure, round by round; undefined where the round has none. */
export function figureByRound(outcomes: readonly Outcome[], figure: FigureName): (number | undefined)[] {
  return outcomes.map(outcome => ('sample' in outcome ? outcome.sample[figure] : undefined))
}
