// Real clients over streams of HTTP/2: the same suite.

import { runOver } from '../../support/transport-under-test.js'

runOver('h2c')
await import('../echo.test.js')
