// RFC 6455 on the wire over streams of HTTP/2: the same suite.

import { runOver } from '../../support/transport-under-test.js'

runOver('h2c')
await import('../protocol.test.js')
