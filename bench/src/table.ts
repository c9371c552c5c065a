// Markdown of the results: one table for each experiment, and one of the ratios of W1–W7 with their targets.

import { type ExperimentResult, figureByRound, type Outcome } from './experiment.js'
import { FIGURES, type FigureName } from './figures.js'
import { isWide, pairRatios, type Spread, spreadOf } from './statistics.js'
import { WORKLOADS } from './workloads.js'

const NOTHING = '–'

/** All results, as text that ends without a line end. */
export function renderResults(results: readonly ExperimentResult[]): string {
  return [...renderRatios(results), ...results.map(renderExperiment)].join('\n\n')
}

/** One table: its rows are the variants, its columns the figures, the leading ones with spread and ratio. */
export function renderExperiment(result: ExperimentResult): string {
  const { id, title, baseline, leads, figures, variants, apart } = result
  const reference = variants.find(({ name }) => name === baseline)?.outcomes
  const ratioHeadings =
    reference === undefined ? [] : leads.map(lead => `${FIGURES[lead].heading}: ratio to ${baseline}`)
  const rows = variants.map(({ name, outcomes }) => [
    name,
    ...figures.map(figure => figureCell(outcomes, figure, leads.includes(figure))),
    ...(reference === undefined ? [] : leads.map(lead => ratioCell(outcomes, reference, lead))),
  ])
  return [
    `### ${id}: ${title}`,
    '',
    ...(apart ? [] : ['Client and server share cores here.', '']),
    ...table(['', ...figures.map(figure => FIGURES[figure].heading), ...ratioHeadings], rows),
    ...failures(result),
  ].join('\n')
}

/** CPU per message of W1–W7 as ratios to the baseline: nothing unless there are any. */
function renderRatios(results: readonly ExperimentResult[]): string[] {
  const measured = WORKLOADS.flatMap(({ id, target }) => {
    const result = results.find(candidate => candidate.id === id)
    const reference = result?.variants.find(({ name }) => name === result.baseline)?.outcomes
    return result === undefined || reference === undefined ? [] : [{ id, target, result, reference }]
  })
  if (measured.length === 0) return []
  const { baseline, variants } = measured[0].result
  const rows = variants.map(({ name }) => [
    name,
    ...measured.map(({ result, reference }) => {
      const outcomes = result.variants.find(variant => variant.name === name)?.outcomes ?? []
      return ratioCell(outcomes, reference, 'cpuPerMessage')
    }),
  ])
  const targets = [
    ['echobahn, at most', ...measured.map(({ target }) => String(target.atMost))],
    ['echobahn, aim', ...measured.map(({ target }) => String(target.aim))],
  ]
  const header = ['', ...measured.map(({ id }) => id)]
  return [
    [`### CPU per message, ratio to ${baseline} in the same round`, '', ...table(header, [...rows, ...targets])].join(
      '\n',
    ),
  ]
}

function figureCell(outcomes: readonly Outcome[], figure: FigureName, leads: boolean): string {
  const spread = spreadOf(figureByRound(outcomes, figure).filter(value => value !== undefined))
  if (spread === undefined) return NOTHING
  const { digits } = FIGURES[figure]
  return leads ? renderSpread(spread, digits) : renderNumber(spread.median, digits)
}

function ratioCell(outcomes: readonly Outcome[], reference: readonly Outcome[], figure: FigureName): string {
  const spread = spreadOf(pairRatios(figureByRound(outcomes, figure), figureByRound(reference, figure)))
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
