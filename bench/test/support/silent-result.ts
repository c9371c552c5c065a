// The answer of a load that has measured nothing, for tests to add what they need.

import type { LoadResult } from '../../src/load.js'

const NOTHING = { before: 0, after: 0 }

export const silentResult: LoadResult = {
  ...{ messages: 0, seconds: 0, messagesPerSecond: 0, megabytesPerSecond: 0 },
  latency: { p50: 0, p99: 0, p999: 0, max: 0 },
  ...{ cpuPerMessage: 0, handshakesPerSecond: 0, handshakeCpu: 0 },
  ...{ compressedShare: 0, replyOctets: 0, requestOctets: 0 },
  ...{ resident: NOTHING, proportional: NOTHING },
}
