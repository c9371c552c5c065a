// How the next worker for a connection is chosen.

import type { Settings } from '../settings.js'

export interface Candidate {
  readonly eligible: boolean
  /** Connections that the worker holds or that are reserved for it. */
  readonly load: number
}

/** Index of the chosen candidate, or -1 when none is eligible. `last` is the index chosen before. */
export type Strategy = (candidates: readonly Candidate[], last: number) => number

function roundRobin(candidates: readonly Candidate[], last: number): number {
  const count = candidates.length
  for (let step = 1; step <= count; step++) {
    const index = (last + step) % count
    if (candidates[index].eligible) return index
  }
  return -1
}

/** Equal loads take turns, so that connections coming one by one do not all go to the first worker. */
function leastConnections(candidates: readonly Candidate[], last: number): number {
  const count = candidates.length
  let best = -1
  for (let step = 1; step <= count; step++) {
    const index = (last + step) % count
    const { eligible, load } = candidates[index]
    if (eligible && (best < 0 || load < candidates[best].load)) best = index
  }
  return best
}

export const STRATEGIES: Readonly<Record<Settings['distribution'], Strategy>> = {
  'least-connections': leastConnections,
  'round-robin': roundRobin,
}
