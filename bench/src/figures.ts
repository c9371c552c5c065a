// Catalogue of the figures that are measured: how a table names each and to how many decimals it shows it.

export const FIGURES = {
  cpuPerMessage: { heading: 'CPU µs/message', digits: 2 },
  messagesPerSecond: { heading: 'messages/s', digits: 0 },
  megabytesPerSecond: { heading: 'MB/s', digits: 1 },
  p50: { heading: 'p50 µs', digits: 0 },
  p99: { heading: 'p99 µs', digits: 0 },
  p999: { heading: 'p99.9 µs', digits: 0 },
  max: { heading: 'max µs', digits: 0 },
  resident: { heading: 'RSS MiB', digits: 1 },
  proportional: { heading: 'PSS MiB', digits: 1 },
  compressedReplies: { heading: 'replies compressed %', digits: 0 },
  replyOctets: { heading: 'reply octets', digits: 0 },
  replyToRequest: { heading: 'reply / zlib level 6', digits: 2 },
  residentPerConnection: { heading: 'RSS KiB/connection', digits: 2 },
  proportionalPerConnection: { heading: 'PSS KiB/connection', digits: 2 },
  handshakesPerSecond: { heading: 'handshakes/s', digits: 0 },
  cpuPerHandshake: { heading: 'CPU µs/handshake', digits: 0 },
  p99Alone: { heading: 'p99 µs alone', digits: 0 },
  p99Beside: { heading: 'p99 µs beside W4', digits: 0 },
  p99Growth: { heading: 'p99 beside / alone', digits: 2 },
  besideMegabytesPerSecond: { heading: 'MB/s of W4', digits: 1 },
  messagesPerCpuSecond: { heading: 'messages per CPU second', digits: 0 },
  capacity: { heading: 'messages/s at full use of its cores', digits: 0 },
} as const

export type FigureName = keyof typeof FIGURES

/** What one run measured. A figure that could not be measured, such as CPU without /proc, is missing. */
export type Sample = Readonly<Partial<Record<FigureName, number>>>
