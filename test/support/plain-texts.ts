// Plain texts of every kind that a compressor treats differently, the same at each run.

/** `length` octets of noise, which no compressor makes smaller. */
export function noise(length: number, seed = 1): Buffer {
  const octets = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    octets[i] = state >>> 16
  }
  return octets
}

const WORDS = [
  'frame',
  'opcode',
  'payload',
  'masking key',
  'continuation',
  'closing handshake',
  'window',
  'größer',
  '握手',
]

/** Words in a random order: about `length` octets of UTF-8, never cut inside a character. */
export function prose(length: number, seed = 1): Buffer {
  const order = noise(Math.ceil(length / 5), seed)
  const words: string[] = []
  for (let i = 0, size = 0; size < length; i++) {
    const word = WORDS[order[i % order.length] % WORDS.length]
    words.push(word)
    size += Buffer.byteLength(word) + 1
  }
  return Buffer.from(words.join(' '))
}

/** `block` again and again, `length` octets in all. */
export function repeated(block: Buffer, length: number): Buffer {
  return Buffer.alloc(length, block)
}
