// Shares the cases out among processes of the suite, which is single-threaded.

import { isCompression, numberInGroup, stepOf } from './cases.js'

/** Seconds that cases 1…18 of a group of 12 or 13 took, text of a JSON file deflated at the default level on one core. */
const COMPRESSION_SECONDS = [0.2, 0.2, 0.2, 0.3, 0.3, 0.4, 0.7, 1, 1.6, 3, 0.5, 0.7, 1, 1.6, 3, 3, 3, 3]

/** How much longer binary payloads take that hardly shrink. */
const SLOWNESS: Readonly<Record<string, number>> = { '12.2': 2.7, '12.3': 2.8, '12.5': 2.4 }

/** Seconds of the other families: 5, 6 and 9 wait or send much. */
const FAMILY_SECONDS: Readonly<Record<string, number>> = { 5: 2, 6: 4, 9: 6.5 }

/** A process of the suite and the seconds that its cases are expected to take. */
interface Share {
  readonly cases: string[]
  seconds: number
}

/**
 * Splits `cases` into at most `jobs` shares that take about the same time: the longest step goes first, always to the
 * share that has least to do. A step stays together, so that its end can be reported.
 */
export function partition(cases: readonly string[], jobs: number): string[][] {
  const shares: Share[] = Array.from({ length: jobs }, () => ({ cases: [], seconds: 0 }))
  for (const step of stepsOf(cases).sort((a, b) => b.seconds - a.seconds)) {
    const idlest = shares.reduce((least, share) => (share.seconds < least.seconds ? share : least))
    idlest.cases.push(...step.cases)
    idlest.seconds += step.seconds
  }
  return shares.map(share => share.cases).filter(share => share.length > 0)
}

function stepsOf(cases: readonly string[]): Share[] {
  const steps = new Map<string, Share>()
  for (const id of cases) {
    const name = stepOf(id)
    const step = steps.get(name) ?? { cases: [], seconds: isCompression(id) ? 0 : (FAMILY_SECONDS[name] ?? 0.1) }
    step.cases.push(id)
    if (isCompression(id)) step.seconds += COMPRESSION_SECONDS[numberInGroup(id) - 1] * (SLOWNESS[name] ?? 1)
    steps.set(name, step)
  }
  return [...steps.values()]
}
