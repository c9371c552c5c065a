// What the playground sends: payloads of a size, and whether what came back is the same.

export const CONTENTS = ['letters', 'zeros', 'random'] as const
export type Content = (typeof CONTENTS)[number]

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
/** Octets that `crypto.getRandomValues` makes at once. */
const RANDOM_CHUNK = 65_536

/** Octets of this content; as text, all of it is ASCII, `random` included. */
export function generate(content: Content, size: number, asText: boolean): Uint8Array<ArrayBuffer> {
  const octets = new Uint8Array(size)
  if (content === 'zeros') return asText ? octets.fill(0x30) : octets
  if (content === 'letters') for (let i = 0; i < size; i++) octets[i] = ALPHABET.charCodeAt(i % ALPHABET.length)
  else {
    for (let i = 0; i < size; i += RANDOM_CHUNK) crypto.getRandomValues(octets.subarray(i, i + RANDOM_CHUNK))
    // 64 characters that print: whatever is random stays hard to compress.
    if (asText) for (let i = 0; i < size; i++) octets[i] = 0x30 + (octets[i] & 63)
  }
  return octets
}

/** Where the two differ first: an index, or undefined where they are the same. One that goes on differs at the other's end. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i
  return a.length === b.length ? undefined : length
}

export interface Pending {
  readonly number: number
  readonly isText: boolean
  readonly octets: Uint8Array
  /** Milliseconds. */
  readonly sentAt: number
}

/** What a message that came is: the echo of one, something that one became, or none's. */
export type Match =
  | { readonly kind: 'same'; readonly of: Pending; readonly early: boolean }
  | { readonly kind: 'different'; readonly of: Pending; readonly at: number; readonly otherType: boolean }
  | { readonly kind: 'unasked' }

/** Messages sent and not echoed that are looked through for the one that came. */
const MOST_LOOKED_AT = 64

/** Messages that wait for their echo, in the order in which they were sent. */
export class Expected {
  readonly #pending: Pending[] = []

  get count(): number {
    return this.#pending.length
  }

  add(pending: Pending): void {
    this.#pending.push(pending)
  }

  /** An equal one anywhere near comes before a different one at the head: controls drop messages and change their order. */
  take(isText: boolean, octets: Uint8Array): Match {
    const place = this.#pending
      .slice(0, MOST_LOOKED_AT)
      .findIndex(one => one.isText === isText && firstDifference(one.octets, octets) === undefined)
    if (place >= 0) return { kind: 'same', of: this.#pending.splice(place, 1)[0], early: place > 0 }
    const of = this.#pending.shift()
    if (of === undefined) return { kind: 'unasked' }
    const at = firstDifference(of.octets, octets) ?? 0
    return { kind: 'different', of, at, otherType: of.isText !== isText }
  }

  clear(): void {
    this.#pending.length = 0
  }
}
