// What a handshake agrees on over streams of HTTP/2: the same suite.

import { runOver } from '../../support/transport-under-test.js'

runOver('h2c')
await import('../handshake-terms.test.js')
