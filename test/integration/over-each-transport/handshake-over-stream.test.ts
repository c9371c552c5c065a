// The opening handshake over the fallback of bare TCP handles: the same suite.

import { runOver } from '../../support/transport-under-test.js'

runOver('stream')
await import('../handshake.test.js')
await import('../handshake-terms.test.js')
