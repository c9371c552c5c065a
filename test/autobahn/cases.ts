// The cases of the suite, and how to choose among them.

export const SUITE_VERSION = '25.10.1'

/**
 * Cases per group, numbered from 1: `4.2` has 4.2.1 to 4.2.5. Read off the index of a complete run of version 25.10.1;
 * the suite is asked for cases by name and the run fails when it has not run exactly those.
 */
const GROUP_SIZES: Readonly<Record<string, number>> = {
  ...{ '1.1': 8, '1.2': 8, '2': 11, '3': 7, '4.1': 5, '4.2': 5, '5': 20 },
  ...{
    '6.1': 3,
    '6.2': 4,
    '6.3': 2,
    '6.4': 4,
    '6.5': 5,
    '6.6': 11,
    '6.7': 4,
    '6.8': 2,
    '6.9': 4,
    '6.10': 3,
    '6.11': 5,
  },
  ...{ '6.12': 8, '6.13': 5, '6.14': 10, '6.15': 1, '6.16': 3, '6.17': 5, '6.18': 5, '6.19': 5, '6.20': 7, '6.21': 8 },
  ...{ '6.22': 34, '6.23': 7, '7.1': 6, '7.3': 6, '7.5': 1, '7.7': 13, '7.9': 9, '7.13': 2 },
  ...{ '9.1': 6, '9.2': 6, '9.3': 9, '9.4': 9, '9.5': 6, '9.6': 6, '9.7': 6, '9.8': 6, '10.1': 1 },
  ...{ '12.1': 18, '12.2': 18, '12.3': 18, '12.4': 18, '12.5': 18 },
  ...{ '13.1': 18, '13.2': 18, '13.3': 18, '13.4': 18, '13.5': 18, '13.6': 18, '13.7': 18 },
}

/** Titles of the families, by the first number of a case. */
export const FAMILIES: Readonly<Record<string, string>> = {
  1: 'framing',
  2: 'pings and pongs',
  3: 'reserved bits',
  4: 'opcodes',
  5: 'fragmentation',
  6: 'UTF-8',
  7: 'closing',
  9: 'limits and performance',
  10: 'automatic fragmentation',
  12: 'compression, different payloads',
  13: 'compression, different parameters',
}

/** In the suite's order. */
export const ALL_CASES: readonly string[] = Object.entries(GROUP_SIZES)
  .flatMap(([group, size]) => Array.from({ length: size }, (_, i) => `${group}.${i + 1}`))
  .sort(byNumber)

/** Cases 1–4 of a group of 12 or 13 send messages of 16, 64, 256 and 1,024 octets, case 11 sends 8,192 in fragments of 256. */
const QUICK_NUMBERS: ReadonlySet<number> = new Set([1, 2, 3, 4, 11])

/** Orders case names by their numbers, as the suite does. */
export function byNumber(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)]
  const differs = left.findIndex((number, i) => number !== right[i])
  return differs === -1 ? left.length - right.length : left[differs] - (right[differs] ?? 0)
}

export function familyOf(id: string): string {
  return id.split('.', 1)[0]
}

/** What runs together and is reported as one step: a family, or one of the 12 groups of 12 and 13. */
export function stepOf(id: string): string {
  return isCompression(id) ? id.split('.', 2).join('.') : familyOf(id)
}

export function isCompression(id: string): boolean {
  return familyOf(id) === '12' || familyOf(id) === '13'
}

/** The last number of a case; in 12 and 13 it stands for the size of the messages and of their fragments. */
export function numberInGroup(id: string): number {
  return numbersOf(id).at(-1) as number
}

/**
 * Cases that one of the comma-separated patterns names, where `*` stands for anything.
 *
 * @throws RangeError naming the first pattern that names no case.
 */
export function selectCases(patterns: string): string[] {
  const tests = patterns.split(',').map(pattern => matcher(pattern.trim()))
  return ALL_CASES.filter(id => tests.some(test => test(id)))
}

export function quickCases(): string[] {
  return ALL_CASES.filter(id => !isCompression(id) || QUICK_NUMBERS.has(numberInGroup(id)))
}

function matcher(pattern: string): (id: string) => boolean {
  const expression = new RegExp(`^${pattern.split('*').map(escapeForRegExp).join('.*')}$`)
  if (!ALL_CASES.some(id => expression.test(id))) throw new RangeError(`no case of the suite is called ${pattern}`)
  return id => expression.test(id)
}

function escapeForRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function numbersOf(id: string): number[] {
  return id.split('.').map(Number)
}
