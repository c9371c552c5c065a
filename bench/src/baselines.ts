// What figures are compared with: one variant, or whichever of several is best in the same run.

export interface Baseline {
  readonly name: string
  /** Names of the variants that it is the best of. */
  readonly bestOf: readonly string[]
}

/** The server that everybody knows. Its figures vary by a third on a machine that others use. */
export const WS: Baseline = { name: 'ws', bestOf: ['ws'] }
/** The fastest servers that a package registry has: the ratio to these is the figure that counts. */
export const BETTER_PEER: Baseline = { name: 'the better of bun and uws', bestOf: ['bun', 'uws'] }

export function baselineOf(variant: string): Baseline {
  return { name: variant, bestOf: [variant] }
}
