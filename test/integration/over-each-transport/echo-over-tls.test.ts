// Real clients over TLS: the same suite.

import { runOver } from '../../support/transport-under-test.js'

runOver('tls')
await import('../echo.test.js')
