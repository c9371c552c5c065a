// Which echo a connection gets, by what its opening handshake agreed on.

import type { Codec } from '../codec/codec.js'
import { CompressedEcho } from './compressed-echo.js'
import type { ConnectionTerms } from './connection-terms.js'
import { ControlledEcho } from './controlled-echo.js'
import type { Echo, EchoHost } from './echo.js'
import type { MessageBlocks } from './message-blocks.js'
import { PlainEcho } from './plain-echo.js'

export function createEcho(
  { deflate, controls }: Pick<ConnectionTerms, 'deflate' | 'controls'>,
  host: EchoHost,
  codec: Codec,
  blocks: MessageBlocks,
): Echo {
  if (controls !== undefined) return new ControlledEcho(host, codec, deflate, controls)
  return deflate === undefined ? new PlainEcho(host) : new CompressedEcho(host, codec, blocks, deflate)
}
