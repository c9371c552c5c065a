// The value of the control `send`: the name of what is sent, and for a bomb its size.

import { formatSize, parseSize } from '../units.js'
import type { Kind } from './kinds.js'
import { VIOLATION_NAMES, type ViolationName } from './violations.js'

export interface Sending {
  readonly name: ViolationName
  /** Octets of a bomb. */
  readonly size: number
}

const DEFAULT_BOMB = 16 * 2 ** 20
const LARGEST_BOMB = 2 ** 30

export const sending: Kind<Sending> = {
  allowed: VIOLATION_NAMES.map(name => (name === 'bomb' ? 'bomb=SIZE' : name)).join(', '),
  read: text => {
    const [, given, size] = /^([a-z\d-]+)(?:=(.*))?$/.exec(text) ?? []
    const name = VIOLATION_NAMES.find(known => known === given)
    if (name === undefined || (size !== undefined && name !== 'bomb')) return undefined
    const octets = size === undefined ? DEFAULT_BOMB : parseSize(size)
    return octets === undefined || octets < 1 || octets > LARGEST_BOMB ? undefined : { name, size: octets }
  },
  write: ({ name, size }) => (name === 'bomb' ? `bomb=${formatSize(size)}` : name),
}
