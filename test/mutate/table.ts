// The outcome of a mutation run as a table.

export interface Score {
  readonly target: string
  readonly mutants: number
  readonly killed: number
  readonly survived: number
  readonly equivalent: number
}

/** Markdown, with the score in % of those mutants that are not equivalent. */
export function renderTable(scores: readonly Score[]): string {
  const rows = scores.map(({ target, mutants, killed, survived, equivalent }) => {
    const noticeable = mutants - equivalent
    const percent = noticeable === 0 ? '–' : `${((100 * killed) / noticeable).toFixed(1)} %`
    return `| ${target} | ${mutants} | ${killed} | ${survived} | ${equivalent} | ${percent} |`
  })
  return ['| folder | mutants | killed | survived | equivalent | score |', '|---|---|---|---|---|---|', ...rows].join(
    '\n',
  )
}
