// RFC 6455 on the wire over the fallback of bare TCP handles: the same suite.

import { runOver } from '../../support/transport-under-test.js'

runOver('stream')
await import('../protocol.test.js')
