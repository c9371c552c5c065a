// One sentence that says what a load was: it stands above the results, and in their files.

import type { LoadSettings, SizeShare } from '../load-settings.js'
import { formatDuration, formatSize } from '../units.js'
import { amount } from './words.js'

export function describeLoad(settings: LoadSettings): string {
  const { urls, connections, payload, size, compression, http2, fragment, churn, ramp, threads } = settings
  const parts = [
    loopOf(settings),
    `${payload} of ${sizesOf(size)} octets`,
    `${amount(connections)} connection${connections === 1 ? '' : 's'} to ${urls.join(' and ')}`,
    ramp > 0 && `opened over ${formatDuration(ramp)}`,
    churn > 0 && `${amount(churn)} of them replaced each second`,
    http2 && 'HTTP/2',
    compression !== undefined && `offering "${compression}"`,
    fragment > 0 && `frames of ${formatSize(fragment)} at most`,
    threads > 1 && `${threads} threads`,
  ]
  return parts.filter(part => part !== false).join(', ')
}

function loopOf(settings: LoadSettings): string {
  const { rate, steps, arrivals, inFlight, think } = settings
  if (rate === undefined) {
    const pause = think > 0 ? ` and ${formatDuration(think)} between them` : ''
    return `closed loop: ${inFlight} in flight on each connection${pause}, ${boundOf(settings)}`
  }
  const { from, to } = rate
  const course = from === to ? amount(from) : `${amount(from)} to ${amount(to)}${steps > 0 ? ` in ${steps} steps` : ''}`
  return `open loop: ${course} messages/s, ${arrivals} arrivals, ${boundOf(settings)}`
}

function boundOf({ duration, messages }: LoadSettings): string {
  return Number.isFinite(messages) ? `${amount(messages)} messages` : formatDuration(duration)
}

function sizesOf(shares: readonly SizeShare[]): string {
  const range = ({ least, most }: SizeShare) => (least === most ? amount(least) : `${amount(least)}–${amount(most)}`)
  if (shares.length === 1) return range(shares[0])
  return shares.map(share => `${range(share)} (${share.weight} %)`).join(', ')
}
