// An attack: what hostile clients do, what honest ones do meanwhile, and what that may cost.

import type { Service } from '../support/service.js'
import type { Stop } from './hostile-socket.js'

export interface Attack {
  readonly name: string
  /** One line. */
  readonly does: string
  /** Options of the service; two workers unless they say otherwise. */
  readonly options: readonly string[]
  /** Limit on the open files of each process of the service. */
  readonly openFiles?: number
  /** Whether honest clients are there without compression, with it, or of both kinds in equal parts. */
  readonly honest: readonly ('plain' | 'deflate')[]
  /** Makes what is there before anything is measured. */
  readonly prepare?: (service: Service) => Promise<Stop>
  /** Resolves once the attack is under way. */
  readonly begin: (service: Service) => Promise<Stop>
  readonly bounds: Bounds
}

/** At most; what is undefined is shown and not judged. */
export interface Bounds {
  /** Of honest clients' latencies, as multiples of what they are without the attack. */
  readonly p50?: number
  readonly p99?: number
  /** The same, of those who come when the attackers have just gone. */
  readonly p99After?: number
  /** MiB of all processes of the service above where it was, at any time. */
  readonly memory?: number
  /** Seconds after which memory is within `GIVEN_BACK` of where it was. */
  readonly givenBack?: number
}

/** MiB. */
export const GIVEN_BACK = 60

export interface Measured {
  readonly p50: number
  readonly p99: number
  readonly p99After: number
  readonly memory: number
  /** Undefined: not within the time that it was watched. */
  readonly givenBack: number | undefined
}

/** The bounds that were missed. */
export function missed(measured: Measured, bounds: Bounds): (keyof Bounds)[] {
  return (Object.keys(bounds) as (keyof Bounds)[]).filter(
    name => (measured[name] ?? Number.POSITIVE_INFINITY) > (bounds[name] as number),
  )
}
