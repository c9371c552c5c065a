// The times that a load measures, as HDR histograms: in whole microseconds to three digits, up to an hour.

import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { HIGHEST, Recorder, type Sparse } from './recorder.js'

export type { Histogram }

export const LATENCIES = ['handshake', 'echo', 'ping', 'waiting', 'lateness'] as const

/**
 * - `handshake`: from beginning to connect until the 101 is read
 * - `echo`: from when the message was due until its last octet is back
 * - `ping`: from writing a ping until its pong
 * - `waiting`: from when the message was due until it was handed to the socket
 * - `lateness`: from when the message was due until the schedule got to it
 */
export type LatencyName = (typeof LATENCIES)[number]

export type Latencies<T> = Readonly<Record<LatencyName, T>>

export function eachLatency<T>(make: (name: LatencyName) => T): Latencies<T> {
  return Object.fromEntries(LATENCIES.map(name => [name, make(name)])) as Record<LatencyName, T>
}

export function makeRecorders(): Latencies<Recorder> {
  return eachLatency(() => new Recorder())
}

export function makeHistogram(): Histogram {
  return build({
    bitBucketSize: 64,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  })
}

export function addSparse(to: Histogram, sparse: Sparse): void {
  for (let i = 0; i < sparse.length; i += 2) to.recordValueWithCount(sparse[i], sparse[i + 1])
}

/** Milliseconds; 0 when nothing was recorded. @param at percentile, 0–100 */
export function percentile(histogram: Histogram, at: number): number {
  return histogram.totalCount === 0 ? 0 : histogram.getValueAtPercentile(at) / 1000
}

/** Milliseconds. */
export function mean(histogram: Histogram): number {
  return histogram.totalCount === 0 ? 0 : histogram.mean / 1000
}

/** The histogram as text that every HdrHistogram library reads (V2, compressed, base64). */
export function encode(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram)
}

/** @throws Error when the text is no such histogram */
export function decode(text: string): Histogram {
  const histogram = makeHistogram()
  histogram.add(decodeFromCompressedBase64(text))
  return histogram
}
