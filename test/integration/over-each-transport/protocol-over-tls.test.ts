// RFC 6455 on the wire over TLS: the same suite.

import { runOver } from '../../support/transport-under-test.js'

runOver('tls')
await import('../protocol.test.js')
