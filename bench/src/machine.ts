// The machine that the figures were made on, for the record.

import { cpus, loadavg, release } from 'node:os'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly system: string
  /** Runnable processes over the last minute, before the benchmark began: above 0 somebody else was at work. */
  readonly load: number
}

export function describeMachine(): Machine {
  const [load] = loadavg()
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    system: `${process.platform} ${release()}`,
    load,
  }
}
