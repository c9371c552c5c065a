// Catalogue of the figures that are measured: how a table names each, to how many decimals it shows it, and which is best.

export const FIGURES = {
  cpuPerMessage: { heading: 'CPU µs/message', digits: 2, best: 'least' },
  messagesPerSecond: { heading: 'messages/s', digits: 0, best: 'most' },
  megabytesPerSecond: { heading: 'MB/s', digits: 1, best: 'most' },
  p50: { heading: 'p50 µs', digits: 0, best: 'least' },
  p99: { heading: 'p99 µs', digits: 0, best: 'least' },
  p999: { heading: 'p99.9 µs', digits: 0, best: 'least' },
  max: { heading: 'max µs', digits: 0, best: 'least' },
  resident: { heading: 'RSS MiB', digits: 1, best: 'least' },
  proportional: { heading: 'PSS MiB', digits: 1, best: 'least' },
  compressedReplies: { heading: 'replies compressed %', digits: 0, best: 'most' },
  replyOctets: { heading: 'reply octets', digits: 0, best: 'least' },
  replyToRequest: { heading: 'reply / zlib level 6', digits: 2, best: 'least' },
  residentPerConnection: { heading: 'RSS KiB/connection', digits: 2, best: 'least' },
  residentPerFurther: { heading: 'RSS KiB/further connection', digits: 2, best: 'least' },
  proportionalPerConnection: { heading: 'PSS KiB/connection', digits: 2, best: 'least' },
  handshakesPerSecond: { heading: 'handshakes/s', digits: 0, best: 'most' },
  cpuPerHandshake: { heading: 'CPU µs/handshake', digits: 0, best: 'least' },
  p50Alone: { heading: 'p50 µs alone', digits: 0, best: 'least' },
  p50Beside: { heading: 'p50 µs beside', digits: 0, best: 'least' },
  p50Growth: { heading: 'p50 beside / alone', digits: 2, best: 'least' },
  p99Alone: { heading: 'p99 µs alone', digits: 0, best: 'least' },
  p99Beside: { heading: 'p99 µs beside', digits: 0, best: 'least' },
  p99Growth: { heading: 'p99 beside / alone', digits: 2, best: 'least' },
  maxBeside: { heading: 'max µs beside', digits: 0, best: 'least' },
  attackMegabytesPerSecond: { heading: 'MB/s of the attack', digits: 1, best: 'most' },
  attackConnectionsPerSecond: { heading: 'its connections/s', digits: 0, best: 'most' },
  besideMegabytesPerSecond: { heading: 'MB/s of W4', digits: 1, best: 'most' },
  messagesPerCpuSecond: { heading: 'messages per CPU second', digits: 0, best: 'most' },
  capacity: { heading: 'messages/s at full use of its cores', digits: 0, best: 'most' },
} as const

export type FigureName = keyof typeof FIGURES

/** What one run measured. A figure that could not be measured, such as CPU without /proc, is missing. */
export type Sample = Readonly<Partial<Record<FigureName, number>>>
