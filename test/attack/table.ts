// The table of attacks: one line for each as it is measured.

import { type Attack, type Bounds, GIVEN_BACK, type Measured, missed } from './attack.js'

const COLUMNS = [
  ['attack', 28],
  ['p50 ×', 8],
  ['p99 ×', 8],
  ['after ×', 8],
  ['MiB', 8],
  ['back s', 8],
  ['at most', 44],
  ['', 4],
] as const

export function header(): string {
  return `${line(COLUMNS.map(([name]) => name))}\n${'-'.repeat(COLUMNS.reduce((sum, [, width]) => sum + width, 0))}`
}

export function row({ name, does, bounds }: Attack, measured: Measured): string {
  const { p50, p99, p99After, memory, givenBack } = measured
  const failed = missed(measured, bounds)
  const cells = [name, times(p50), times(p99), times(p99After), memory.toFixed(0), givenBack?.toFixed(1) ?? 'never']
  return `${line([...cells, boundsText(bounds), failed.length === 0 ? 'pass' : `FAIL: ${failed.join(', ')}`])}\n  ${does}`
}

/** A line for an attack that is not measured. */
export function note({ name, does }: Pick<Attack, 'name' | 'does'>, why: string): string {
  return `${name.padEnd(COLUMNS[0][1])}${why}\n  ${does}`
}

export const LEGEND =
  'p50, p99: of 50 honest clients with 20 messages a second each, as multiples of what they are alone; after: p99 when the\n' +
  'attackers have just gone; MiB: resident memory of all processes above where it was before; back: seconds after the\n' +
  `attackers' end until that is at most ${GIVEN_BACK} MiB.`

function boundsText({ p50, p99, p99After, memory, givenBack }: Bounds): string {
  const parts = [
    p50 !== undefined && `p50 ${p50}`,
    p99 !== undefined && `p99 ${p99}`,
    p99After !== undefined && `after ${p99After}`,
    memory !== undefined && `${memory} MiB`,
    givenBack !== undefined && `${givenBack} s`,
  ]
  return parts.filter(part => part !== false).join(', ')
}

function times(multiple: number): string {
  return multiple.toFixed(multiple < 10 ? 1 : 0)
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i === 0 || i > 5 ? cell.padEnd(COLUMNS[i][1]) : cell.padStart(COLUMNS[i][1] - 2).concat('  ')))
    .join('')
    .trimEnd()
}
