// permessage-deflate over the fallback of bare TCP handles: the same suite.

import { runOver } from '../../support/transport-under-test.js'

runOver('stream')
await import('../compression.test.js')
