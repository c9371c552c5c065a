// The receiver of `ws` as an oracle: what it makes of a stream of client frames.

import * as ws from 'ws'
import type { DecoderRules } from '../../src/protocol/frame-decoder.js'
import { BINARY, CLOSE, PING, PONG, TEXT } from '../../src/protocol/opcodes.js'
import type { DecodedEvent } from './decode.js'
import { closePayload } from './frame-octets.js'

export interface Received {
  readonly events: readonly DecodedEvent[]
  /** Close code with which it refused; undefined if it did not. */
  readonly refusal: number | undefined
}

type Inflated = (error: null, plain: Buffer) => void

interface Receiver extends NodeJS.EventEmitter {
  write(octets: Buffer, taken: (error?: Error | null) => void): boolean
}

/** What of `ws` its types leave out. */
interface WsInternals {
  readonly Receiver: new (options: {
    isServer: boolean
    maxPayload: number
    maxFragments: number
    extensions: Record<string, { decompress(data: Buffer, fin: boolean, done: Inflated): void }>
  }) => Receiver
}

const { Receiver } = ws as unknown as WsInternals

/**
 * Gives `octets` to a new receiver. Compressed messages are not inflated: it gets empty ones in their place, and their
 * payload is reported as it was on the wire.
 */
export async function receiveAll(octets: Uint8Array, rules: DecoderRules): Promise<Received> {
  const events: DecodedEvent[] = []
  let deflated: Buffer[] | undefined
  const withoutInflating = {
    decompress(data: Buffer, _fin: boolean, done: Inflated): void {
      deflated ??= []
      deflated.push(Buffer.from(data))
      // It counts on the answer being asynchronous.
      queueMicrotask(() => done(null, Buffer.alloc(0)))
    },
  }
  const receiver = new Receiver({
    isServer: true,
    maxPayload: rules.maxMessage,
    maxFragments: rules.maxFragments,
    extensions: rules.compression ? { 'permessage-deflate': withoutInflating } : {},
  })

  const report = (opcode: number, payload: Buffer) => events.push({ opcode, compressed: false, payload })
  receiver.on('message', (payload: Buffer, isBinary: boolean) => {
    const opcode = isBinary ? BINARY : TEXT
    if (deflated === undefined) report(opcode, payload)
    else events.push({ opcode, compressed: true, payload: Buffer.concat(deflated) })
    deflated = undefined
  })
  receiver.on('ping', (payload: Buffer) => report(PING, payload))
  receiver.on('pong', (payload: Buffer) => report(PONG, payload))
  receiver.on('conclude', (code: number, reason: Buffer) =>
    report(CLOSE, code === 1005 ? Buffer.alloc(0) : closePayload(code, reason)),
  )
  receiver.on('error', () => {})

  // It unmasks in place.
  const error = await new Promise<Error | null | undefined>(resolve => receiver.write(Buffer.from(octets), resolve))
  return { events, refusal: error == null ? undefined : closeCodeOf(error) }
}

/** It keeps the close code of an error under a symbol. */
function closeCodeOf(error: Error): number {
  const key = Object.getOwnPropertySymbols(error).find(symbol => symbol.description === 'status-code')
  if (key === undefined) throw error
  return (error as unknown as Record<symbol, number>)[key]
}
