// Finds the frame headers in a stream of octets, for the wire log: without judging them, and apart from the decoder.

export interface FrameHeader {
  readonly fin: boolean
  readonly rsv: number
  readonly opcode: number
  readonly length: number
  /** Hex of the masking key; null when the frame is not masked. */
  readonly mask: string | null
}

const LONGEST_HEADER = 14

export class FrameScanner {
  #header: number[] = []
  /** Payload octets that are still to be passed over. */
  #payload = 0

  /** Takes the next `length` octets; `found` gets every header that they complete. */
  scan(octets: Uint8Array, length: number, found: (header: FrameHeader) => void): void {
    let at = 0
    while (at < length) {
      const passed = Math.min(this.#payload, length - at)
      this.#payload -= passed
      at += passed
      while (at < length && this.#payload === 0) {
        this.#header.push(octets[at++])
        if (this.#header.length < headerSize(this.#header)) continue
        const header = describe(this.#header)
        this.#header = []
        this.#payload = header.length
        found(header)
      }
    }
  }
}

/** Octets of the header that begins so; as long as that cannot be known, more than there are. */
function headerSize(header: readonly number[]): number {
  if (header.length < 2) return LONGEST_HEADER
  const length = header[1] & 0x7f
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (header[1] >= 0x80 ? 4 : 0)
}

function describe(header: readonly number[]): FrameHeader {
  const [first, second] = header
  const masked = second >= 0x80
  const length7 = second & 0x7f
  const extended = header.slice(2, masked ? -4 : undefined)
  return {
    fin: first >= 0x80,
    rsv: (first >> 4) & 7,
    opcode: first & 15,
    length: length7 < 126 ? length7 : extended.reduce((sum, octet) => sum * 256 + octet, 0),
    mask: masked ? Buffer.from(header.slice(-4)).toString('hex') : null,
  }
}
