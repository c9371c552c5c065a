// The kinds of value that only the options of `echobahn load` have.

import type { SizeShare, Threshold } from '../load-settings.js'
import { isToken, parseExtensions } from '../protocol/header-grammar.js'
import { formatSize, parseDuration, parseSize } from '../units.js'
import { type Kind, kind } from './values.js'

const LARGEST_MESSAGE = 64 * 2 ** 20
const HIGHEST_RATE = 10_000_000

export const url = kind('ws:// and wss:// URLs, without user, password and #', text => {
  if (!URL.canParse(text)) return undefined
  const { protocol, hash, username, password } = new URL(text)
  return ['ws:', 'wss:'].includes(protocol) && hash + username + password === '' ? new URL(text).href : undefined
})

export const httpUrl = kind('http:// and https:// URLs, without path', text => {
  if (!URL.canParse(text)) return undefined
  const { protocol, pathname, search, origin } = new URL(text)
  return ['http:', 'https:'].includes(protocol) && pathname + search === '/' ? origin : undefined
})

/** A number per second; the unit may be left out. */
function readRate(text: string): number | undefined {
  const [, digits] = /^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text) ?? []
  const rate = Number(digits)
  return digits !== undefined && rate <= HIGHEST_RATE ? rate : undefined
}

export const perSecond = kind('numbers per second, such as 100 or 0.5/s', readRate)

export const rate = kind('messages per second, such as 20000, or from one to another: 1000..50000', text => {
  const [from, to, ...more] = text.split('..').map(readRate)
  if (from === undefined || more.length > 0) return undefined
  if (!text.includes('..')) return { from, to: from }
  return to === undefined || from + to === 0 ? undefined : { from, to }
})

/** One size, or a range of them. */
function readSizes(text: string): Omit<SizeShare, 'weight'> | undefined {
  const ends = text.split('..').map(parseSize)
  const [least, most] = ends.length === 1 ? [ends[0], ends[0]] : ends
  if (least === undefined || most === undefined || ends.length > 2) return undefined
  return least <= most && most <= LARGEST_MESSAGE ? { least, most } : undefined
}

export const sizes: Kind<SizeShare[]> = kind(
  `sizes up to ${formatSize(LARGEST_MESSAGE)}, ranges and shares of 100 %, such as 256, 64..4KiB or 64:70%,4KiB:25%,1MiB:5%`,
  text => {
    const alone = readSizes(text)
    if (alone !== undefined) return [{ ...alone, weight: 1 }]
    const shares = text.split(',').map(readShare)
    const all = shares.reduce((sum, share) => sum + (share?.weight ?? Number.NaN), 0)
    return Math.abs(all - 100) < 1e-9 ? shares.filter(share => share !== undefined) : undefined
  },
)

function readShare(text: string): SizeShare | undefined {
  const [, size, percent] = /^(.+):(\d+(?:\.\d+)?)%$/.exec(text) ?? []
  const range = size === undefined ? undefined : readSizes(size)
  return range === undefined ? undefined : { ...range, weight: Number(percent) }
}

export const threshold: Kind<Threshold> = kind(
  'bounds such as p99=20ms, max=1s, mean=5ms, handshake-p95=100ms, ping-p50=2ms, errors=0 or errors=0.1%',
  text => readErrorBound(text) ?? readLatencyBound(text),
)

function readErrorBound(text: string): Threshold | undefined {
  const [, number, percent] = /^errors=(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? []
  if (number === undefined) return undefined
  const share = percent === '%'
  if (!share && number.includes('.')) return undefined
  return {
    text,
    kind: 'errors',
    statistic: share ? 'share' : 'count',
    most: share ? Number(number) / 100 : Number(number),
  }
}

function readLatencyBound(text: string): Threshold | undefined {
  const [, kindName = 'echo', name, percentile, bound] =
    /^(?:(echo|handshake|ping)-)?(p(\d{1,2}(?:\.\d{1,3})?|100)|max|mean)=(\w+)$/.exec(text) ?? []
  const most = bound === undefined ? undefined : parseDuration(bound)
  if (name === undefined || most === undefined) return undefined
  const statistic = name === 'mean' ? name : name === 'max' ? 100 : Number(percentile)
  return { text, kind: kindName as Threshold['kind'], statistic, most }
}

/** Fields that the opening handshake has itself, and what would break its framing. */
const OWN_FIELDS = /^(?:host|connection|upgrade|content-length|transfer-encoding|origin|sec-websocket-.*)$/i

export const header: Kind<readonly [name: string, value: string]> = kind(
  'header fields such as "Authorization: Bearer x", not those of the opening handshake itself',
  text => {
    const colon = text.indexOf(':')
    const name = text.slice(0, Math.max(0, colon))
    const value = text.slice(colon + 1).trim()
    const isHarmless = isToken(name) && !OWN_FIELDS.test(name) && /^[\t -~\x80-\xff]*$/.test(value)
    return isHarmless ? [name, value] : undefined
  },
)

/** What `on` stands for: what browsers offer. */
const USUAL_OFFER = 'permessage-deflate; client_max_window_bits'

export const compression: Kind<{ readonly offers: string | undefined }> = kind(
  'off, on, or offers of permessage-deflate such as "permessage-deflate; server_no_context_takeover"',
  text => {
    if (text === 'off') return { offers: undefined }
    if (text === 'on') return { offers: USUAL_OFFER }
    const parsed = parseExtensions(text)
    const isKnown = parsed.ok && parsed.value.every(({ name }) => name === 'permessage-deflate')
    return isKnown && /^[\t -~]*$/.test(text) ? { offers: text } : undefined
  },
)

export const outputFile = kind('names of files, or - for standard output', text =>
  text !== '' && !text.includes('\0') ? text : undefined,
)
