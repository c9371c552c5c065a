// One run of the fuzzer: input after input from one seed, each judged by its oracle.

import assert from 'node:assert/strict'
import { mock } from 'node:test'
import zlib from 'node:zlib'
import { type Incoming, type Outgoing, Transcoder } from '../../src/codec/transcoder.js'
import { COMPRESSION, compare, PLAIN } from '../support/decoder-oracle.js'
import { inflateMessage } from '../support/deflate-message.js'
import { fuzzedMessage } from './deflate-messages.js'
import { verdictOn } from './deflate-oracle.js'
import { fuzzedStream } from './frame-streams.js'
import { Random } from './random.js'

/** Of so many inputs one is a deflate message, the others are frame streams. */
const MESSAGE_EVERY = 11
/** Of so many deflate messages one is done without zlib's handle, as on a Node where it looks different. */
const FALLBACK_EVERY = 8
/** Small enough for some messages to be too big. */
const SETTINGS = { maxMessage: 40_000, maxInflateRatio: 0, deflateLevel: 'auto', memLevel: 8 } as const

/** What our side and an oracle do not agree about. */
export class Disagreement extends Error {
  constructor(seed: number, input: number, cause: unknown) {
    super(`input ${input} of seed ${seed}: ${(cause as Error).message}`, { cause })
  }
}

export class Fuzz {
  streams = 0
  messages = 0
  /** Messages by what the oracle said, `whole` for those that are legal. */
  readonly verdicts = new Map<string, number>()
  /** Streams that ws takes otherwise than we do, for one of the reasons that are listed. */
  explained = 0
  readonly #seed: number
  readonly #random = new Random()
  readonly #transcoder = new Transcoder(SETTINGS)
  readonly #withoutHandle = new Transcoder(SETTINGS)

  constructor(seed: number) {
    this.#seed = seed
  }

  /** @throws Disagreement */
  async check(input: number): Promise<void> {
    this.#random.seed(this.#seed, input)
    try {
      if (input % MESSAGE_EVERY > 0) await this.#checkStream()
      else this.#checkMessage(input / MESSAGE_EVERY)
    } catch (error) {
      throw new Disagreement(this.#seed, input, error)
    }
  }

  async #checkStream(): Promise<void> {
    const { octets, cuts, compression } = fuzzedStream(this.#random)
    const difference = await compare(octets, cuts, compression ? COMPRESSION : PLAIN)
    this.streams++
    if (difference !== undefined) this.explained++
  }

  #checkMessage(number: number): void {
    const message = fuzzedMessage(this.#random)
    const verdict = verdictOn(message, SETTINGS)
    const isFallback = number % FALLBACK_EVERY === 0
    const result = isFallback
      ? withoutInflateHandle(() => this.#withoutHandle.transcode(message))
      : this.#transcoder.transcode(message)
    this.messages++
    const name = typeof verdict === 'string' ? verdict : 'whole'
    this.verdicts.set(name, 1 + (this.verdicts.get(name) ?? 0))
    // Without the handle zlib works 16 KiB ahead, so it may say first what is wrong behind the limit.
    if (isFallback && name === 'ECHOBAHN_MESSAGE_TOO_BIG') assert.ok(result.violation !== undefined)
    else assert.equal(result.violation ?? 'whole', name)
    if (typeof verdict !== 'string') checkReply(message, result, verdict)
  }
}

function checkReply({ deflateWindow }: Incoming, result: Outgoing, plain: Buffer): void {
  const { deflated, payload, payloadOffset, payloadLength, plainOffset, plainLength } = result
  assert.ok(result.plain.subarray(plainOffset, plainOffset + plainLength).equals(plain), 'the plain text is another')
  const reply = payload.subarray(payloadOffset, payloadOffset + payloadLength)
  assert.ok(!deflated || payloadLength < plainLength, 'the reply grew')
  const options = deflateWindow.length > 0 ? { dictionary: deflateWindow } : {}
  assert.ok((deflated ? inflateMessage(reply, options) : reply).equals(plain), 'the reply says something else')
}

function withoutInflateHandle<T>(act: () => T): T {
  const { mock: handle } = mock.method(zlib, 'createInflateRaw', () => ({}))
  try {
    return act()
  } finally {
    handle.restore()
  }
}
