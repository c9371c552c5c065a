// Random streams of client frames for fast-check: legal ones, damaged ones, and frames with anything in their headers.

import fc from 'fast-check'
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../src/protocol/opcodes.js'
import { cutAt, type DecodedEvent } from './decode.js'
import { MOST_FRAMES } from './decoder-oracle.js'
import { closePayload, type FrameFields, frameOctets } from './frame-octets.js'

export interface FrameStream {
  readonly frames: readonly Buffer[]
  /** What a receiver has to report. */
  readonly events: readonly DecodedEvent[]
}

/**
 * Octets of the largest payloads, each the whole of a text of `aé`. A stream has one at most, and no other long one.
 */
const LARGE = [65_535, 65_536, 70_000]

const mask = fc.uint8Array({ minLength: 4, maxLength: 4 })
const text = fc.string({ unit: 'binary', maxLength: 40 }).map(string => Buffer.from(string))
/** On both sides of what a 7-bit length can say. */
const longText = fc.integer({ min: 118, max: 130 }).map(length => Buffer.from(`é€${'x'.repeat(length)}`))
const octets = fc.uint8Array({ maxLength: 140 }).map(array => Buffer.from(array))

const control = fc.record({
  opcode: fc.constantFrom(PING, PONG),
  payload: fc.uint8Array({ maxLength: 125 }).map(array => Buffer.from(array)),
})

const body = fc.oneof(
  fc.record({ opcode: fc.constant(TEXT), payload: fc.oneof(text, longText) }),
  fc.record({ opcode: fc.constant(BINARY), payload: octets }),
)

const largeBody = fc.record({
  opcode: fc.constantFrom(TEXT, BINARY),
  payload: fc.constantFrom(...LARGE).map(length => Buffer.alloc(length, 'aé')),
})

const closing = fc.record({
  code: fc.oneof(
    fc.constantFrom(1000, 1001, 1002, 1003),
    fc.integer({ min: 1007, max: 1014 }),
    fc.integer({ min: 3000, max: 4999 }),
  ),
  reason: fc.string({ unit: 'binary', maxLength: 30 }),
})

/** How a message is sent: cut into frames at `cuts`, each of them but the last followed by one of `controls`, if any. */
const manner = fc.record({
  compressed: fc.boolean(),
  cuts: fc.array(fc.nat(70_000), { maxLength: MOST_FRAMES - 1 }),
  controls: fc.array(fc.option(control, { nil: undefined }), { maxLength: MOST_FRAMES - 1 }),
  mask,
})

type Body = { readonly opcode: number; readonly payload: Buffer }
type Manner = typeof manner extends fc.Arbitrary<infer T> ? T : never

function messageStream({ opcode, payload }: Body, manner: Manner, compression: boolean): FrameStream {
  const compressed = compression && manner.compressed
  const parts = cutAt(
    payload,
    manner.cuts.map(cut => cut % (payload.length + 1)),
  )
  const frames: Buffer[] = []
  const events: DecodedEvent[] = []
  for (const [i, part] of parts.entries()) {
    const first = i === 0
    const fin = i === parts.length - 1
    frames.push(
      frameOctets({
        fin,
        rsv: first && compressed ? 4 : 0,
        opcode: first ? opcode : CONTINUATION,
        payload: part,
        mask: manner.mask,
      }),
    )
    const between = fin ? undefined : manner.controls[i]
    if (between === undefined) continue
    frames.push(frameOctets({ ...between, mask: manner.mask }))
    events.push({ ...between, compressed: false })
  }
  events.push({ opcode, compressed, payload })
  return { frames, events }
}

/** Legal streams of a few messages, some of them ended by a Close. */
export function legalStreams(compression: boolean): fc.Arbitrary<FrameStream> {
  const message = (of: fc.Arbitrary<Body>) => fc.tuple(of, manner).map(([b, m]) => messageStream(b, m, compression))
  const close = closing.map(({ code, reason }): FrameStream => {
    const payload = closePayload(code, reason)
    return {
      frames: [frameOctets({ opcode: CLOSE, payload })],
      events: [{ opcode: CLOSE, compressed: false, payload }],
    }
  })
  return fc
    .tuple(
      fc.array(message(body), { maxLength: 4 }),
      fc.option(message(largeBody), { freq: 9, nil: undefined }),
      fc.array(message(body), { maxLength: 2 }),
      fc.option(close, { freq: 2, nil: undefined }),
    )
    .map(([before, large, behind, end]) => {
      const parts = [...before, ...(large ? [large] : []), ...behind, ...(end ? [end] : [])]
      const frames = parts.flatMap(part => part.frames)
      return abridged({ frames, events: parts.flatMap(part => part.events) }, Buffer.concat(frames))
    })
}

/** A place in a stream: anywhere, or an octet of the header of one of its frames. */
const place = fc.oneof(fc.record({ at: fc.nat(2 ** 20) }), fc.record({ frame: fc.nat(40), at: fc.nat(13) }))

const damage = fc.record({
  place,
  kind: fc.constantFrom('flip', 'flip', 'flip', 'truncate', 'drop', 'insert', 'duplicate'),
  value: fc.nat(255),
})

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never

function damaged(frames: readonly Buffer[], damages: readonly Damage[]): Buffer {
  let stream = Buffer.concat(frames)
  for (const { place, kind, value } of damages) {
    if (stream.length === 0) return stream
    const begin = 'frame' in place ? Buffer.concat(frames.slice(0, place.frame % frames.length)).length : 0
    const at = (begin + place.at) % stream.length
    const before = stream.subarray(0, at)
    if (kind === 'flip') stream[at] ^= 1 << (value & 7)
    else if (kind === 'truncate') stream = Buffer.from(before)
    else if (kind === 'drop') stream = Buffer.concat([before, stream.subarray(at + 1)])
    else stream = Buffer.concat([before, Buffer.from([kind === 'insert' ? value : stream[at]]), stream.subarray(at)])
  }
  return stream
}

/** Legal streams with a few bits flipped, and octets lost, put in or doubled. */
export function damagedStreams(compression: boolean): fc.Arbitrary<Buffer> {
  return fc
    .tuple(legalStreams(compression), fc.array(damage, { minLength: 1, maxLength: 3 }))
    .map(([{ frames }, damages]) => damaged(frames, damages))
    .map(stream => abridged(stream, stream))
}

const opcode = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(CONTINUATION, CONTINUATION, CONTINUATION, TEXT, BINARY, PING, PONG) },
  { weight: 1, arbitrary: fc.nat(15) },
)

const wildLength = fc
  .constantFrom(125n, 126n, 65_535n, 65_536n, 99_990n, 100_001n, 2n ** 31n, 2n ** 32n)
  .chain(length => fc.constantFrom(length, length + 2n ** 53n, length + 2n ** 62n, length + 2n ** 63n))

const wildFrame: fc.Arbitrary<FrameFields> = fc
  .record({
    fin: fc.oneof({ weight: 1, arbitrary: fc.constant(true) }, { weight: 3, arbitrary: fc.constant(false) }),
    rsv: fc.oneof(
      { weight: 20, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.constant(4) },
      { weight: 1, arbitrary: fc.nat(7) },
    ),
    opcode,
    payload: fc.oneof(
      text,
      octets,
      fc.nat(65_535).map(code => closePayload(code, 'x')),
    ),
    mask: fc.oneof({ weight: 30, arbitrary: mask }, { weight: 1, arbitrary: fc.constant(null) }),
    form: fc.oneof(
      { weight: 20, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: fc.constantFrom({ extended: 2 as const }, { extended: 8 as const }) },
      { weight: 1, arbitrary: wildLength.map(length => ({ length })) },
    ),
  })
  .map(({ form, fin, opcode, ...fields }) => ({ ...fields, ...form, opcode, fin: fin || opcode >= CLOSE }))

/** Frames whose headers hold anything, with legal values more often than others so that some get through. */
export const wildStreams: fc.Arbitrary<Buffer> = fc
  .array(wildFrame, { minLength: 1, maxLength: 12 })
  .map(frames => Buffer.concat(frames.map(frameOctets)))

/** Makes a failure print the beginning of `octets`; the seed that it prints too brings back all of them. */
function abridged<T extends object>(value: T, octets: Buffer): T {
  const text = `${octets.length} octets: ${octets.toString('hex', 0, 200)}`
  return Object.defineProperty(value, fc.toStringMethod, { value: () => text })
}
