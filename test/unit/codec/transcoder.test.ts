// Transcoder: a message in one step, from its payload to the reply's.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Incoming, type Outgoing, Transcoder, type TranscoderSettings } from '../../../src/codec/transcoder.js'
import { deflateMessage, inflateMessage } from '../../support/deflate-message.js'
import { noise, prose, repeated } from '../../support/plain-texts.js'

const NOTHING = Buffer.alloc(0)
const SETTINGS: TranscoderSettings = { maxMessage: 2 ** 20, maxInflateRatio: 0, deflateLevel: 'auto', memLevel: 8 }

function messageOf(source: Buffer, terms: Partial<Incoming> = {}): Incoming {
  return {
    source,
    offset: 0,
    length: source.length,
    compressed: false,
    text: false,
    refersBack: false,
    windowBits: 15,
    inflateWindow: NOTHING,
    deflateWindow: NOTHING,
    ...terms,
  }
}

function payloadOf({ payload, payloadOffset, payloadLength }: Outgoing): Buffer {
  return payload.subarray(payloadOffset, payloadOffset + payloadLength)
}

function plainOf({ plain, plainOffset, plainLength }: Outgoing): Buffer {
  return plain.subarray(plainOffset, plainOffset + plainLength)
}

describe('Transcoder', () => {
  const transcoder = new Transcoder(SETTINGS)

  it('answers a compressed and an uncompressed message alike: deflated', () => {
    const plain = prose(2000)
    const compressed = messageOf(deflateMessage(plain), { compressed: true, text: true })
    for (const message of [compressed, messageOf(plain, { text: true })]) {
      const result = transcoder.transcode(message)
      assert.equal(result.violation, undefined)
      assert.ok(result.deflated)
      assert.deepEqual(inflateMessage(payloadOf(result)), plain)
      assert.deepEqual(plainOf(result), plain)
    }
  })

  it('lets go of what only large messages need, and goes on', () => {
    const small = messageOf(deflateMessage(prose(2000)), { compressed: true })
    const large = messageOf(deflateMessage(Buffer.alloc(3 * 2 ** 20)), { compressed: true })
    const own = new Transcoder({ ...SETTINGS, maxMessage: 2 ** 22 })
    own.transcode(small)
    assert.equal(own.release(), 0)
    own.transcode(large)
    assert.ok(own.release() >= 3 * 2 ** 20)
    assert.equal(own.release(), 0)
    assert.deepEqual(plainOf(own.transcode(large)), Buffer.alloc(3 * 2 ** 20))
    const noisy = messageOf(deflateMessage(repeated(noise(16 * 1024), 3 * 2 ** 20)), {
      compressed: true,
      windowBits: 9,
    })
    own.release()
    own.transcode(noisy)
    assert.ok(own.release() >= 6 * 2 ** 20)
  })

  it('answers plain what would not get smaller, and what is shorter than 16 octets', () => {
    for (const plain of [noise(3000), Buffer.alloc(15), NOTHING])
      for (const compressed of [true, false]) {
        const result = transcoder.transcode(messageOf(compressed ? deflateMessage(plain) : plain, { compressed }))
        assert.ok(!result.deflated)
        assert.deepEqual(payloadOf(result), plain)
      }
    assert.ok(transcoder.transcode(messageOf(Buffer.alloc(16))).deflated)
  })

  it('reads a message from within its buffer', () => {
    const payload = deflateMessage('in the middle of it')
    const source = Buffer.concat([noise(7), payload, noise(9)])
    const message = messageOf(source, { offset: 7, length: payload.length, compressed: true })
    assert.equal(plainOf(transcoder.transcode(message)).toString(), 'in the middle of it')
  })

  it('refuses compressed text that is not UTF-8, and takes the same octets as binary', () => {
    for (const octets of [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80]]) {
      const payload = deflateMessage(Buffer.from(octets))
      const text = transcoder.transcode(messageOf(payload, { compressed: true, text: true }))
      assert.equal(text.violation, 'ECHOBAHN_INVALID_UTF8')
      const binary = transcoder.transcode(messageOf(payload, { compressed: true }))
      assert.equal(binary.violation, undefined)
      assert.deepEqual(payloadOf(binary), Buffer.from(octets))
    }
  })

  it('passes on what the inflater refuses', () => {
    const tooBig = messageOf(deflateMessage(Buffer.alloc(2 ** 20 + 1)), { compressed: true })
    assert.equal(transcoder.transcode(tooBig).violation, 'ECHOBAHN_MESSAGE_TOO_BIG')
    const corrupt = messageOf(Buffer.from([0xff, 0xff]), { compressed: true })
    assert.equal(transcoder.transcode(corrupt).violation, 'ECHOBAHN_INVALID_DEFLATE')
    assert.equal(transcoder.transcode(messageOf(Buffer.from('next'))).violation, undefined)
    const limited = new Transcoder({ ...SETTINGS, maxInflateRatio: 5 })
    const steep = messageOf(deflateMessage(Buffer.alloc(1000)), { compressed: true })
    assert.equal(limited.transcode(steep).violation, 'ECHOBAHN_INFLATE_RATIO')
  })

  it('names a distance too far by what was agreed', () => {
    const dictionary = noise(500)
    const source = deflateMessage(dictionary, { dictionary })
    const refused = (refersBack: boolean, inflateWindow: Buffer) =>
      transcoder.transcode(messageOf(source, { compressed: true, refersBack, inflateWindow })).violation
    assert.equal(refused(false, NOTHING), 'ECHOBAHN_DEFLATE_EARLIER_MESSAGE')
    for (const window of [NOTHING, noise(400)]) assert.equal(refused(true, window), 'ECHOBAHN_DEFLATE_DISTANCE')
    assert.equal(refused(true, dictionary), undefined)
  })

  it('has one octet for a window where one is all that came before', () => {
    const inflateWindow = Buffer.from('a')
    // The octet before it, three times: a length of 3 at a distance of 1, in fixed codes.
    const source = Buffer.from('02020000', 'hex')
    for (let i = 0; i < 3; i++) {
      const { violation } = transcoder.transcode(
        messageOf(source, { compressed: true, refersBack: true, inflateWindow }),
      )
      assert.equal(violation, undefined)
    }
  })

  it('gives up within a bound, and does all without', () => {
    const message = messageOf(deflateMessage(prose(500)), { compressed: true })
    const bound = (octets: number) => ({ octets, finalBlocks: 0 })
    assert.equal(transcoder.transcodeWithin(message, bound(400)), undefined)
    assert.equal(transcoder.transcodeWithin(message, bound(600))?.plainLength, prose(500).length)
    assert.equal(transcoder.transcodeWithin(messageOf(prose(500)), bound(400))?.plainLength, prose(500).length)
    assert.equal(transcoder.transcode(message).plainLength, prose(500).length)
  })

  it('uses one window to inflate and the other to deflate', () => {
    const inflateWindow = noise(1000, 1)
    const deflateWindow = Buffer.concat([noise(1000, 2), inflateWindow])
    const payload = deflateMessage(inflateWindow, { dictionary: inflateWindow })
    const result = transcoder.transcode(messageOf(payload, { compressed: true, inflateWindow, deflateWindow }))
    assert.deepEqual(plainOf(result), inflateWindow)
    assert.ok(result.payloadLength < 50)
    assert.deepEqual(inflateMessage(payloadOf(result), { dictionary: deflateWindow }), inflateWindow)
  })
})
