// Controls at random, the same ones for the same seed.

import { HANDSHAKE_FAULT_NAMES } from '../../src/controls/handshake-faults.js'
import { readControls } from '../../src/controls/parse.js'
import { CONTROL_ENTRIES } from '../../src/controls/schema.js'
import { VIOLATION_NAMES } from '../../src/controls/violations.js'

/** Extreme values of what has a range, but for times, which no test should wait for; of the others all. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  status: ['503'],
  'handshake-delay': ['0', '20ms'],
  handshake: HANDSHAKE_FAULT_NAMES,
  trickle: ['1ms'],
  delay: ['1ms', '2s'],
  jitter: ['2s'],
  rate: ['100B', '1GiB'],
  'read-rate': ['100B'],
  stall: ['0', '2'],
  fragment: ['1B'],
  chop: ['1B'],
  compress: ['always', 'never'],
  reply: ['none', 'count', 'describe', 'upper', 'sha256', 'size'],
  push: ['10ms', '100ms', '1s'],
  'push-size': ['1kB', '64kB', '1MiB'],
  pong: ['off', '2s'],
  end: ['fin', 'reset', 'vanish'],
  'close-reply': ['off', '2s'],
  'close-wait': ['2s'],
  send: [...VIOLATION_NAMES.filter(name => name !== 'bomb'), 'bomb=16MiB'],
  after: ['0', '1', '1..3', '1ms..50ms', '10B'],
}

/** @returns whole numbers from 0 to below `below`, the same ones for the same seed */
export function seededNumbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** @returns the query of one to five controls that may stand together */
export function randomControls(below: (below: number) => number): string {
  for (;;) {
    const query = Array.from({ length: 1 + below(5) }, () => {
      const [name, { example }] = CONTROL_ENTRIES[below(CONTROL_ENTRIES.length)]
      const values = VALUES[name] ?? [example]
      return `eb-${name}=${encodeURIComponent(values[below(values.length)])}`
    }).join('&')
    const read = readControls(query, { prefix: 'eb-', restricted: true, maxMessage: 2 ** 24 })
    if (read.problem === undefined) return query
  }
}
