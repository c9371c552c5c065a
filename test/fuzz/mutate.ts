// Damage to octets: bits flipped, octets lost, put in or doubled, stretches cut off or moved.

import type { Random } from './random.js'

/** A damaged copy, or `octets` itself where nothing could be done. */
export function mutate(octets: Buffer, random: Random, times: number): Buffer {
  let damaged = octets
  for (let i = 0; i < times; i++) damaged = mutateOnce(damaged, random)
  return damaged
}

function mutateOnce(octets: Buffer, random: Random): Buffer {
  if (octets.length === 0) return octets
  const at = random.below(octets.length)
  const kind = random.below(8)
  if (kind < 3) return flipped(octets, at, 1 << random.below(8))
  if (kind === 3) return flipped(octets, at, 1 + random.below(255))
  if (kind === 4) return octets.subarray(0, at)
  if (kind === 5) return spliced(octets, at, at + 1 + random.below(4), octets, 0, 0)
  if (kind === 6) return spliced(octets, at, at, Buffer.from([random.below(256)]), 0, 1)
  const from = random.below(octets.length)
  return spliced(octets, at, at, octets, from, from + 1 + random.below(16))
}

function flipped(octets: Buffer, at: number, bits: number): Buffer {
  const copy = Buffer.from(octets)
  copy[at] ^= bits
  return copy
}

/** `octets` with what is between `start` and `end` replaced by a stretch of `other`. */
function spliced(octets: Buffer, start: number, end: number, other: Buffer, from: number, to: number): Buffer {
  return Buffer.concat([octets.subarray(0, start), other.subarray(from, to), octets.subarray(end)])
}
