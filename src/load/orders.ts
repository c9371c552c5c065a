// What a URL orders of the service (test controls, `?eb-drop=5%`): whatever comes of it is counted apart and is no error.

import type { ControlName, DetailName } from '../control-names.js'
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

const LATE: readonly Fault[] = ['lost', 'lostPings', 'timeOuts']
const HARMLESS: readonly Fault[] = []

/** What each control makes of a connection; `reply` goes by its value. */
const CONSEQUENCES: Readonly<Record<Exclude<ControlName, 'reply'>, readonly Fault[]>> = {
  status: NOT_OPENED,
  'handshake-delay': NOT_OPENED,
  handshake: [...NOT_OPENED, 'resets', 'violations'],
  subprotocol: NOT_OPENED,
  cookie: HARMLESS,
  header: HARMLESS,
  compression: HARMLESS,
  trickle: NOT_OPENED,
  delay: HARMLESS,
  jitter: HARMLESS,
  rate: LATE,
  'read-rate': LATE,
  stall: LATE,
  fragment: HARMLESS,
  chop: HARMLESS,
  compress: HARMLESS,
  drop: ['lost', 'timeOuts'],
  duplicate: ['duplicated'],
  corrupt: ['corrupted'],
  swap: ['outOfOrder'],
  push: ['unasked'],
  describe: ['unasked'],
  ping: HARMLESS,
  pong: ['lostPings'],
  close: ENDING,
  end: ENDING,
  'close-reply': ['timeOuts'],
  'close-wait': ['timeOuts'],
  send: [...ENDING, 'violations', 'corrupted', 'unasked'],
}

/** The same of details. */
const OF_DETAILS: Readonly<Partial<Record<DetailName, readonly Fault[]>>> = { 'chop-delay': LATE }

/** Replies that are no echoes cannot be compared; `none` is no reply at all. */
const REPLIES: Readonly<Record<string, readonly Fault[]>> = {
  echo: HARMLESS,
  none: ['lost', 'timeOuts'],
}

const DELAYS: readonly string[] = [
  'delay',
  'jitter',
  'pong',
  'close-reply',
  'close-wait',
  'handshake-delay',
] satisfies ControlName[]

export function readOrders(url: URL): Orders {
  const excused = new Set<Fault>()
  let delay = 0
  for (const [name, value] of url.searchParams) {
    if (!name.startsWith(PREFIX)) continue
    const control = name.slice(PREFIX.length)
    const faults = consequencesOf(control, value)
    for (const fault of faults) excused.add(fault)
    if (DELAYS.includes(control)) delay += parseDuration(value) ?? 0
  }
  return { excused, delay }
}

function consequencesOf(control: string, value: string): readonly Fault[] {
  if (control === 'reply') return REPLIES[value] ?? ['corrupted']
  const known: Readonly<Record<string, readonly Fault[]>> = { ...CONSEQUENCES, ...OF_DETAILS }
  return known[control] ?? HARMLESS
}
