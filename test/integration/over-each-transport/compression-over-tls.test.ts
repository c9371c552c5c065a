// permessage-deflate over TLS: the same suite.

import { runOver } from '../../support/transport-under-test.js'

runOver('tls')
await import('../compression.test.js')
