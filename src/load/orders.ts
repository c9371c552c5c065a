// What a URL orders of the service (test controls, `?eb-drop=5%`): whatever comes of it is counted apart and is no error.

import { parseDuration } from '../units.js'

/** What can go wrong with a load, by kind. */
export const FAULTS = [
  'lost',
  'corrupted',
  'duplicated',
  'outOfOrder',
  'unasked',
  'handshakes',
  'closes',
  'resets',
  'timeOuts',
  'violations',
  'lostPings',
] as const

export type Fault = (typeof FAULTS)[number]

export interface Orders {
  readonly excused: ReadonlySet<Fault>
  /** Milliseconds by which echoes may be late. */
  readonly delay: number
}

const PREFIX = 'eb-'

/** Messages for which there is no connection are lost. */
const NOT_OPENED: readonly Fault[] = ['handshakes', 'timeOuts', 'lost']
const ENDING: readonly Fault[] = ['closes', 'resets', 'lost', 'lostPings', 'timeOuts']

/** What each control makes of a connection. Those that are not here change nothing that is verified. */
const CONSEQUENCES: Readonly<Record<string, readonly Fault[]>> = {
  status: NOT_OPENED,
  handshake: [...NOT_OPENED, 'resets', 'violations'],
  'handshake-delay': NOT_OPENED,
  trickle: NOT_OPENED,
  subprotocol: NOT_OPENED,
  rate: ['lost', 'lostPings', 'timeOuts'],
  'read-rate': ['lost', 'lostPings', 'timeOuts'],
  'chop-delay': ['lost', 'lostPings', 'timeOuts'],
  stall: ['lost', 'lostPings', 'timeOuts'],
  drop: ['lost', 'timeOuts'],
  duplicate: ['duplicated'],
  corrupt: ['corrupted'],
  swap: ['outOfOrder'],
  push: ['unasked'],
  describe: ['unasked'],
  pong: ['lostPings'],
  close: ENDING,
  end: ENDING,
  'close-reply': ['timeOuts'],
  'close-wait': ['timeOuts'],
  send: [...ENDING, 'violations', 'corrupted', 'unasked'],
}

/** Replies that are no echoes cannot be compared; `none` is no reply at all. */
const REPLIES: Readonly<Record<string, readonly Fault[]>> = {
  echo: [],
  none: ['lost', 'timeOuts'],
}

const DELAYS = ['delay', 'jitter', 'pong', 'close-reply', 'close-wait', 'handshake-delay']

export function readOrders(url: URL): Orders {
  const excused = new Set<Fault>()
  let delay = 0
  for (const [name, value] of url.searchParams) {
    if (!name.startsWith(PREFIX)) continue
    const control = name.slice(PREFIX.length)
    const faults = control === 'reply' ? (REPLIES[value] ?? ['corrupted']) : (CONSEQUENCES[control] ?? [])
    for (const fault of faults) excused.add(fault)
    if (DELAYS.includes(control)) delay += parseDuration(value) ?? 0
  }
  return { excused, delay }
}
