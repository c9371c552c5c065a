// Context takeover: both windows of a connection live on from message to message, against a peer whose zlib streams do.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { BINARY } from '../../src/protocol/opcodes.js'
import { describeFrame, failure } from '../support/conversation.js'
import { largestDistance } from '../support/deflate-distances.js'
import { deflateMessage } from '../support/deflate-message.js'
import { noise, prose } from '../support/plain-texts.js'
import { RawClient, requestHead, UPGRADE_HEADERS } from '../support/raw-client.js'
import { Service, startService } from '../support/service.js'
import { WsDeflate } from '../support/ws-deflate.js'

const MESSAGES = 200
const RSV1 = 4

/** One connection with its peer's half of the compression. */
class Conversation {
  readonly #client: RawClient
  readonly #deflate: WsDeflate
  /** Octets of all compressed replies. */
  compressedOctets = 0
  largestDistance = 0

  constructor(client: RawClient, deflate: WsDeflate) {
    this.#client = client
    this.#deflate = deflate
  }

  static async open({ port }: Service, parameters: string): Promise<Conversation> {
    const client = await RawClient.connect(port)
    const offer = `Sec-WebSocket-Extensions: permessage-deflate; ${parameters}`
    client.write(requestHead([...UPGRADE_HEADERS, offer]))
    const answer = /^sec-websocket-extensions: (.*)$/im.exec(await client.readHead())?.[1]
    assert.ok(answer !== undefined)
    return new Conversation(client, new WsDeflate(answer))
  }

  async sendCompressed(plain: Buffer): Promise<void> {
    this.#client.send({ rsv: RSV1, opcode: BINARY, payload: await this.#deflate.compress(plain) })
  }

  /** In between goes what neither window sees. */
  sendPlain(plain: Buffer): void {
    this.#client.send({ opcode: BINARY, payload: plain })
  }

  sendPayload(payload: Buffer): void {
    this.#client.send({ rsv: RSV1, opcode: BINARY, payload })
  }

  /** The Close that ends the conversation, as words. */
  async readClose(): Promise<string> {
    return describeFrame(await this.#client.readFrame())
  }

  async receive(): Promise<Buffer> {
    const { rsv, payload } = await this.#client.readFrame()
    if (rsv !== RSV1) return payload
    this.largestDistance = Math.max(this.largestDistance, largestDistance(payload))
    this.compressedOctets += payload.length
    return this.#deflate.decompress(payload)
  }

  close(): void {
    this.#client.destroy()
    this.#deflate.close()
  }
}

/** Messages that repeat earlier ones, incompressible ones, tiny ones, and ones larger than any window. */
function plainText(i: number): Buffer {
  if (i % 41 === 40) return Buffer.concat([noise(20_000, i), prose(40_000, i)])
  if (i % 13 === 12) return noise(600, i)
  if (i % 11 === 10) return Buffer.from([i])
  return prose(300 + (i % 7) * 50, 1 + (i % 5))
}

/** Sends ahead of the replies, so that messages wait for the windows that the ones before them leave. */
async function converse(conversation: Conversation): Promise<void> {
  for (let i = 0; i < MESSAGES; i += 4) {
    for (let j = i; j < i + 4; j++) {
      if (j % 9 === 8) conversation.sendPlain(plainText(j))
      else await conversation.sendCompressed(plainText(j))
    }
    for (let j = i; j < i + 4; j++) assert.deepEqual(await conversation.receive(), plainText(j), `message ${j}`)
  }
}

for (const offload of ['never', 'always']) {
  describe(`context takeover, --offload ${offload}`, () => {
    let service: Service
    before(async () => {
      service = await new Service(['--workers', '1', '--context-takeover', 'on', '--offload', offload]).listening()
    })
    after(() => service.stop())

    it('works with windows of every size, a different one each way', async () => {
      for (let bits = 9; bits <= 15; bits++) {
        const terms = `server_max_window_bits=${bits}; client_max_window_bits=${24 - bits}`
        const conversation = await Conversation.open(service, terms)
        await converse(conversation)
        conversation.close()
        assert.ok(conversation.largestDistance <= 2 ** bits, `${conversation.largestDistance} in ${bits} bits`)
      }
    })

    it('fails what reaches beyond the window by that name, with and without messages before it', async () => {
      const dictionary = noise(2000)
      const tooFar = deflateMessage(dictionary.subarray(0, 200), { dictionary })
      for (const before of [[], [noise(500, 2), noise(500, 3)]]) {
        const conversation = await Conversation.open(service, 'client_max_window_bits=10')
        for (const plain of before) {
          await conversation.sendCompressed(plain)
          assert.deepEqual(await conversation.receive(), plain)
        }
        conversation.sendPayload(tooFar)
        assert.equal(await conversation.readClose(), failure('ECHOBAHN_DEFLATE_DISTANCE'))
        conversation.close()
      }
    })

    it('works in one direction alone', async () => {
      for (const terms of ['server_no_context_takeover', 'client_no_context_takeover']) {
        const conversation = await Conversation.open(service, terms)
        await converse(conversation)
        conversation.close()
      }
    })
  })
}

it('context takeover makes replies smaller than they are without it', async t => {
  const sizes: number[] = []
  for (const takeover of ['on', 'off']) {
    const service = await startService(t, '--workers', '1', '--context-takeover', takeover)
    const conversation = await Conversation.open(service, 'client_max_window_bits')
    await converse(conversation)
    conversation.close()
    sizes.push(conversation.compressedOctets)
  }
  assert.ok(sizes[0] < 0.9 * sizes[1], `${sizes[0]} and ${sizes[1]} octets`)
})
