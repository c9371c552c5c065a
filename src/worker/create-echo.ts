// Which echo a connection gets, by what its opening handshake agreed on.

import type { Codec } from '../codec/codec.js'
import { CompressedEcho } from './compressed-echo.js'
import type { ConnectionTerms } from './connection-terms.js'
import type { Echo, EchoHost } from './echo.js'
import { PlainEcho } from './plain-echo.js'

export function createEcho({ deflate }: Pick<ConnectionTerms, 'deflate'>, host: EchoHost, codec: Codec): Echo {
  return deflate === undefined ? new PlainEcho(host) : new CompressedEcho(host, codec, deflate)
}
