// The opening handshake over TLS: the same suite.

import { runOver } from '../../support/transport-under-test.js'

runOver('tls')
await import('../handshake.test.js')
await import('../handshake-terms.test.js')
