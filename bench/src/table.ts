// Markdown of the results: one table for each experiment, and before them CPU per message of all workloads as ratios.

import { type Baseline, BETTER_PEER, WS } from './baselines.js'
import { type Comparison, compare } from './comparison.js'
import { type ExperimentResult, figureByRound, type Outcome } from './experiment.js'
import { FIGURES, type FigureName } from './figures.js'
import { isWide, type Spread, spreadOf } from './statistics.js'
import { WORKLOADS, type Workload } from './workloads.js'

const NOTHING = '–'

/** All results, as text that ends without a line end. */
export function renderResults(results: readonly ExperimentResult[]): string {
  const ratios = [BETTER_PEER, WS].flatMap(baseline => renderRatios(results, baseline))
  return [...ratios, ...results.map(renderExperiment)].join('\n\n')
}

/** One table: its rows are the variants, its columns the figures, the leading ones with spread and ratios. */
export function renderExperiment(result: ExperimentResult): string {
  const { id, title, baselines, leads, figures, variants, apart } = result
  const comparisons = leads
    .flatMap(lead => baselines.map(baseline => compare(variants, lead, baseline)))
    .filter(comparison => comparison !== undefined)
  const rows = variants.map(({ name, outcomes }) => [
    name,
    ...figures.map(figure => figureCell(outcomes, figure, leads.includes(figure))),
    ...comparisons.map(comparison => ratioCell(comparison, name)),
  ])
  return [
    `### ${id}: ${title}`,
    '',
    ...(apart ? [] : ['Client and server share cores here.', '']),
    ...table(['', ...figures.map(figure => FIGURES[figure].heading), ...comparisons.map(ratioHeading)], rows),
    ...failures(result),
  ].join('\n')
}

function ratioHeading({ figure, baseline, reference }: Comparison): string {
  const to = reference === baseline.name ? reference : `${reference}, ${baseline.name}`
  return `${FIGURES[figure].heading}: ratio to ${to}`
}

/** CPU per message of the workloads as ratios to the baseline: nothing unless there are any. */
function renderRatios(results: readonly ExperimentResult[], baseline: Baseline): string[] {
  const measured = WORKLOADS.flatMap(workload => {
    const variants = results.find(({ id }) => id === workload.id)?.variants ?? []
    const comparison = compare(variants, 'cpuPerMessage', baseline)
    return comparison === undefined ? [] : [{ workload, comparison, variants }]
  })
  if (measured.length === 0) return []
  const rows = measured[0].variants.map(({ name }) => [
    name,
    ...measured.map(({ comparison }) => ratioCell(comparison, name)),
  ])
  const references = ['ratios are to', ...measured.map(({ comparison }) => comparison.reference)]
  const workloads = measured.map(({ workload }) => workload)
  return [
    [
      `### CPU per message, ratio to ${baseline.name} in the same rounds`,
      '',
      ...table(
        ['', ...workloads.map(({ id }) => id)],
        [...rows, ...(baseline.bestOf.length > 1 ? [references] : []), ...boundRows(workloads, baseline)],
      ),
    ].join('\n'),
  ]
}

/** What echobahn's ratio to this baseline has to be, and ought to be: nothing where no workload has such a bound. */
function boundRows(workloads: readonly Workload[], baseline: Baseline): string[][] {
  const bounds = workloads.map(({ bound }) => (bound.to === baseline ? bound : undefined))
  const row = (name: string, values: readonly (number | undefined)[]) =>
    values.some(value => value !== undefined) ? [[name, ...values.map(value => value?.toFixed(2) ?? NOTHING)]] : []
  return [
    ...row(
      'echobahn, at most',
      bounds.map(bound => bound?.atMost),
    ),
    ...row(
      'echobahn, aim',
      bounds.map(bound => bound?.aim),
    ),
  ]
}

function figureCell(outcomes: readonly Outcome[], figure: FigureName, leads: boolean): string {
  const spread = spreadOf(figureByRound(outcomes, figure).filter(value => value !== undefined))
  if (spread === undefined) return NOTHING
  const { digits } = FIGURES[figure]
  return leads ? renderSpread(spread, digits) : renderNumber(spread.median, digits)
}

function ratioCell({ ratios }: Comparison, variant: string): string {
  const spread = ratios.get(variant)
  if (spread === undefined) return NOTHING
  return renderSpread(spread, spread.median < 0.1 ? 3 : 2)
}

/** Median and range; a range so wide that the median says little is called so. */
export function renderSpread(spread: Spread, digits: number): string {
  const { median, least, greatest } = spread
  if (least === greatest) return renderNumber(median, digits)
  const range = `${renderNumber(least, digits)}–${renderNumber(greatest, digits)}`
  return `${renderNumber(median, digits)} (${range}${isWide(spread) ? ', wide' : ''})`
}

function renderNumber(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function failures({ variants }: ExperimentResult): string[] {
  const lines = variants.flatMap(({ name, outcomes }) =>
    outcomes.flatMap((outcome, round) =>
      'failure' in outcome ? [`- ${name}, round ${round + 1}: FAILED: ${outcome.failure}`] : [],
    ),
  )
  return lines.length === 0 ? [] : ['', ...lines]
}

/** Lines of a Markdown table: the first column is to the left, numbers are to the right. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'))
  return [header, rule, ...rows].map(cells => `| ${cells.join(' | ')} |`)
}
