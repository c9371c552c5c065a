// Removes the mask of client frames (RFC 6455 section 5.3) while moving the payload to where it is needed.

import { createRequire } from 'node:module'

/** XORs `length` octets of `source` from its beginning with `key` into `output` at `offset`. */
type Mask = (source: Uint8Array, key: Uint8Array, output: Uint8Array, offset: number, length: number) => void

/** Up to this many octets the loop below is faster than a view and a call into native code. */
const SHORT = 192

const nativeMask = loadNativeMask()

/** bufferutil is an optional dependency: where it is not installed the loop does all the work. */
function loadNativeMask(): Mask | undefined {
  try {
    return (createRequire(import.meta.url)('bufferutil') as { mask: Mask }).mask
  } catch {
    return undefined
  }
}

const rotated = new Uint8Array(4)

/**
 * Unmasks `length` octets of `source` from `start` into `output` at `offset`.
 *
 * @param key masking key, its first octet in the most significant bits
 * @param phase octets of the frame's payload that came before `start`
 * @returns the bitwise OR of the octets written (below 0x80: all ASCII), or 255 where native code did not compute it
 */
export function unmask(
  source: Uint8Array,
  start: number,
  length: number,
  output: Uint8Array,
  offset: number,
  key: number,
  phase: number,
): number {
  if (length <= SHORT || nativeMask === undefined)
    return unmaskByLoop(source, start, length, output, offset, key, phase)
  for (let i = 0; i < 4; i++) rotated[i] = keyOctet(key, phase + i)
  nativeMask(source.subarray(start, start + length), rotated, output, offset, length)
  return 255
}

/** The octet of the key that masks the payload's octet at `position`. */
function keyOctet(key: number, position: number): number {
  return (key >>> (24 - 8 * (position & 3))) & 0xff
}

function unmaskByLoop(
  source: Uint8Array,
  start: number,
  length: number,
  output: Uint8Array,
  offset: number,
  key: number,
  phase: number,
): number {
  const k0 = keyOctet(key, phase)
  const k1 = keyOctet(key, phase + 1)
  const k2 = keyOctet(key, phase + 2)
  const k3 = keyOctet(key, phase + 3)
  const end = start + length
  const whole = start + (length & ~3)
  let s = start
  let d = offset
  let bits = 0
  while (s < whole) {
    const o0 = source[s] ^ k0
    const o1 = source[s + 1] ^ k1
    const o2 = source[s + 2] ^ k2
    const o3 = source[s + 3] ^ k3
    output[d] = o0
    output[d + 1] = o1
    output[d + 2] = o2
    output[d + 3] = o3
    bits |= o0 | o1 | o2 | o3
    s += 4
    d += 4
  }
  for (let i = 0; s < end; i++) {
    const o = source[s++] ^ keyOctet(key, phase + i)
    output[d++] = o
    bits |= o
  }
  return bits
}
