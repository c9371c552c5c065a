// A batch: what a thread makes of packed messages is what the caller would have made of them itself.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type BatchMessage, pack, runBatch, type ThreadResult, unpackResult } from '../../../src/codec/batch.js'
import { type Outgoing, Transcoder } from '../../../src/codec/transcoder.js'
import { deflateMessage } from '../../support/deflate-message.js'
import { noise, prose } from '../../support/plain-texts.js'

const SETTINGS = { maxMessage: 100_000, maxInflateRatio: 0, deflateLevel: 'auto', memLevel: 8 } as const
const NOTHING = Buffer.alloc(0)
const ENDLESS = Number.MAX_SAFE_INTEGER

interface Result {
  readonly violation: string | undefined
  readonly deflated: boolean
  readonly payload: string
  readonly plainLength: number
  readonly plainEnd: string
}

const hex = (octets: Buffer, offset: number, length: number) => octets.toString('hex', offset, offset + length)

function inline(message: BatchMessage, transcoder: Transcoder): Result {
  const result = transcoder.transcode(message)
  const { violation, deflated, plain, plainOffset, plainLength } = result
  const kept = Math.min(plainLength, message.plainEndLength)
  const plainEnd = hex(plain, plainOffset + plainLength - kept, kept)
  return violation === undefined
    ? { violation, deflated, payload: payloadOf(result), plainLength, plainEnd }
    : refused(violation)
}

function refused(violation: string): Result {
  return { violation, deflated: false, payload: '', plainLength: 0, plainEnd: '' }
}

function payloadOf({ payload, payloadOffset, payloadLength }: Outgoing): string {
  return hex(payload, payloadOffset, payloadLength)
}

function batched(messages: readonly BatchMessage[], transcoder: Transcoder): Result[] {
  const parts = messages.map(message => ({ messages: [message], room: ENDLESS }))
  const results = unpackResult(runBatch(structuredClone(pack(parts)), transcoder, () => 0))
  return ([...results] as ThreadResult[]).map(result => ({
    violation: result.violation,
    deflated: result.deflated,
    payload: payloadOf(result),
    plainLength: result.plainLength,
    plainEnd: result.plainEnd.toString('hex'),
  }))
}

const plainTexts = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map(octets => Buffer.from(octets)),
  fc.integer({ min: 1, max: 5000 }).map(length => prose(length)),
  fc.constantFrom(noise(3000), Buffer.alloc(100_000), Buffer.alloc(100_001)),
)
const windows = fc.oneof(fc.constant(NOTHING), fc.integer({ min: 1, max: 2000 }).map(noise))

/** Whole, corrupt and uncompressed messages, anywhere in their buffers, with windows and without. */
const messages: fc.Arbitrary<BatchMessage> = fc
  .record({
    plain: plainTexts,
    before: fc.nat(10),
    compressed: fc.boolean(),
    corrupt: fc.boolean(),
    text: fc.boolean(),
    refersBack: fc.boolean(),
    windowBits: fc.integer({ min: 8, max: 15 }),
    inflateWindow: windows,
    deflateWindow: windows,
    plainEndLength: fc.constantFrom(0, 256, 32_768),
  })
  .map(({ plain, before, corrupt, ...terms }) => {
    const dictionary = terms.inflateWindow
    const payload = terms.compressed ? deflateMessage(plain, dictionary.length > 0 ? { dictionary } : {}) : plain
    const length = corrupt && terms.compressed ? payload.length >> 1 : payload.length
    return { ...terms, source: Buffer.concat([noise(before), payload]), offset: before, length }
  })

describe('a batch', () => {
  const here = new Transcoder(SETTINGS)
  const there = new Transcoder(SETTINGS)

  it('gives the same results as the messages one by one', () => {
    fc.assert(
      fc.property(fc.array(messages, { minLength: 1, maxLength: 12 }), batch =>
        assert.deepEqual(
          batched(batch, there),
          batch.map(message => inline(message, here)),
        ),
      ),
      { numRuns: 200 },
    )
  })

  it('carries along whether a message may refer to earlier ones', () => {
    const dictionary = noise(500)
    const source = deflateMessage(dictionary, { dictionary })
    const terms = { source, offset: 0, length: source.length, compressed: true, text: false, windowBits: 15 }
    const violationOf = (refersBack: boolean) =>
      batched([{ ...terms, refersBack, inflateWindow: NOTHING, deflateWindow: NOTHING, plainEndLength: 0 }], there)[0]
        .violation
    assert.equal(violationOf(false), 'ECHOBAHN_DEFLATE_EARLIER_MESSAGE')
    assert.equal(violationOf(true), 'ECHOBAHN_DEFLATE_DISTANCE')
  })

  it('leaves the messages as they were, so that they can be done again', () => {
    fc.assert(
      fc.property(fc.array(messages, { maxLength: 5 }), batch => {
        const before = structuredClone(batch)
        runBatch(pack([{ messages: batch, room: ENDLESS }]), there)
        assert.deepEqual(structuredClone(batch), before)
      }),
      { numRuns: 50 },
    )
  })

  it('gives back a buffer of the size of what is in it', () => {
    const message: BatchMessage = {
      source: deflateMessage(Buffer.alloc(100_000)),
      offset: 0,
      length: deflateMessage(Buffer.alloc(100_000)).length,
      compressed: true,
      text: false,
      refersBack: false,
      windowBits: 15,
      inflateWindow: noise(30_000),
      deflateWindow: NOTHING,
      plainEndLength: 0,
    }
    const { bytes, rows } = runBatch(pack([{ messages: [message, message], room: ENDLESS }]), there)
    assert.ok(bytes.buffer.byteLength < 1000, `${bytes.buffer.byteLength} octets`)
    assert.equal(rows.length, 10)
  })
})
