// Figures of one plain load, for the experiments that show what a load program measured.

import type { Sample } from './figures.js'
import type { LoadRequest, LoadResult } from './load.js'

/** Figures of echoes: their cost, their rate, their latency and what came back. */
export function echoSample(request: LoadRequest, result: LoadResult): Sample {
  return {
    ...cpuSample(result),
    messagesPerSecond: result.messagesPerSecond,
    megabytesPerSecond: result.megabytesPerSecond,
    ...result.latency,
    resident: result.resident.after,
    proportional: result.proportional.after,
    ...(request.deflate ? replySample(result) : {}),
  }
}

/** Without /proc there is no CPU time, and 0 would be the best of all. */
export function cpuSample({ cpuPerMessage }: LoadResult): Sample {
  return cpuPerMessage === 0 ? {} : { cpuPerMessage, messagesPerCpuSecond: 1e6 / cpuPerMessage }
}

/** A request is what zlib level 6 makes of the message that its reply brings back. */
function replySample({ compressedShare, replyOctets, requestOctets }: LoadResult): Sample {
  return { compressedReplies: compressedShare * 100, replyOctets, replyToRequest: replyOctets / requestOctets }
}
